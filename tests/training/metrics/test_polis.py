from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Polygon, box

from vigibati.training.metrics.polis import polis_m

UNIT = box(0, 0, 1, 1)


def _polis(a: object, b: object) -> float:
    return float(polis_m(np.array([a], dtype=object), np.array([b], dtype=object))[0])


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.25, 0.5])
def test_square_shifted_along_x(shift: float) -> None:
    # Two corners slide along the boundary of the other, two leave it by the shift: mean shift / 2.
    assert _polis(UNIT, translate(UNIT, shift)) == pytest.approx(shift / 2)


def test_square_far_away_is_measured_to_the_near_side() -> None:
    # Corners at distances 9 and 10 of the near side, both ways.
    assert _polis(UNIT, translate(UNIT, 10)) == pytest.approx(9.5)


def test_corners_of_a_square_inside_another() -> None:
    # Inner corners are 1 from the outer boundary, outer corners sqrt(2) from the inner one.
    assert _polis(box(1, 1, 3, 3), box(0, 0, 4, 4)) == pytest.approx((1 + 2**0.5) / 2)


def test_superfluous_vertices_weigh_in_on_their_side_alone() -> None:
    # Shifted by 0.4: corners give 0, 0, 0.4, 0.4; three more vertices on the far side pull to it.
    dense = Polygon([(0, 0), (1, 0), (1, 0.25), (1, 0.5), (1, 0.75), (1, 1), (0, 1)])
    expected = ((5 * 0.4) / 7 + 0.2) / 2
    assert _polis(dense, translate(UNIT, -0.4)) == pytest.approx(expected)


def test_holes_count() -> None:
    ring = box(0, 0, 10, 10).difference(box(4, 4, 6, 6))
    # Corners of the hole are 4 m from the boundary of the full square, those of the shell lie on it.
    assert _polis(ring, box(0, 0, 10, 10)) == pytest.approx((4 * 4 / 8 + 0) / 2)


def test_parts_count_together() -> None:
    two = MultiPolygon([UNIT, translate(UNIT, 5)])
    # From two: 4 corners at 0, 4 at distances 4, 4, 5, 5; back: 0.
    assert _polis(two, UNIT) == pytest.approx(18 / 8 / 2)


def test_pairs_keep_their_order_and_empty_is_nan() -> None:
    a = np.array([UNIT, Polygon(), UNIT, None], dtype=object)
    b = np.array([translate(UNIT, 0.2), UNIT, UNIT, UNIT], dtype=object)
    np.testing.assert_allclose(polis_m(a, b), [0.1, np.nan, 0.0, np.nan])


def test_no_pairs() -> None:
    assert polis_m(np.array([], dtype=object), np.array([], dtype=object)).shape == (0,)


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="1 polygons cannot be paired with 2"):
        polis_m(np.array([UNIT], dtype=object), np.array([UNIT, UNIT], dtype=object))


@given(
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(1, 6), st.floats(1, 6)),
    st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(1, 6), st.floats(1, 6)),
)
def test_symmetric_and_below_hausdorff(
    a: tuple[float, float, float, float], b: tuple[float, float, float, float]
) -> None:
    first, second = (box(x, y, x + width, y + height) for x, y, width, height in (a, b))
    assert _polis(first, second) == pytest.approx(_polis(second, first))
    far = shapely.hausdorff_distance(first.boundary, second.boundary)
    assert _polis(first, second) <= far + 1e-9
