from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from torch import Tensor, nn

from vigibati.configs.contract import Calibration
from vigibati.configs.errors import CheckpointError, OutputError, RasterError
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.model.checkpoint import Checkpoint, save_checkpoint
from vigibati.inference.model.network import build_network
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import Cut, SegmentSettings


def _picture(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 250, (3, height, width), dtype=np.uint8)


def _segment(
    path: Path, checkpoint: Checkpoint, out: Path, *, core_px: tuple[int, int] = (1024, 2048)
) -> SegmentReport:
    settings = SegmentSettings(device="cpu", restart=True, cut=Cut(*core_px))
    with open_ortho([path], gsd_m=0.2) as ortho:
        return segment(ortho, checkpoint, out, settings).report


def _read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        values: np.ndarray = file.read()
    return values


def test_a_worked_picture(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    grey = np.array([[10, 100, 127, 128, 240], [1, 2, 3, 4, 255], [90, 150, 160, 170, 180]], dtype=np.uint8)
    path, out = write_raster("ortho.tif", np.stack([grey] * 3)), tmp_path / "p.tif"
    report = _segment(path, stub(), out)
    logits = 20 * (grey / 255.0 - 0.5)
    assert np.abs(_read(out)[0] - 254 / (1 + np.exp(-logits))).max() <= 0.5 + 1e-3
    assert (report.megapixels, report.no_image_share, report.windows) == (15e-6, 0, 1)
    assert report.failed == ()


def test_a_temperature_flattens_and_the_calibration_travels_along(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    grey = np.array([[10, 100, 127, 128, 240], [1, 2, 3, 4, 255], [90, 150, 160, 170, 180]], dtype=np.uint8)
    path, out = write_raster("ortho.tif", np.stack([grey] * 3)), tmp_path / "p.tif"
    calibration = Calibration(temperature=2.5, object_slope=1.5, object_offset=-0.25)
    _segment(path, stub(calibrations=(calibration,)), out)
    logits = 20 * (grey / 255.0 - 0.5) / 2.5
    assert np.abs(_read(out)[0] - 254 / (1 + np.exp(-logits))).max() <= 0.5 + 1e-3
    with rasterio.open(out) as file:
        assert json.loads(file.tags()["VIGIBATI_CALIBRATION"]) == {"building": [1.5, -0.25]}
    _segment(path, stub(), out)
    with rasterio.open(out) as file:
        assert "VIGIBATI_CALIBRATION" not in file.tags()


@pytest.mark.parametrize("name", ["ortho.tif", "notes.txt"])
def test_another_file_is_never_replaced(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], name: str
) -> None:
    path = write_raster("ortho.tif", _picture(40, 40))
    out = path.with_name(name)
    if not out.exists():
        out.write_text("mine", encoding="utf-8")
    before = out.read_bytes()
    with pytest.raises(OutputError, match=f"{name}: exists and is no raster of probabilities; give"):
        _segment(path, stub(), out)
    assert out.read_bytes() == before


def test_normalisation_follows_the_contract(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    values = np.stack([np.full((4, 6), value, dtype=np.uint8) for value in (51, 102, 204)])
    path, out = write_raster("ortho.tif", values), tmp_path / "p.tif"
    _segment(path, stub(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1.0)), out)
    mean = ((0.2 - 0.1) / 0.5 + (0.4 - 0.2) / 0.25 + (0.8 - 0.3) / 1.0) / 3
    assert _read(out)[0, 0, 0] == round(254 / (1 + np.exp(-20 * (mean - 0.5))))


def test_the_raster_lies_on_the_ortho_and_says_what_it_is(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    class TwoClasses(nn.Module):
        def forward(self, pixels: Tensor) -> Tensor:
            return torch.cat([pixels[:, :1] * 0 + 9, pixels[:, :1] * 0 - 9], dim=1)

    path, out = write_raster("ortho.tif", _picture(700, 530)), tmp_path / "new" / "p.tif"
    checkpoint = stub(TwoClasses(), class_names=("building", "pool"), thresholds=(0.4, 0.7), name="m 1")
    _segment(path, checkpoint, out)
    with rasterio.open(out) as file:
        assert file.transform == Affine(0.2, 0, 700000, 0, -0.2, 6600000)
        assert (file.width, file.height, file.count, file.nodata) == (530, 700, 2, 255)
        assert file.crs.to_epsg() == 2154
        assert file.descriptions == ("building", "pool")
        assert file.tags()["VIGIBATI_MODEL"] == "m 1"
        assert json.loads(file.tags()["VIGIBATI_THRESHOLDS"]) == {"building": 0.4, "pool": 0.7}
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.read(1).min() == file.read(1).max() == 254
        assert file.read(2).max() == 0
    assert [path.name for path in out.parent.iterdir()] == ["p.tif"]


def test_bytes_do_not_depend_on_the_window(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = write_raster("ortho.tif", _picture(1090, 1111))
    checkpoint = stub(reach=30)
    cores = [(512, 512), (512, 1024), (1024, 1024), (4096, 4096)]
    outs = [tmp_path / f"{rows}_{columns}.tif" for rows, columns in cores]
    windows = [
        _segment(path, checkpoint, out, core_px=core).windows for core, out in zip(cores, outs, strict=True)
    ]
    assert windows == [9, 6, 4, 1]
    assert len({out.read_bytes() for out in outs}) == 1


def test_a_margin_below_the_reach_of_the_network_would_show(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = write_raster("ortho.tif", _picture(600, 600))
    checkpoint = stub(reach=50, margin_px=0)
    for px in (512, 1024):
        _segment(path, checkpoint, tmp_path / f"{px}.tif", core_px=(px, px))
    assert not np.array_equal(_read(tmp_path / "512.tif"), _read(tmp_path / "1024.tif"))


def test_a_real_network_gives_the_same_in_every_window(
    write_raster: Callable[..., Path], contract: Callable[..., object], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    network = build_network(
        architecture="linknet", encoder="mobilenet_v2", decoder_channels=None, bands=3, classes=1
    )
    # Its reach is beyond any margin worth testing; what is left of it far away is below one step.
    checkpoint = save_checkpoint(network, contract(margin_px=96), tmp_path / "model")  # type: ignore[arg-type]
    path = write_raster("ortho.tif", _picture(520, 70))
    for px in (512, 1024):
        _segment(path, checkpoint, tmp_path / f"{px}.tif", core_px=(px, px))
    got, wanted = (_read(tmp_path / f"{px}.tif").astype(int) for px in (512, 1024))
    assert wanted.std() > 0
    assert np.abs(got - wanted).max() <= 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (33, 5), (513, 31)])
def test_pictures_smaller_than_a_margin_are_mirrored(
    write_raster: Callable[..., Path],
    stub: Callable[..., Checkpoint],
    tmp_path: Path,
    height: int,
    width: int,
) -> None:
    values = _picture(height, width)
    path, out = write_raster("ortho.tif", values), tmp_path / "p.tif"
    _segment(path, stub(reach=8), out)
    grey = np.pad(values.mean(axis=0) / 255, 8, mode="symmetric")
    around = np.lib.stride_tricks.sliding_window_view(grey, (17, 17)).mean(axis=(2, 3))
    assert np.abs(_read(out)[0] - 254 / (1 + np.exp(-20 * (around - 0.5)))).max() <= 0.51


def test_no_image_is_255_and_is_not_computed(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    values = _picture(600, 1100)
    values[:, :, :640] = 7
    path, out = write_raster("ortho.tif", values, nodata=7), tmp_path / "p.tif"
    report = _segment(path, stub(), out, core_px=(512, 512))
    raster = _read(out)[0]
    assert (raster[:, :640] == 255).all()
    assert raster[:, 640:].max() <= 254
    assert report.windows == 4
    assert report.no_image_share == pytest.approx(640 / 1100)


def test_an_empty_image_gives_a_whole_raster_of_no_image(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path, out = write_raster("ortho.tif", np.zeros((3, 70, 80), dtype=np.uint8)), tmp_path / "p.tif"
    report = _segment(path, stub(), out)
    assert (report.windows, report.no_image_share) == (0, 1)
    assert (_read(out) == 255).all()


class _Sick(nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, pixels: Tensor) -> Tensor:
        return pixels[:, :1] * 0 + self.value


@pytest.mark.parametrize(
    ("network", "cause"),
    [
        (_Sick(float("nan")), "something else than finite numbers"),
        (_Sick(float("inf")), "something else than finite numbers"),
        (nn.AvgPool2d(2), r"the network gives \(1, 3, 48, 48\), its contract promises \(1, 1, 96, 96\)"),
    ],
)
def test_a_sick_network_writes_nothing(
    write_raster: Callable[..., Path],
    stub: Callable[..., Checkpoint],
    tmp_path: Path,
    network: nn.Module,
    cause: str,
) -> None:
    out = tmp_path / "p.tif"
    path = write_raster("ortho.tif", _picture(10, 10))
    _segment(path, stub(), out)
    earlier = out.read_bytes()
    with pytest.raises(CheckpointError, match=cause):
        _segment(path, stub(network), out)
    assert out.read_bytes() == earlier
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ortho.tif", "p.tif"]


def test_what_does_not_fit_is_refused_before_any_work(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = write_raster("ortho.tif", _picture(10, 10))
    four = {"bands": ("red", "green", "blue", "nir"), "mean": (0.0,) * 4, "std": (1.0,) * 4}
    with pytest.raises(CheckpointError, match="needs the bands red, green, blue, nir"):
        _segment(path, stub(**four), tmp_path / "p.tif")
    with pytest.raises(RasterError, match=r"was opened at 0\.200 m per pixel, the model needs 0\.500 m"):
        _segment(path, stub(gsd_m=0.5), tmp_path / "p.tif")
    with pytest.raises(OutputError, match="is a folder"):
        _segment(path, stub(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["ortho.tif"]


def test_a_damaged_block_costs_itself_and_is_told(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = write_raster(
        "ortho.tif", _picture(1024, 512), compress="deflate", tiled=True, blockxsize=128, blockysize=128
    )
    content = bytearray(path.read_bytes())
    content[-60_000:-20_000] = bytes(40_000)
    path.write_bytes(content)
    report = _segment(path, stub(margin_px=0), tmp_path / "p.tif", core_px=(512, 512))
    assert len(report.failed) == len(set(report.failed)) > 0
    assert all(line.startswith(f"{path}: is damaged near") for line in report.failed)
    lost = _read(tmp_path / "p.tif")[0] == 255
    blocks = lost.reshape(8, 128, 4, 128).transpose(0, 2, 1, 3).reshape(32, -1)
    assert blocks.all(axis=1).tolist() == blocks.any(axis=1).tolist()
    assert blocks[:, 0].sum() == len(report.failed)


def test_nothing_readable_is_an_error(
    write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path
) -> None:
    path = write_raster("ortho.tif", _picture(100, 100), compress="deflate", tiled=True)
    content = bytearray(path.read_bytes())
    content[1000:-1000] = b"\xff" * (len(content) - 2000)
    path.write_bytes(content)
    with pytest.raises(RasterError, match="nothing of it can be read"):
        _segment(path, stub(), tmp_path / "p.tif")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ortho.tif"]
