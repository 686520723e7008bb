from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from vigibati.configs.errors import InputError
from vigibati.datasets.chips.spatial_folds import cut_folds

SQUARE = (0.0, 0.0, 100.0, 100.0)


def owners(points: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    return shapely.intersects(boxes[:, None], shapely.points(points)[None, :])


def test_four_clusters_become_four_folds() -> None:
    corners = np.array([[20, 20], [20, 80], [80, 20], [80, 80]])
    points = np.concatenate([corner + np.random.default_rng(0).normal(0, 3, (10, 2)) for corner in corners])
    inside = owners(points, cut_folds(points, SQUARE, count=4))
    assert sorted(map(tuple, np.split(inside.argmax(axis=0), 4)), key=str) == sorted(
        (tuple([fold] * 10) for fold in inside.argmax(axis=0)[::10]), key=str
    )


def test_the_longer_side_is_cut_through_the_widest_gap_in_the_middle() -> None:
    across = np.r_[np.arange(0, 49), np.arange(53, 104)] + 0.0
    points = np.column_stack([across, np.full(len(across), 5.0)])
    low, high = cut_folds(points, (0.0, 0.0, 104.0, 10.0), count=2)
    assert low.bounds == (0.0, 0.0, 50.5, 10.0)
    assert high.bounds == (50.5, 0.0, 104.0, 10.0)


@given(st.integers(2, 7), st.integers(0, 2**32 - 1), st.integers(30, 200))
def test_folds_tile_the_ground_and_are_balanced(count: int, seed: int, houses: int) -> None:
    points = np.random.default_rng(seed).uniform(0, 100, (houses, 2))
    boxes = cut_folds(points, SQUARE, count=count)
    assert shapely.area(boxes).sum() == pytest.approx(100 * 100)
    assert shapely.union_all(boxes).equals_exact(shapely.box(*SQUARE), 1e-9, normalize=True) or shapely.area(
        shapely.union_all(boxes)
    ) == pytest.approx(100 * 100)
    held = owners(points, boxes)
    assert (held.sum(axis=0) == 1).all()
    # Each of at most three cuts gives a twentieth of the buildings away, or one, and a rounding.
    assert np.abs(held.sum(axis=1) - houses / count).max() <= 3 * (0.05 * houses + 2)


def test_buildings_outside_do_not_count() -> None:
    points = np.random.default_rng(1).uniform(200, 300, (50, 2))
    with pytest.raises(InputError, match="hold 0 buildings in the image, too few for 2 folds"):
        cut_folds(points, SQUARE, count=2)
