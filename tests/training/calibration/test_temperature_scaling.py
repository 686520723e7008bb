from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from vigibati.training.calibration.temperature_scaling import (
    fit_objects,
    fit_temperature,
    negative_log_likelihood,
)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_temperature_is_found_again(temperature: float) -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(-1, 2, 40_000)
    real = rng.random(40_000) < expit(honest)
    assert fit_temperature(honest * temperature, real) == pytest.approx(temperature, rel=0.03)


def test_slope_and_offset_are_found_again() -> None:
    rng = np.random.default_rng(4)
    means = rng.uniform(0.5, 0.99, 20_000)
    logits = np.log(means / (1 - means))
    real = rng.random(20_000) < expit(0.6 * logits - 1.2)
    slope, offset = fit_objects(means, real)
    assert (slope, offset) == (pytest.approx(0.6, abs=0.05), pytest.approx(-1.2, abs=0.08))


def test_few_objects_change_little() -> None:
    slope, offset = fit_objects(np.array([0.6, 0.9, 1.0]), np.array([False, True, True]))
    assert 0.5 < slope < 2
    assert abs(offset) < 1
    assert fit_objects(np.array([]), np.array([], dtype=bool)) == (1, 0)


def test_a_score_turned_upside_down_keeps_its_order() -> None:
    means = np.linspace(0.5, 0.99, 400)
    slope, _ = fit_objects(means, means < 0.8)
    assert slope == 0.01


def test_likelihood_of_a_worked_example() -> None:
    logits, real = np.array([0.0, np.log(3)]), np.array([True, False])
    assert negative_log_likelihood(logits, real) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_half_true_is_one_true_and_one_not() -> None:
    once = negative_log_likelihood(np.array([0.7]), np.array([0.5]))
    assert once == pytest.approx(negative_log_likelihood(np.array([0.7, 0.7]), np.array([True, False])))


def test_likely_objects_give_back_the_line_that_made_them_so() -> None:
    means = np.linspace(0.5, 0.99, 200)
    shares = expit(0.7 * np.log(means / (1 - means)) - 1)
    assert fit_objects(np.tile(means, 100), np.tile(shares, 100)) == pytest.approx((0.7, -1), abs=0.01)
