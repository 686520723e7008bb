from __future__ import annotations

import geopandas as gpd
import pytest
from affine import Affine
from pyproj import CRS
from shapely.geometry import Polygon, box

from vigibati.configs.errors import InputError
from vigibati.datasets.chips.class_masks import class_mask, class_outlines
from vigibati.datasets.grid import PixelGrid, Window

# Pixels of one metre, six across and four down; row 0 is the northernmost.
GRID = PixelGrid(CRS.from_epsg(2154), Affine(1, 0, 700_000, 0, -1, 6_600_000), 6, 4)


def layer(*pixels: tuple[float, float, float, float], crs: int = 2154) -> gpd.GeoDataFrame:
    """Rectangles from column and row to column and row."""
    return gpd.GeoDataFrame(geometry=[on_the_ground(*place) for place in pixels], crs=crs)


def on_the_ground(left: float, top: float, right: float, bottom: float) -> Polygon:
    return box(700_000 + left, 6_600_000 - bottom, 700_000 + right, 6_600_000 - top)


def test_a_pixel_is_of_the_first_class_that_holds_its_centre() -> None:
    tables = {"building": layer((0, 0, 2, 2), (4.4, 0, 6, 1)), "pool": layer((1, 1, 3.6, 3))}
    shapes = class_outlines(GRID, tables)
    assert class_mask(GRID, Window(0, 0, 6, 4), shapes).tolist() == [
        [1, 1, 0, 0, 1, 1],
        [1, 1, 2, 2, 0, 0],
        [0, 2, 2, 2, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
    assert class_mask(GRID, Window(1, 1, 3, 2), shapes).tolist() == [[1, 2, 2], [2, 2, 2]]
    assert class_mask(GRID, Window(0, 3, 2, 1), shapes).tolist() == [[0, 0]]


def test_outlines_in_another_crs_are_refused() -> None:
    with pytest.raises(
        InputError, match="class 'pool': outlines are in EPSG:3857, the image is in EPSG:2154"
    ):
        class_outlines(GRID, {"building": layer((0, 0, 2, 2)), "pool": layer((0, 0, 1, 1), crs=3857)})
