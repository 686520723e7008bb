from __future__ import annotations

import numpy as np
import pytest

from vigibati.training.metrics.outlines import outline_figures, outline_rows
from vigibati.training.metrics.pixels_and_objects import match_objects

GSD_M = 0.2


def mask(*places: tuple[int, int, int, int]) -> np.ndarray:
    """Column, row, width and height of rectangles on a chip of 100 by 120 pixels."""
    values = np.zeros((100, 120), bool)
    for column, row, width, height in places:
        values[row : row + height, column : column + width] = True
    return values


def rows_of(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return outline_rows(match_objects(found, truth, GSD_M), GSD_M, kind="building")


def test_a_shifted_square() -> None:
    """Moved by 3 px along one axis, every corner lies 0.6 m from the other outline or upon it."""
    rows = rows_of(mask((23, 20, 40, 30)), mask((20, 20, 40, 30)))
    # Two corners of each outline lie on a wall of the other, two beyond it.
    assert rows.tolist() == [pytest.approx([0.3, 0, 4, 4])]


def test_a_grown_square() -> None:
    rows = rows_of(mask((18, 18, 44, 34)), mask((20, 20, 40, 30)))
    outer, inner = 0.4 * np.sqrt(2), 0.4
    assert rows.tolist() == [pytest.approx([(outer + inner) / 2, (44 * 34 - 1200) / 1200, 4, 4])]


def test_what_a_chip_cuts_or_nobody_draws_is_left_out() -> None:
    places = [(0, 20, 30, 30), (60, 70, 40, 30), (50, 20, 9, 9), (70, 20, 11, 11)]
    # The last one alone is whole and at least 4 m².
    rows = rows_of(mask(*places), mask(*places))
    assert rows.tolist() == [pytest.approx([0, 0, 4, 4])]
    # The true one at the edge, the found one beside it.
    assert len(rows_of(mask((1, 20, 30, 30)), mask((0, 20, 31, 30)))) == 0


def test_stairs_of_the_truth_are_no_vertices() -> None:
    row, column = np.indices((100, 120))
    slanting = (row > 10) & (column > 10) & (row + 2 * column < 110)
    (rows,) = rows_of(slanting, slanting)
    assert rows[0] < 0.1
    assert rows[3] <= 6


def test_figures_of_several_chips() -> None:
    one, other = np.array([[0.2, 0.1, 4, 5]]), np.array([[0.4, -0.3, 6, 7], [0.6, 0.0, 8, 9]])
    empty = np.empty((0, 4))
    figures = outline_figures([one, other, empty])
    assert {key: figures[key] for key in figures if key != "polis_m_ci"} == {
        "count": 3,
        "polis_m": 0.4,
        "polis_median_m": 0.4,
        "area_bias": 0.0,
        "vertices": 6.0,
        "true_vertices": 7.0,
    }
    assert figures["polis_m_ci"] == [0.2, 0.5]
    nothing = outline_figures([empty, empty])
    assert nothing["count"] == 0
    assert set(nothing.values()) == {0, None}
