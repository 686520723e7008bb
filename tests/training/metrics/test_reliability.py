from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from vigibati.training.metrics.reliability import (
    calibration_error,
    in_half,
    reliability_counts,
    reliability_figures,
)


def test_a_worked_example() -> None:
    """Two bins: three at 0.25, of which one comes true, and two at 0.75, of which both do."""
    probabilities = np.array([0.25, 0.25, 0.25, 0.75, 0.75])
    real = np.array([True, False, False, True, True])
    counts = reliability_counts(probabilities, real, 2)
    assert counts.tolist() == [[3, 2], [0.75, 1.5], [1, 2], [3 * 0.1875, 2 * 0.1875]]
    gap = 3 / 5 * abs(0.25 - 1 / 3) + 2 / 5 * abs(0.75 - 1)
    halved = in_half(counts, first=False)
    assert calibration_error(halved) == pytest.approx(gap)
    figures = reliability_figures(halved[None], None, independent=True)
    assert figures["bins_before"] == [[3, 0.25, 0.3333], [2, 0.75, 1.0]]
    assert (figures["count"], figures["ece_before"]) == (5, round(gap, 4))
    assert [figures[key] for key in ("ece", "bins", "ece_by_chance", "halves")] == [None] * 4


def test_errors_of_two_calibrations_do_not_cancel() -> None:
    """Each of four objects gets 0.5: in the first half all come true, in the second half none does."""
    half = np.full(4, 0.5)
    chips = [
        in_half(reliability_counts(half, np.full(4, came_true), 10), first=came_true)
        for came_true in (True, False)
    ]
    assert [chip[0].sum(axis=1).tolist() for chip in chips] == [[4, 0], [0, 4]]
    figures: Any = reliability_figures(np.stack(chips), np.stack(chips), independent=True)
    assert (figures["ece"], figures["bins"]) == (0.5, [[8, 0.5, 0.5]])
    # The standard deviation of four such objects is 1; its mean error sqrt(2 / pi).
    assert figures["ece_by_chance"] == round(np.sqrt(2 / np.pi) / 4, 4)
    assert figures["halves"] == [{"count": 4, "ece": 0.5, "ece_by_chance": figures["ece_by_chance"]}] * 2


@given(arrays(float, 30, elements=st.floats(0, 1)), arrays(bool, 30), arrays(bool, 30))
def test_the_error_of_all_is_the_mean_of_the_halves(
    probabilities: NDArray[np.float64], real: NDArray[np.bool_], first: NDArray[np.bool_]
) -> None:
    chips = np.stack(
        [
            in_half(reliability_counts(probabilities[part], real[part], 10), first=is_first)
            for part, is_first in ((first, True), (~first, False))
        ]
    )
    figures: Any = reliability_figures(chips, chips, independent=False)
    weighted = sum(half["count"] * (half["ece"] or 0) for half in figures["halves"]) / 30
    assert figures["ece"] == pytest.approx(weighted, abs=2e-4)


def test_certainty_has_a_bin() -> None:
    counts = reliability_counts(np.array([0.0, 1.0]), np.array([False, True]), 10)
    assert counts[0].tolist() == [1, *[0] * 8, 1]
    assert calibration_error(in_half(counts, first=True)) == 0


def test_nothing_counted_is_no_figure() -> None:
    counts = reliability_counts(np.array([]), np.array([], dtype=bool), 10)
    counts = in_half(counts, first=True)[None]
    figures = reliability_figures(counts, counts, independent=True)
    assert (figures["count"], figures["ece"], figures["bins"]) == (0, None, [])


def test_what_chance_shows_is_what_right_probabilities_show() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.uniform(0.2, 0.95, 200)
    errors = []
    for _ in range(200):
        counts = in_half(reliability_counts(probabilities, rng.random(200) < probabilities, 10), first=True)
        errors.append(float(calibration_error(counts)))
    told = reliability_figures(counts[None], counts[None], independent=True)["ece_by_chance"]
    assert told == pytest.approx(np.mean(errors), rel=0.05)
