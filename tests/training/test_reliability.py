from __future__ import annotations

import numpy as np
import pytest

from vigibati.training.reliability import calibration_error, reliability_counts, reliability_figures


def test_a_worked_example() -> None:
    """Two bins: three at 0.25, of which one comes true, and two at 0.75, of which both do."""
    probabilities = np.array([0.25, 0.25, 0.25, 0.75, 0.75])
    real = np.array([True, False, False, True, True])
    counts = reliability_counts(probabilities, real, 2)
    assert counts.tolist() == [[3, 2], [0.75, 1.5], [1, 2], [3 * 0.1875, 2 * 0.1875]]
    gap = 3 / 5 * abs(0.25 - 1 / 3) + 2 / 5 * abs(0.75 - 1)
    assert calibration_error(counts) == pytest.approx(gap)
    figures = reliability_figures(counts[None], None, independent=True)
    assert figures["bins_before"] == [[3, 0.25, 0.3333], [2, 0.75, 1.0]]
    assert (figures["count"], figures["ece_before"]) == (5, round(gap, 4))
    assert (figures["ece"], figures["bins"], figures["ece_by_chance"]) == (None, None, None)


def test_certainty_has_a_bin() -> None:
    counts = reliability_counts(np.array([0.0, 1.0]), np.array([False, True]), 10)
    assert counts[0].tolist() == [1, *[0] * 8, 1]
    assert calibration_error(counts) == 0


def test_nothing_counted_is_no_figure() -> None:
    counts = reliability_counts(np.array([]), np.array([], dtype=bool), 10)
    figures = reliability_figures(counts[None], counts[None], independent=True)
    assert (figures["count"], figures["ece"], figures["bins"]) == (0, None, [])


def test_what_chance_shows_is_what_right_probabilities_show() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.uniform(0.2, 0.95, 200)
    errors = []
    for _ in range(200):
        counts = reliability_counts(probabilities, rng.random(200) < probabilities, 10)
        errors.append(float(calibration_error(counts)))
    told = reliability_figures(counts[None], counts[None], independent=True)["ece_by_chance"]
    assert told == pytest.approx(np.mean(errors), rel=0.05)
