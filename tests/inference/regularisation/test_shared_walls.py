from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from vigibati.inference.regularisation.shared_walls import points_near


def test_the_limit_counts_from_the_boundary() -> None:
    inner, outer = box(2, 2, 8, 8), box(0, 0, 10, 10)
    pairs = np.array([inner, inner, outer], dtype=object), np.array([outer, outer, inner], dtype=object)
    assert points_near(*pairs, 2).tolist() == [True, True, False]
    assert points_near(*pairs, 1.99).tolist() == [False, False, False]
    assert points_near(pairs[0][:0], pairs[1][:0], 2).tolist() == []


def test_one_point_in_a_thousand_is_found() -> None:
    smooth = shapely.segmentize(box(0, 0, 50, 50), 0.2)
    points = shapely.get_coordinates(smooth)
    for place in range(len(points) - 1):
        moved = points.copy()
        moved[place] += -0.9
        moved[-1] = moved[0]
        near = points_near(np.array([smooth, Polygon(moved)]), np.array([smooth, smooth]), 0.8)
        assert near[0]
        assert near[1] == (smooth.boundary.distance(shapely.points(moved[place])) <= 0.8)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(0.3, 1.5), st.sampled_from([0.2, 0.4, 1.0]))
def test_the_answer_is_that_of_all_points_asked_one_by_one(seed: int, limit: float, sample: float) -> None:
    rng = np.random.default_rng(seed)
    angles = np.arange(12) * np.pi / 6
    stars = 5 + rng.uniform(0, 1.2, (20, 2, 12))
    # As far from the origin as real outlines are.
    x, y = 7e5 + stars * np.cos(angles), 6.6e6 + stars * np.sin(angles)
    outlines, others = shapely.polygons(np.stack([x, y], axis=-1)).T
    outlines = shapely.segmentize(outlines, sample)
    wanted = [
        all(other.boundary.distance(shapely.points(shapely.get_coordinates(outline))) <= limit)
        for outline, other in zip(outlines, others, strict=True)
    ]
    assert points_near(outlines, others, limit).tolist() == wanted
