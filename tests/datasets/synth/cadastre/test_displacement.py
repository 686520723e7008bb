from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from vigibati.datasets.synth.cadastre.displacement import MOST_SHIFT_M, draw_displacement, jitter

LEFT, RIGHT = "990070000A01", "99007000ZB01"
X, Y = 842_000.0, 6_519_000.0


@given(seed=st.integers(0, 2**32))
def test_shifts_and_warp_stay_within_their_caps(seed: int) -> None:
    displacement = draw_displacement([LEFT, RIGHT], seed=seed)
    points = np.random.default_rng(seed).uniform((X, Y), (X + 2000, Y + 2000), (200, 2))
    lengths = [np.hypot(shift.dx_m, shift.dy_m) for shift in displacement.shifts]
    warp = displacement.at(points, [LEFT] * 200) - (displacement.shifts[0].dx_m, displacement.shifts[0].dy_m)
    assert [shift.sheet_id for shift in displacement.shifts] == [LEFT, RIGHT]
    assert max(lengths) <= MOST_SHIFT_M
    assert 0 < np.hypot(*warp.T).max() <= 0.5


def test_displacement_repeats_and_does_not_depend_on_the_order_of_sheets() -> None:
    assert draw_displacement([LEFT, RIGHT], seed=5) == draw_displacement([RIGHT, LEFT, RIGHT], seed=5)
    assert draw_displacement([LEFT, RIGHT], seed=5) != draw_displacement([LEFT, RIGHT], seed=6)


def test_warp_bends_a_metre_by_millimetres_only() -> None:
    displacement = draw_displacement([LEFT], seed=3)
    points = np.column_stack([np.arange(0.0, 3000), np.full(3000, 17.0)])
    steps = np.diff(displacement.at(points, [LEFT] * 3000), axis=0)
    assert 0 < np.abs(steps).max() < 0.008


def test_shared_vertices_stay_shared_within_a_sheet() -> None:
    displacement = draw_displacement([LEFT], seed=3)
    shapes = np.array([box(X, Y, X + 50, Y + 45), box(X + 50, Y, X + 90, Y + 45)], dtype=object)
    left, right = displacement.move(shapes, [LEFT, LEFT])
    shared = set(left.exterior.coords) & set(right.exterior.coords)
    assert len(shared) == 2
    assert left.touches(right)


def test_unknown_sheet_is_refused() -> None:
    with pytest.raises(KeyError, match=RIGHT):
        draw_displacement([LEFT], seed=1).move(np.array([box(X, Y, X + 1, Y + 1)], dtype=object), [RIGHT])


def test_noise_has_the_sigma_asked_for_and_keeps_shared_walls() -> None:
    rows = np.array([box(12 * i, 0, 12 * i + 12, 9) for i in range(2000)], dtype=object)
    shaken = jitter(rows, sigma_m=0.1, seed=4)
    noise = shapely.get_coordinates(shaken) - shapely.get_coordinates(rows)
    assert noise.std() == pytest.approx(0.1, rel=0.05)
    assert np.abs(noise).max() <= 0.25 + 1e-9
    assert shapely.area(shapely.intersection(shaken[:-1], shaken[1:])).max() < 1e-9


def test_noise_leaves_alone_what_it_would_break() -> None:
    needles = np.array([box(i, 0, i + 0.02, 9) for i in range(100)], dtype=object)
    shaken = jitter(needles, sigma_m=0.1, seed=4)
    assert shapely.is_valid(shaken).all()
    kept = shapely.equals(shaken, needles)
    assert 0 < kept.sum() < 100
