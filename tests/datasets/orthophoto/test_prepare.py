from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags

from vigibati.configs.errors import OutputError, RasterError, SettingsError
from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.orthophoto.prepare import prepare
from vigibati.datasets.orthophoto.transcode import Coding, transcode


def _picture(height: int, width: int, *, bands: int = 3) -> np.ndarray:
    """Return something smooth, which JPEG keeps within a few steps."""
    rows, columns = np.mgrid[:height, :width]
    waves = [120 + 60 * np.sin(rows / 40 + band) + 50 * np.cos(columns / 50) for band in range(bands)]
    return np.rint(waves).astype(np.uint8)


def _write(path: Path, values: np.ndarray, **options: object) -> Path:
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": "EPSG:2154",
        "transform": Affine(0.2, 0, 700000, 0, -0.2, 6600000),
    }
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", **{**profile, **options}) as file:
        file.write(values)
    return path


def _pixels(path: Path, **options: object) -> Pixels:
    with open_ortho([path], **options) as ortho:
        return ortho.read(Window(0, 0, ortho.grid.width, ortho.grid.height))


def test_jpeg_2000_becomes_a_cog_of_the_same_place(tmp_path: Path) -> None:
    values = _picture(600, 700)
    source = tmp_path / "in" / "a.jp2"
    tiff = _write(tmp_path / "a.tif", values)
    source.parent.mkdir()
    rasterio.shutil.copy(tiff, source, driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES")
    report = prepare([source.parent], out=tmp_path / "out")
    assert (report.written, report.kept, report.planned, report.failed) == (1, 0, 0, ())
    assert report.megapixels == pytest.approx(0.42)
    assert (report.source_bytes, report.target_bytes) == (
        source.stat().st_size,
        (tmp_path / "out" / "a.tif").stat().st_size,
    )
    with rasterio.open(tmp_path / "out" / "a.tif") as cog:
        tags = cog.tags(ns="IMAGE_STRUCTURE")
        assert (tags["LAYOUT"], tags["COMPRESSION"]) == ("COG", "YCbCr JPEG")
        assert (cog.block_shapes[0], cog.overviews(1)) == ((512, 512), [2])
        assert (cog.bounds, cog.crs.to_epsg()) == ((700000, 6600000 - 120, 700140, 6600000), 2154)
    found = _pixels(tmp_path / "out" / "a.tif")
    assert found.valid.all()
    assert np.abs(found.values.astype(int) - values).max() <= 8
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.tif"]


def test_what_is_no_image_stays_so(tmp_path: Path) -> None:
    values, hidden = _picture(200, 300), np.zeros((200, 300), dtype=bool)
    hidden[20:90, 100:170] = True
    shown = np.where(hidden, 0, 255).astype(np.uint8)
    folder = tmp_path / "in"
    _write(folder / "alpha.tif", np.concatenate([values, shown[None]]), photometric="rgb", alpha="yes")
    _write(folder / "nodata.tif", np.where(hidden, 255, values), nodata=255)
    beside = _write(folder / "beside.tif", values)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(beside, "r+") as file:
        file.write_mask(shown)
    black = values.copy()
    black[:, 64:128, 128:256] = 0
    _write(folder / "black.tif", black)
    for lossless in (False, True):
        out = tmp_path / f"out_{lossless}"
        assert prepare([folder], out=out, lossless=lossless, quality=75).written == 4
        for source in sorted(folder.glob("*.tif")):
            before, after = _pixels(source), _pixels(out / source.name)
            assert np.array_equal(before.valid, after.valid), source.name
            assert not before.valid.all()
            if lossless:
                assert np.array_equal(before.values, after.values)
        with rasterio.open(out / "alpha.tif") as cog:
            assert (cog.count, cog.nodata, cog.mask_flag_enums[0]) == (3, None, [MaskFlags.per_dataset])


@pytest.mark.parametrize("kind", ["uint16", "float32", "uint8"])
def test_other_images_lose_nothing(tmp_path: Path, kind: str) -> None:
    values = _picture(150, 130, bands=4).astype(kind) * (1 if kind == "uint8" else 7)
    source = _write(tmp_path / "in" / "a.tif", values, photometric="rgb")
    with rasterio.open(source, "r+") as file:
        file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.nir)
        file.descriptions = ("rouge", "vert", "bleu", "PIR")
    prepare([source], out=tmp_path / "out")
    with rasterio.open(source) as before, rasterio.open(tmp_path / "out" / "a.tif") as after:
        assert np.array_equal(before.read(), after.read())
        assert before.colorinterp == after.colorinterp
        assert before.descriptions == after.descriptions
        assert after.profile["compress"] == "deflate"


def test_finished_tiles_are_kept_until_their_source_or_the_way_changes(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in ("a", "b", "c"):
        _write(folder / f"{name}.tif", _picture(70, 80))
    planned = prepare([folder], out=out, dry_run=True)
    assert (planned.planned, planned.written, planned.target_bytes) == (3, 0, 0)
    assert [tile.target.name for tile in planned.tiles] == ["a.tif", "b.tif", "c.tif"]
    assert not out.exists()
    assert prepare([folder / "a.tif", folder / "b.tif"], out=out).written == 2
    times = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    report = prepare([folder], out=out)
    assert (report.kept, report.written) == (2, 1)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name != "c.tif"} == times
    # One is cut, another has a new source.
    content = (out / "a.tif").read_bytes()
    (out / "a.tif").write_bytes(content[: len(content) // 2])
    os.utime(folder / "b.tif", (1, 1))
    again = prepare([folder], out=out, dry_run=True)
    assert [tile.state for tile in again.tiles] == ["planned", "planned", "kept"]
    assert prepare([folder], out=out).written == 2
    assert (out / "a.tif").read_bytes() == content
    assert prepare([folder], out=out, lossless=True, dry_run=True).planned == 3
    assert prepare([folder], out=out, dry_run=True).kept == 3


def test_a_damaged_tile_does_not_stop_the_others(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    noise = np.random.default_rng(1).integers(1, 250, (3, 256, 256), dtype=np.uint8)
    for name in ("a", "b"):
        _write(folder / f"{name}.tif", noise, compress="deflate")
    content = bytearray((folder / "a.tif").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    (folder / "a.tif").write_bytes(content)
    report = prepare([folder], out=out)
    assert (report.written, [tile.state for tile in report.tiles]) == (1, ["failed", "written"])
    assert report.failed[0].startswith(f"{folder / 'a.tif'}: is damaged near")
    assert [path.name for path in out.iterdir()] == ["b.tif"]


def test_processes_give_the_same_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("a", "b", "c"):
        _write(folder / f"{name}.tif", _picture(100, 90))
    one = prepare([folder], out=tmp_path / "one")
    two = prepare([folder], out=tmp_path / "two", workers=2)
    assert (one.written, two.written) == (3, 3)
    for name in ("a.tif", "b.tif", "c.tif"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_what_was_killed_goes_on(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in range(6):
        _write(folder / f"{name}.tif", _picture(900, 900))
    code = f"""
from pathlib import Path
from vigibati.datasets.orthophoto.prepare import prepare
prepare([Path({str(folder)!r})], out=Path({str(out)!r}))
"""
    process = subprocess.Popen([sys.executable, "-P", "-c", code])
    until = time.monotonic() + 60
    while not (out / "1.tif").exists() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = {path.name for path in out.glob("[0-9].tif")}
    assert {"0.tif", "1.tif"} <= finished
    report = prepare([folder], out=out)
    assert (report.kept, report.written) == (len(finished), 6 - len(finished))
    for path in folder.iterdir():
        assert np.abs(_pixels(out / path.name).values.astype(int) - _pixels(path).values).max() <= 8


@pytest.mark.parametrize(("kind", "share"), [("uint8", 0.7), ("uint8", 0.99), ("uint16", 0.9)])
def test_a_disk_that_fills_leaves_no_tile(
    tmp_path: Path, room: Callable[[int], AbstractContextManager[None]], kind: str, share: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 250, (3, 700, 600)).astype(kind)
    source, target = _write(tmp_path / "in" / "a.tif", noise), tmp_path / "out" / "a.tif"
    transcode(source, target, Coding(quality=95))
    size = target.stat().st_size
    target.unlink()
    # The copy without compression that lies beside it meanwhile is larger.
    for limit in (int(size * share), 3 * 1024 * 1024 * noise.itemsize - 1):
        with (
            room(limit),
            pytest.raises(OutputError, match=r"a\.tif: cannot be written .*; see that the disk has room"),
        ):
            transcode(source, target, Coding(quality=95))
    assert list(target.parent.iterdir()) == []


def test_refuses_what_cannot_work(tmp_path: Path) -> None:
    first = _write(tmp_path / "in" / "a.tif", _picture(9, 9))
    second = _write(tmp_path / "other" / "a.tif", _picture(9, 9))
    with pytest.raises(OutputError, match=r"out/a\.tif: would be made of both .*; prepare them into diff"):
        prepare([first, second], out=tmp_path / "out")
    with pytest.raises(OutputError, match=r"in/a\.tif: is a source itself; choose another folder"):
        prepare([first], out=tmp_path / "in")
    with pytest.raises(SettingsError, match="--quality: 60 is not from 75 to 100"):
        prepare([first], out=tmp_path / "out", quality=60)
    with pytest.raises(SettingsError, match="--workers: 0 is none"):
        prepare([first], out=tmp_path / "out", workers=0)
    bare = _write(tmp_path / "in" / "bare.tif", _picture(9, 9), crs=None)
    assert prepare([bare], out=tmp_path / "out").failed[0].endswith("say which with --crs EPSG:2154")
    assert prepare([bare], out=tmp_path / "out", crs="EPSG:3946").written == 1
    assert open_ortho([tmp_path / "out" / "bare.tif"]).grid.crs.to_epsg() == 3946


def test_an_error_passes_from_one_process_to_another() -> None:
    error = RasterError(Path("a.tif"), "is damaged", "replace it")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (type(copy), str(copy)) == (RasterError, "a.tif: is damaged; replace it")
