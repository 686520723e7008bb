from __future__ import annotations

import pyproj
import pytest

from vigibati.cadastre.crs import metric_crs_at, working_crs
from vigibati.configs.errors import RasterError

MERCATOR = pyproj.CRS.from_epsg(3857)


def around(longitude: float, latitude: float) -> tuple[float, float, float, float]:
    to_mercator = pyproj.Transformer.from_crs(4326, MERCATOR, always_xy=True)
    return to_mercator.transform_bounds(longitude - 0.01, latitude - 0.01, longitude + 0.01, latitude + 0.01)


@pytest.mark.parametrize("code", [2154, 2972, 3943, 32616, 26911])
def test_projected_metres_stay(code: int) -> None:
    crs = pyproj.CRS.from_epsg(code)
    assert working_crs(crs, (0, 0, 1, 1)) == crs


@pytest.mark.parametrize(
    ("longitude", "latitude", "code"),
    [
        (2.35, 48.85, 2154),
        (-61.5, 16.2, 5490),
        (-52.3, 4.9, 2972),
        (55.5, -21.1, 2975),
        (45.2, -12.8, 4471),
        (36.8, -1.3, 32737),
        (-84.4, 33.7, 32616),
    ],
)
def test_web_mercator_gives_way_to_the_territory(longitude: float, latitude: float, code: int) -> None:
    assert working_crs(MERCATOR, around(longitude, latitude)).to_epsg() == code


def test_the_last_meridian_is_in_zone_60() -> None:
    assert metric_crs_at((180.0, 10.0), crs=pyproj.CRS.from_epsg(4326)).to_epsg() == 32660


@pytest.mark.parametrize(
    ("crs", "message"),
    [
        ("EPSG:4326", "is in degrees"),
        ("EPSG:2263", "is in US survey foot"),
        ('LOCAL_CS["here",UNIT["metre",1]]', "is no projected CRS"),
    ],
)
def test_others_are_refused(crs: str, message: str) -> None:
    with pytest.raises(RasterError, match=message):
        working_crs(pyproj.CRS.from_user_input(crs), (0, 0, 1, 1))
