from __future__ import annotations

import math

import pytest
from affine import Affine
from pyproj import CRS, Geod, Transformer

from vigibati.datasets.grid import PixelGrid


def _grid(
    epsg: int, *, x: float, y: float, pixel: float = 0.2, width: int = 300, height: int = 200
) -> PixelGrid:
    return PixelGrid(CRS.from_epsg(epsg), Affine(pixel, 0, x, 0, -pixel, y), width, height)


def test_bounds_run_along_the_outer_edges() -> None:
    assert _grid(2154, x=700000, y=6600000).bounds == pytest.approx((700000, 6599960, 700060, 6600000))


def test_legal_projections_count_in_ground_metres() -> None:
    grid = _grid(2154, x=700000, y=6600000)
    assert grid.ground_scale == 1.0
    assert grid.gsd_m == pytest.approx(0.2)


def test_oblong_pixels_count_as_the_square_of_their_area() -> None:
    grid = PixelGrid(CRS.from_epsg(2154), Affine(0.2, 0, 0, 0, -0.45, 0), 1, 1)
    assert grid.gsd_m == pytest.approx(0.3)


@pytest.mark.parametrize("latitude", [-21.0, 0.0, 43.5, 60.0])
def test_web_mercator_is_measured_on_the_ground(latitude: float) -> None:
    x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(2.0, latitude)
    grid = _grid(3857, x=x, y=y, pixel=0.3)
    assert grid.ground_scale == pytest.approx(math.cos(math.radians(latitude)), rel=1e-4)
    # The ellipsoid differs from the sphere of the projection by its flattening at most.
    right, _ = Transformer.from_crs(3857, 4326, always_xy=True).transform(x + 0.3, y)
    _, _, ground_m = Geod(ellps="WGS84").inv(2.0, latitude, right, latitude)
    assert grid.gsd_m == pytest.approx(ground_m, rel=1 / 298)


def test_feet_become_metres() -> None:
    assert _grid(2264, x=0, y=0, pixel=1.0).gsd_m == pytest.approx(1200 / 3937)
