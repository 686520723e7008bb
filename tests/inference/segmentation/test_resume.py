"""However a run is cut, stopped or shared, the raster and the footprints are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from geopandas.testing import assert_geodataframe_equal
from pyproj import CRS
from torch import Tensor, nn

from vigibati.configs.errors import InputError, OutputError, SettingsError
from vigibati.datasets.grid import PixelGrid, Window
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.segmentation import strip_pipeline
from vigibati.inference.segmentation.merge import Segmentation, merge
from vigibati.inference.segmentation.segment import plan, segment
from vigibati.inference.segmentation.settings import Cut, SegmentSettings, Shard
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.unit_files import UnitFiles, UnitResult
from vigibati.inference.vectorisation.vectorise import vectorise

_CUT = Cut(512, 512, 1024)
_Write = Callable[..., Path]
_Room = Callable[[int], AbstractContextManager[None]]


def _town(height: int, width: int, *, seed: int = 3) -> np.ndarray:
    """Bright rectangles on dark ground; many of them cross the borders of units."""
    rng = np.random.default_rng(seed)
    grey = rng.integers(30, 90, (height, width), dtype=np.uint8)
    for _ in range(height * width // 9000):
        row, col = rng.integers(0, height), rng.integers(0, width)
        tall, wide = rng.integers(15, 90, 2)
        grey[row : row + tall, col : col + wide] = rng.integers(160, 250)
    return np.stack([grey] * 3)


@pytest.fixture
def town(write_raster: _Write) -> Path:
    return _write_town(write_raster)


def _write_town(write_raster: _Write, *, seed: int = 3) -> Path:
    pixels = _town(1700, 1500, seed=seed)
    return write_raster("ortho.tif", pixels, tiled=True, blockxsize=256, blockysize=256)


def _run(path: Path, checkpoint: Checkpoint, out: Path, **options: object) -> Segmentation:
    settings = SegmentSettings(**{"device": "cpu", "traced": True, "cut": _CUT, **options})  # type: ignore[arg-type]
    with open_ortho([path], gsd_m=0.2) as ortho:
        return segment(ortho, checkpoint, out, settings)


@pytest.fixture
def whole(town: Path, stub: Callable[..., Checkpoint], tmp_path: Path) -> Segmentation:
    return _run(town, stub(reach=8), tmp_path / "whole.tif")


def _same(got: Segmentation, wanted: Segmentation) -> None:
    assert got.footprints is not None
    assert wanted.footprints is not None
    assert len(wanted.footprints) > 100
    assert_geodataframe_equal(got.footprints, wanted.footprints)
    assert got.report.failed == wanted.report.failed == ()


def test_tracing_on_the_way_is_vectorising_afterwards(whole: Segmentation, tmp_path: Path) -> None:
    assert whole.footprints is not None
    assert_geodataframe_equal(whole.footprints, vectorise(tmp_path / "whole.tif"))


@pytest.mark.parametrize("cut", [Cut(512, 512, 512), Cut(1024, 1024, 65_536), Cut(4096, 4096)])
def test_the_cut_does_not_show(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation, cut: Cut
) -> None:
    out = tmp_path / "cut.tif"
    _same(_run(town, stub(reach=8), out, cut=cut), whole)
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_shards_give_the_same_file(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation
) -> None:
    out = tmp_path / "shards.tif"
    for number in (3, 1):
        share = _run(town, stub(reach=8), out, shard=Shard(number, 3))
        assert not share.report.finished
        assert share.footprints is None
    with pytest.raises(InputError, match=r"3 of 8 units are not finished .*let every shard finish") as error:
        merge(out, traced=True)
    assert "the first is 2" in str(error.value)
    _run(town, stub(reach=8), out, shard=Shard(2, 3))
    _same(merge(out, traced=True), whole)
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert not (tmp_path / "shards.tif.run").exists()


def test_a_raster_that_is_finished_is_left_as_it_is(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation
) -> None:
    before = (tmp_path / "whole.tif").stat().st_mtime_ns
    again = _run(town, stub(reach=8), tmp_path / "whole.tif")
    _same(again, whole)
    assert again.report.megapixels_now == 0
    assert (tmp_path / "whole.tif").stat().st_mtime_ns == before


class _Stops(nn.Module):
    """Brightness, until the window that somebody interrupts."""

    def __init__(self, network: nn.Module, at: int, error: BaseException) -> None:
        super().__init__()
        self.network, self.at, self.error, self.seen = network, at, error, 0

    def forward(self, pixels: Tensor) -> Tensor:
        # Before the work begins, its way is traced with something that is no tensor.
        self.seen += type(pixels) is Tensor
        if self.seen == self.at:
            raise self.error
        logits: Tensor = self.network(pixels)
        return logits


@pytest.mark.parametrize(("at", "done_before"), [(2, 0), (5, 1), (8, 2)])
def test_an_interrupted_run_goes_on(
    town: Path,
    stub: Callable[..., Checkpoint],
    tmp_path: Path,
    whole: Segmentation,
    at: int,
    done_before: int,
) -> None:
    out, calm = tmp_path / "again.tif", stub(reach=8)
    with pytest.raises(KeyboardInterrupt):
        _run(town, stub(_Stops(calm.network, at, KeyboardInterrupt())), out)
    assert not out.exists()
    with open_ortho([town], gsd_m=0.2) as ortho:
        planned = plan(ortho, calm, out, SegmentSettings(device="cpu", traced=True, cut=_CUT))
    done = _run(town, calm, out)
    _same(done, whole)
    assert done.report.megapixels_now == pytest.approx(2.55 - planned.units_done * 1024 * 512 / 1e6)
    assert planned.units_done == done_before
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_a_changed_image_or_setting_is_refused(
    town: Path, write_raster: _Write, stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    out, calm = tmp_path / "again.tif", stub(reach=8)
    with pytest.raises(KeyboardInterrupt):
        _run(town, stub(_Stops(calm.network, 5, KeyboardInterrupt())), out)
    with pytest.raises(SettingsError, match=r"was begun with other wish for footprints; .*--restart"):
        _run(town, calm, out, traced=False)
    other = stub(reach=8, thresholds=(0.4,))
    with pytest.raises(SettingsError, match="was begun with other model;"):
        _run(town, other, out)
    _write_town(write_raster, seed=4)
    with pytest.raises(SettingsError, match=r"again\.tif\.run: this run was begun with other images;"):
        _run(town, calm, out)
    assert _run(town, calm, out, restart=True).report.finished


def test_a_unit_that_fails_again_and_again_is_left_out_and_named(
    town: Path,
    stub: Callable[..., Checkpoint],
    tmp_path: Path,
    whole: Segmentation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, tried = tmp_path / "part.tif", []

    def sick(unit: object, *others: object) -> object:
        if unit.number == 1:  # type: ignore[attr-defined]
            tried.append(unit)
            raise ValueError("this unit is cursed")
        return healthy(unit, *others)  # type: ignore[arg-type]

    healthy = strip_pipeline._infer
    monkeypatch.setattr(strip_pipeline, "_infer", sick)
    done = _run(town, stub(reach=8), out)
    assert len(tried) == 3
    assert done.report.failed == ("unit 1 (rows 512-1024, columns 0-1024): ValueError: this unit is cursed",)
    assert done.footprints is not None
    lost = shapely.box(700_000, 6_600_000 - 1024 * 0.2, 700_000 + 1024 * 0.2, 6_600_000 - 512 * 0.2)
    assert not done.footprints.intersects(lost.buffer(-0.3)).any()
    # Nothing but the unit is tried again, and only when that is asked for.
    again = _run(town, stub(reach=8), out)
    assert (again.report.windows, len(tried)) == (0, 3)
    assert again.report.failed == done.report.failed
    monkeypatch.undo()
    mended = _run(town, stub(reach=8), out, retry_failed=True)
    _same(mended, whole)
    assert mended.report.windows == 2
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_a_full_disk_stops_the_run_and_is_no_fault_of_its_units(
    town: Path,
    stub: Callable[..., Checkpoint],
    tmp_path: Path,
    whole: Segmentation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, written = tmp_path / "full.tif", []

    def full(self: UnitFiles, path: Path, *others: object) -> None:
        written.append(path)
        if len(written) > 2:
            raise OSError(28, "No space left on device")
        roomy(self, path, *others)  # type: ignore[arg-type]

    roomy = UnitFiles._write_raster
    monkeypatch.setattr(UnitFiles, "_write_raster", full)
    for _ in range(4):
        with pytest.raises(OutputError, match=r"No space left on device.*see that the disk has room"):
            _run(town, stub(reach=8), out)
    monkeypatch.undo()
    done = _run(town, stub(reach=8), out)
    _same(done, whole)
    assert done.report.megapixels_now < done.report.megapixels


# Of the size of a file: GDAL fails in more than one way.
_SHARES = (0.3, 0.8, 0.9, 0.97, 0.995, 1)


def test_a_disk_that_fills_while_the_raster_is_put_together_costs_no_unit(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation, room: _Room
) -> None:
    out, wanted = tmp_path / "full.tif", (tmp_path / "whole.tif").read_bytes()
    _run(town, stub(reach=8), out, shard=Shard(1, 1))
    for share in _SHARES:
        with (
            room(int(len(wanted) * share) - 1),
            pytest.raises(OutputError, match=r"full\.tif: cannot be written .*; see that the disk has room"),
        ):
            merge(out)
        assert not out.exists()
    _same(merge(out, traced=True), whole)
    assert out.read_bytes() == wanted


def test_the_raster_of_a_unit_is_whole_or_not_there(tmp_path: Path, room: _Room) -> None:
    unit = Unit(0, Window(0, 0, 1024, 600))
    grid = PixelGrid(CRS.from_epsg(2154), Affine(0.2, 0, 0, 0, -0.2, 0), 1024, 600)
    files = UnitFiles(tmp_path, grid, ("building",), None)
    planes = np.random.default_rng(0).integers(0, 200, (1, 600, 1024), dtype=np.uint8)
    result = UnitResult(planes, np.zeros((602, 1026), dtype=np.bool_), {})
    files.write(unit, result)
    size = files.raster(unit).stat().st_size
    files.raster(unit).unlink()
    for share in _SHARES:
        with room(int(size * share) - 1), pytest.raises(OutputError, match=r"; see that the disk has room"):
            files.write(unit, result)
        assert list(tmp_path.iterdir()) == []


def test_only_what_is_near_the_area_is_looked_at(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation
) -> None:
    # 10 m from the border of the first core: its neighbours come within 20 m.
    area = np.array([shapely.box(700_000 + 30, 6_600_000 - 70, 700_000 + 92, 6_600_000 - 40)], dtype=object)
    out = tmp_path / "area.tif"
    done = _run(town, stub(reach=8), out, area=area)
    assert done.report.windows == 2
    assert done.report.skipped_share == pytest.approx(1 - 1024 * 512 / (1700 * 1500))
    assert done.footprints is not None
    assert whole.footprints is not None
    assert_geodataframe_equal(done.footprints, vectorise(out))
    seen = shapely.box(700_000, 6_600_000 - 512 * 0.2, 700_000 + 1024 * 0.2, 6_600_000)
    inside = whole.footprints[whole.footprints.within(seen.buffer(-0.3))].geometry.to_wkb().tolist()
    assert 10 < len(inside) == len(set(inside) & set(done.footprints.geometry.to_wkb()))
    assert done.footprints["at_edge"].sum() > 0


_SCRIPT = """
import sys
from pathlib import Path
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import Cut, SegmentSettings

if __name__ == "__main__":
    ortho, model, out, dask = sys.argv[1:]
    settings = SegmentSettings(device="cpu", traced=True, cut=Cut(512, 512, 1024), dask=dask or None)
    with open_ortho([Path(ortho)], gsd_m=0.2) as image:
        done = segment(image, load_checkpoint(Path(model)), Path(out), settings)
    done.footprints.to_parquet(f"{out}.parquet")
"""


@pytest.fixture
def start(town: Path, checkpoint: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    script = tmp_path / "run.py"
    script.write_text(_SCRIPT, encoding="utf-8")
    running: list[subprocess.Popen[bytes]] = []

    def begin(out: Path, dask: str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", str(script), str(town), str(checkpoint), str(out), dask]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        running.append(subprocess.Popen(command, env=environment, start_new_session=True))
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def _until(condition: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _units(out: Path) -> int:
    return len(list(out.with_name(f"{out.name}.run").glob("units/[0-9]*.parquet")))


def test_a_killed_process_loses_nothing_but_the_units_at_hand(
    start: Callable[..., subprocess.Popen[bytes]], town: Path, checkpoint: Path, tmp_path: Path
) -> None:
    whole, out = tmp_path / "whole.tif", tmp_path / "killed.tif"
    wanted = _run(town, load_checkpoint(checkpoint), whole)
    for finished in (1, 4):
        process = start(out)
        _until(lambda finished=finished: _units(out) >= finished)
        process.kill()
        process.wait()
        assert not out.exists()
    done = _run(town, load_checkpoint(checkpoint), out)
    assert wanted.footprints is not None
    assert done.footprints is not None
    assert_geodataframe_equal(done.footprints, wanted.footprints)
    assert out.read_bytes() == whole.read_bytes()
    assert done.report.megapixels_now < done.report.megapixels


def test_dask_workers_give_the_same_file_even_when_one_is_killed(
    start: Callable[..., subprocess.Popen[bytes]], town: Path, checkpoint: Path, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="the extra vigibati[dask] is not installed")
    whole, out = tmp_path / "whole.tif", tmp_path / "shared.tif"
    wanted = _run(town, load_checkpoint(checkpoint), whole)
    process = start(out, "local:2")
    ledgers = out.with_name("shared.tif.run")
    _until(lambda: _units(out) >= 1)
    victim = next(
        int(path.stem.rpartition("-")[2])
        for path in sorted(ledgers.glob("ledger-*.sqlite"))
        if path.stem != "ledger-all"
    )
    os.kill(victim, signal.SIGKILL)
    assert process.wait(timeout=240) == 0
    assert wanted.footprints is not None
    assert_geodataframe_equal(gpd.read_parquet(f"{out}.parquet"), wanted.footprints)
    assert out.read_bytes() == whole.read_bytes()
