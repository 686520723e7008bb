from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from PIL import Image
from pyproj import CRS

from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE
from vigibati.datasets.chips.soft_labels import Evidence
from vigibati.datasets.chips.territory_chips import Labels, Piece, choose_windows, cut_pieces, write_mask
from vigibati.datasets.grid import PixelGrid, Window
from vigibati.datasets.orthophoto.orthophoto import open_ortho

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.5
GRID = PixelGrid(CRS.from_epsg(2154), Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP), 160, 100)
NONE: np.ndarray[Any, Any] = np.zeros(0, dtype=object)
EVERYWHERE = np.array([shapely.box(LEFT, TOP - 50, LEFT + 80, TOP)], dtype=object)
HOUSE = shapely.box(LEFT + 5, TOP - 20, LEFT + 15, TOP - 5)


def write(path: Path, values: np.ndarray, **more: Any) -> Path:
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": "uint8",
        "crs": "EPSG:2154",
        "transform": GRID.transform,
        **more,
    }
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(values)
    return path


@pytest.fixture
def view(tmp_path: Path) -> Path:
    values = np.full((2, 100, 160), 127, dtype=np.uint8)
    values[:, 90:] = 255
    path = write(tmp_path / "view.tif", values, nodata=255)
    with rasterio.open(path, "r+") as raster:
        raster.descriptions = ("building", "pool")
        raster.update_tags(VIGIBATI_THRESHOLDS=json.dumps({"building": 0.5, "pool": 0.5}))
    return path


@pytest.fixture
def piece(tmp_path: Path) -> Piece:
    return Piece("p", Window(0, 0, 80, 100), tmp_path / "images" / "p.jpg")


@pytest.fixture
def labels(view: Path) -> Callable[..., Labels]:
    def make(known: np.ndarray = EVERYWHERE, **changes: Any) -> Labels:
        seen = Evidence(
            np.array([HOUSE], dtype=object),
            np.array([0.1]),
            np.ones(1),
            NONE,
            np.zeros(0),
            0.2,
            NONE,
            2.0,
        )
        return Labels({"building": seen, "pool": None}, known, view, 0.5, **changes)

    return make


def planes(path: Path | None, height: int = 100) -> np.ndarray:
    assert path is not None
    with Image.open(path) as picture:
        return np.asarray(picture).reshape(4, height, -1)


def test_windows_touch_the_cover() -> None:
    west = shapely.box(LEFT, TOP - 50, LEFT + 20, TOP)
    assert choose_windows(GRID, west, chip_px=64, most=99, seed=1) == [
        Window(0, 0, 64, 64),
        Window(0, 64, 64, 36),
    ]


def test_of_many_windows_the_seed_draws_some_from_all_over() -> None:
    (whole,) = EVERYWHERE
    drawn = choose_windows(GRID, whole, chip_px=64, most=3, seed=1)
    assert len(drawn) == 3
    assert drawn == choose_windows(GRID, whole, chip_px=64, most=3, seed=1)
    assert set(drawn) < set(choose_windows(GRID, whole, chip_px=64, most=99, seed=1))


def test_pieces_are_cut_once_and_black_ones_not_at_all(tmp_path: Path) -> None:
    values = np.full((3, 128, 192), 90, dtype=np.uint8)
    values[:, :, 128:] = 0
    ortho = write(tmp_path / "ortho.tif", values, photometric="rgb")
    windows = [Window(0, 0, 64, 64), Window(128, 0, 64, 64)]
    with open_ortho([ortho]) as image:
        (first,) = cut_pieces(image, windows, tmp_path / "pieces")
        assert np.asarray(Image.open(first.image)).mean() == pytest.approx(90, abs=2)
        first.image.write_bytes(first.image.read_bytes() + b"\0\xff\xd9")
        assert cut_pieces(image, windows, tmp_path / "pieces") == [first]
    assert first.image.read_bytes().endswith(b"\0\xff\xd9")


def test_the_strip_that_a_grid_leaves_is_no_piece(tmp_path: Path) -> None:
    ortho = write(tmp_path / "ortho.tif", np.full((3, 64, 74), 90, dtype=np.uint8), photometric="rgb")
    with open_ortho([ortho]) as image:
        (piece,) = cut_pieces(image, [Window(0, 0, 64, 64), Window(64, 0, 10, 64)], tmp_path / "pieces")
    assert piece.window.width == 64


def test_masks_hold_the_first_class_where_classes_overlap(tmp_path: Path, piece: Piece) -> None:
    pool = shapely.box(LEFT + 12, TOP - 20, LEFT + 18, TOP - 5)
    path = write_mask(
        tmp_path, piece, GRID, [np.array([HOUSE], dtype=object), np.array([pool], dtype=object)]
    )
    mask = np.asarray(Image.open(path))
    assert (mask[20, 20], mask[20, 28], mask[20, 33], mask[20, 40]) == (1, 1, 2, 0)


def test_a_class_that_nobody_records_is_as_the_model_sees_it(
    tmp_path: Path, piece: Piece, labels: Callable[..., Labels]
) -> None:
    target, weight, pool, pool_weight = planes(labels().write(tmp_path, piece, GRID))
    assert (target[20, 20], target[60, 60]) == (TARGET_SCALE, 0)
    assert set(np.unique(pool[:90])) == {TARGET_SCALE // 2}
    assert set(np.unique(weight[:90])) == {WEIGHT_SCALE}
    assert set(np.unique(pool_weight[:90])) == {WEIGHT_SCALE // 2}


def test_nothing_counts_without_image_or_where_records_do_not_speak(
    tmp_path: Path, piece: Piece, labels: Callable[..., Labels]
) -> None:
    known = np.array([shapely.box(LEFT, TOP - 50, LEFT + 20, TOP)], dtype=object)
    _, weight, _, pool_weight = planes(labels(known).write(tmp_path, piece, GRID))
    for plane in (weight, pool_weight):
        assert plane[:90, :40].all()
        assert not plane[90:].any()
        assert not plane[:, 40:].any()


def test_a_piece_of_which_hardly_anything_is_known_is_left_out(
    tmp_path: Path, piece: Piece, labels: Callable[..., Labels]
) -> None:
    sliver = np.array([shapely.box(LEFT, TOP - 1, LEFT + 80, TOP)], dtype=object)
    assert labels(sliver).write(tmp_path, piece, GRID) is None
    assert not (tmp_path / "soft").exists()


def test_a_taught_model_learns_what_was_seen_where_no_record_is(
    tmp_path: Path, piece: Piece, labels: Callable[..., Labels]
) -> None:
    target, *_ = planes(labels(taught=True).write(tmp_path, piece, GRID))
    assert (target[20, 20], target[60, 60]) == (TARGET_SCALE, TARGET_SCALE // 2)
