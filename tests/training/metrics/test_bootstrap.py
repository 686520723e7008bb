from __future__ import annotations

import numpy as np
import pytest

from vigibati.training.metrics.bootstrap import figure, interval, ratio


def share(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[..., 0], sums[..., 1])


def test_the_same_chips_give_the_same_bounds() -> None:
    counts = np.random.default_rng(3).integers(1, 50, (30, 2))
    assert interval(share, counts) == interval(share, counts.copy())


def test_bounds_are_those_of_the_normal_law() -> None:
    """The mean of 400 numbers: bounds at 1.96 standard errors."""
    values = np.random.default_rng(5).normal(10, 2, 400)
    low, high = interval(share, np.column_stack([values, np.ones(400)])) or (0, 0)
    error = values.std() / 20
    assert (low, high) == pytest.approx(
        (values.mean() - 1.96 * error, values.mean() + 1.96 * error), abs=0.03
    )


def test_equal_chips_leave_no_doubt() -> None:
    assert interval(share, np.tile([3, 4], (8, 1))) == [0.75, 0.75]


def test_tables_are_summed_over_chips() -> None:
    counts = np.arange(24).reshape(4, 2, 3)
    assert interval(lambda sums: sums.sum(axis=(1, 2)) * 0 + 2.0, counts) == [2.0, 2.0]


def test_nothing_to_draw_from_is_no_interval() -> None:
    assert interval(share, np.array([[1, 2]])) is None
    assert interval(share, np.zeros((5, 2))) is None
    assert figure(share(np.zeros(2))) is None
