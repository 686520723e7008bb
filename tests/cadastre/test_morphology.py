from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely import box

from vigibati.cadastre.morphology import (
    blocks_of,
    moved_by,
    opened,
    widened,
    with_eaves,
    without_eaves,
)


def shapes(*outlines: shapely.Geometry) -> np.ndarray:
    return np.array(outlines, dtype=object)


def test_corners_are_round_to_two_centimetres_in_a_metre() -> None:
    (wide,) = widened(shapes(box(0, 0, 10, 10)), 1.0)
    reach = shapely.boundary(wide).distance(shapely.Point(10, 10))
    assert 1 - 0.02 < reach <= 1
    assert 140 + np.pi * 0.95 < wide.area < 140 + np.pi


def test_each_outline_takes_its_own_width() -> None:
    wide, thin = widened(shapes(box(0, 0, 10, 10), box(0, 0, 10, 10)), np.array([1.0, -1.0]))
    assert wide.bounds == (-1, -1, 11, 11)
    assert thin.equals(box(1, 1, 9, 9))


def test_opening_takes_what_is_narrow_and_leaves_the_rest() -> None:
    house_with_a_fence = box(0, 0, 10, 10).union(box(10, 4.8, 30, 5.2))
    (kept,) = opened(shapes(house_with_a_fence), 0.6)
    assert kept.symmetric_difference(box(0, 0, 10, 10)).area < 0.2


def test_eaves_lose_nothing() -> None:
    # A sliver of which sharp corners would run far out.
    needle = shapely.Polygon([(0, 0), (40, 0.2), (0, 0.4)])
    outlines = shapes(needle, box(0, 10, 5, 15))
    wide = with_eaves(outlines, np.array([0.3, 0.0]))
    assert shapely.covers(wide, outlines).all()
    assert wide[1].area == pytest.approx(25)


def test_walls_are_roofs_without_their_eaves() -> None:
    houses, overhang_m = shapes(box(0, 0, 10, 10), box(20, 0, 26, 4)), np.array([0.5, 0.3])
    walls = without_eaves(with_eaves(houses, overhang_m), overhang_m)
    assert shapely.area(shapely.symmetric_difference(walls, houses)) == pytest.approx([0, 0])


def test_each_outline_moves_by_its_own_vector_and_the_given_ones_stay() -> None:
    given = shapes(box(0, 0, 1, 1), shapely.MultiPolygon([box(5, 0, 6, 1), box(8, 0, 9, 1)]))
    before = shapely.to_wkb(given)
    moved = moved_by(given, np.array([[1.0, 2.0], [0.0, -1.0]]))
    assert [shape.bounds for shape in moved] == [(1, 2, 2, 3), (5, -1, 9, 0)]
    assert (shapely.to_wkb(given) == before).all()


def test_blocks_are_joined_by_gaps() -> None:
    outlines = shapes(box(0, 0, 1, 1), box(5, 0, 6, 1), box(1.5, 0, 2, 1))
    assert blocks_of(outlines, distance_m=0.5).tolist() == [0, 1, 0]
    assert blocks_of(outlines, distance_m=0.4).tolist() == [0, 1, 2]
