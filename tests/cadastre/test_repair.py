from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from vigibati.cadastre.repair import Repairs, drop_repeated, repair_polygons

LAMBERT = pyproj.CRS.from_epsg(2154)
DEGREES = pyproj.CRS.from_epsg(4326)
HOUSE = shapely.box(700000, 6600000, 700010, 6600008)


def frame_of(*shapes: object, crs: pyproj.CRS = LAMBERT) -> gpd.GeoDataFrame:
    names = [f"r{number}" for number in range(len(shapes))]
    return gpd.GeoDataFrame({"name": names}, geometry=list(shapes), crs=crs)


def bow_tie(east: float = 700000, north: float = 6600000) -> shapely.Polygon:
    corners = [(0, 0), (10, 10), (10, 0), (0, 10)]
    return shapely.Polygon([(east + x, north + y) for x, y in corners])


def test_a_sound_polygon_is_left_alone() -> None:
    repaired, repairs = repair_polygons(frame_of(HOUSE), ids="name", crs=LAMBERT)
    assert repaired.geometry.iloc[0].equals_exact(HOUSE)
    assert repairs == Repairs()
    assert repairs.altered == 0


def test_both_halves_of_a_bow_tie_survive() -> None:
    repaired, repairs = repair_polygons(frame_of(bow_tie()), ids="name", crs=LAMBERT)
    assert repaired.area.iloc[0] == pytest.approx(50)
    assert repaired.geometry.iloc[0].geom_type == "MultiPolygon"
    assert repairs.counts == {"mended": 1}
    assert repairs.examples == {"mended": ("r0",)}
    assert repairs.describe() == "1 invalid outlines mended (r0)"


def test_height_is_dropped_and_alters_nothing() -> None:
    high = shapely.force_3d(HOUSE, z=12.5)
    repaired, repairs = repair_polygons(frame_of(high), ids="name", crs=LAMBERT)
    assert not repaired.geometry.iloc[0].has_z
    assert repairs.counts == {"flattened": 1}
    assert repairs.altered == 0


def test_a_measure_is_dropped() -> None:
    measured = shapely.from_wkt("POLYGON M ((0 0 7, 4 0 7, 4 3 7, 0 0 7))")
    repaired, repairs = repair_polygons(frame_of(measured), ids="name", crs=LAMBERT)
    assert not shapely.has_m(repaired.geometry.iloc[0])
    assert repairs.counts == {"flattened": 1}


def test_a_collection_keeps_its_polygons() -> None:
    inner = shapely.GeometryCollection([HOUSE, shapely.Point(0, 0)])
    other = shapely.box(700020, 6600000, 700030, 6600005)
    nested = shapely.GeometryCollection([inner, other, shapely.LineString([(0, 0), (1, 1)])])
    repaired, repairs = repair_polygons(frame_of(nested), ids="name", crs=LAMBERT)
    assert repaired.area.iloc[0] == pytest.approx(HOUSE.area + 50)
    assert repairs.counts == {"collection": 1}


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (None, "empty"),
        (shapely.Polygon(), "empty"),
        (shapely.Point(700000, 6600000), "not_polygon"),
        (shapely.LineString([(0, 0), (1, 1)]), "not_polygon"),
        (shapely.from_wkt("POLYGON ((0 0, nan 1, 1 1, 0 0))"), "coordinates"),
        (shapely.from_wkt("POLYGON ((0 0, inf 1, 1 1, 0 0))"), "coordinates"),
        (shapely.from_wkt("POLYGON ((0 0, 1e20 1, 1 1, 0 0))"), "coordinates"),
        (shapely.Polygon([(0, 0), (5, 0), (9, 0)]), "no_area"),
        (shapely.box(0, 0, 90, 0.0001), "no_area"),
    ],
)
def test_what_cannot_be_used_is_dropped_and_named(shape: object, reason: str) -> None:
    repaired, repairs = repair_polygons(frame_of(HOUSE, shape), ids="name", crs=LAMBERT)
    assert repaired["name"].tolist() == ["r0"]
    assert repairs.counts[reason] == 1
    assert repairs.examples[reason] == ("r1",)


def test_a_corner_off_the_globe_is_dropped() -> None:
    paris, nowhere = shapely.box(2.3, 48.8, 2.31, 48.81), shapely.box(190, 48.8, 190.1, 48.9)
    repaired, repairs = repair_polygons(frame_of(paris, nowhere, crs=DEGREES), ids="name", crs=LAMBERT)
    assert repaired["name"].tolist() == ["r0"]
    assert repairs.counts == {"coordinates": 1}


def test_what_the_projection_cannot_show_is_dropped() -> None:
    # The south pole lies at infinity in Lambert-93.
    pole = shapely.Polygon([(0, -90), (1, -90), (1, -89.9)])
    repaired, repairs = repair_polygons(frame_of(pole, crs=DEGREES), ids="name", crs=LAMBERT)
    assert repaired.empty
    assert repairs.counts == {"coordinates": 1}


def test_the_same_outline_from_another_corner_is_a_repetition() -> None:
    corners = list(HOUSE.exterior.coords)[:-1]
    turned = shapely.Polygon(corners[2:] + corners[:2])
    moved = shapely.box(700000, 6600000, 700010, 6600008.01)
    kept, repairs = drop_repeated(frame_of(HOUSE, turned, moved), ids="name")
    assert kept["name"].tolist() == ["r0", "r2"]
    assert repairs.counts == {"repeated": 1}


def test_reports_add_up_and_name_twenty_at_most() -> None:
    first = Repairs({"mended": 19}, {"mended": tuple(f"a{number}" for number in range(19))})
    second = Repairs({"mended": 3, "empty": 1}, {"mended": ("e", "f", "g"), "empty": ("h",)})
    both = first + second
    assert both.counts == {"mended": 22, "empty": 1}
    assert both.examples["mended"] == (*first.examples["mended"], "e")
    assert both.altered == 23
    mended, empty = both.lines()
    assert mended.startswith("22 invalid outlines mended (a0, a1, ")
    assert mended.endswith("a18, e and 2 more)")
    assert empty == "1 without geometry, dropped (h)"


finite = st.integers(0, 40).map(float)
numbers = st.one_of(finite, st.sampled_from([np.nan, np.inf]))
# Shapely itself refuses a ring that starts with NaN.
rings = st.builds(
    lambda start, rest: [start, *rest],
    st.tuples(finite, finite),
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=7),
)


@pytest.mark.filterwarnings("ignore:invalid value")
@given(st.lists(rings, min_size=1, max_size=5))
def test_whatever_comes_in_only_sound_polygons_come_out(outlines: list[list[tuple[float, float]]]) -> None:
    frame = frame_of(*(shapely.Polygon(ring) for ring in outlines))
    repaired, repairs = repair_polygons(frame, ids="name", crs=LAMBERT)
    shapes = repaired.geometry.array
    assert shapely.is_valid(shapes).all()
    assert (shapely.area(shapes) > 0).all()
    assert np.isfinite(shapely.get_coordinates(shapes)).all()
    assert set(repaired.geom_type) <= {"Polygon", "MultiPolygon"}
    dropped = sum(repairs.counts.get(reason, 0) for reason in ("empty", "coordinates", "no_area"))
    assert len(repaired) + dropped == len(frame)
