from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from vigibati.configs.errors import InputError
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.segmentation import picture as module_under_test
from vigibati.inference.segmentation.picture import predict
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import Cut, SegmentSettings


@pytest.fixture
def small_cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    """Windows of 512 pixels: a picture of a few hundred more has seams both ways."""
    cut = Cut(rows=512, columns=512, group=1024)
    monkeypatch.setattr(module_under_test, "Cut", lambda: cut)
    return cut


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(1, 256, (height, width, 3), dtype=np.uint8)


def test_it_is_what_segment_writes_for_the_same_pixels(
    checkpoint: Path, small_cut: Cut, write_raster: Callable[..., Path], tmp_path: Path
) -> None:
    picture = noise(600, 1050)
    path = write_raster("ortho.tif", picture.transpose(2, 0, 1), photometric="rgb")
    with open_ortho([path], gsd_m=0.2) as ortho:
        settings = SegmentSettings(device="cpu", cut=small_cut)
        segment(ortho, load_checkpoint(checkpoint), tmp_path / "out.tif", settings)
    with rasterio.open(tmp_path / "out.tif") as raster:
        written = raster.read()
    seen = predict(picture, checkpoint, gsd_m=0.2, device="cpu")
    assert (seen.shape, seen.dtype) == ((1, 600, 1050), np.float32)
    np.testing.assert_array_equal(seen, written / np.float32(254))
    # What stands on it is not one value alone, or anything would be equal.
    assert len(np.unique(written)) > 100


def test_bright_is_likely_and_dark_is_not(checkpoint: Path) -> None:
    picture = np.full((40, 70, 3), 20, dtype=np.uint8)
    picture[:, 30:] = 230
    (seen,) = predict(picture, load_checkpoint(checkpoint), gsd_m=0.21, device="cpu")
    assert seen[:, :28].max() < 0.01
    assert seen[:, 32:].min() > 0.99


def test_the_network_is_made_ready_once(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*arguments: Any) -> Any:
        made.append(arguments)
        return predictor(*arguments)

    predictor = module_under_test.Predictor
    monkeypatch.setattr(module_under_test, "Predictor", counted)
    model = load_checkpoint(checkpoint)
    first, second = (predict(noise(32, 32), model, gsd_m=0.2, device="cpu") for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(made) == 1


@pytest.mark.parametrize(
    ("picture", "gsd_m", "told"),
    [
        (
            noise(32, 32)[..., :2],
            0.2,
            r"picture: is an array of shape \(32, 32, 2\); give \(H, W, 3\) uint8",
        ),
        (noise(32, 32)[0], 0.2, r"picture: is an array of shape \(32, 3\); give"),
        (noise(0, 32), 0.2, r"picture: is an array of shape \(0, 32, 3\); give"),
        (noise(32, 32) / 255, 0.2, "picture: holds float64; give .* uint8 of red, green, blue"),
        (noise(32, 32), 0.5, r"picture: has 0\.5 m per pixel, the model needs 0\.2 m; resample it"),
        (noise(32, 32), float("nan"), "picture: has nan m per pixel"),
    ],
)
def test_what_is_no_such_picture_is_refused(checkpoint: Path, picture: Any, gsd_m: float, told: str) -> None:
    with pytest.raises(InputError, match=told):
        predict(picture, checkpoint, gsd_m=gsd_m, device="cpu")
