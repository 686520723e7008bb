from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from vigibati.training.calibration.unrecorded_detections import measure_off_record


def mixture(prior: float, *, on: int = 4000, off: int = 4000, seed: int = 0) -> tuple[np.ndarray, ...]:
    draw = np.random.default_rng(seed)
    real = draw.random(off) < prior
    buildings, errors = expit(draw.normal(2, 1, off)), expit(draw.normal(-1, 1, off))
    return expit(draw.normal(2, 1, on)), np.where(real, buildings, errors), real


@pytest.mark.parametrize("prior", [0.05, 0.2, 0.6])
def test_the_prior_of_a_known_mixture_is_found(prior: float) -> None:
    on, off, _ = mixture(prior)
    assert measure_off_record(on, off).prior == pytest.approx(prior, abs=0.03)


def test_chances_add_up_to_the_buildings_and_tell_them_from_errors() -> None:
    on, off, real = mixture(0.3)
    chance = measure_off_record(on, off).chance(off)
    assert chance.sum() == pytest.approx(real.sum(), rel=0.15)
    assert chance[real].mean() > chance[~real].mean() + 0.4


@given(st.integers(0, 1000), st.floats(0, 1))
def test_a_surer_detection_is_never_less_likely(seed: int, prior: float) -> None:
    on, off, _ = mixture(prior, on=60, off=40, seed=seed)
    chance = measure_off_record(on, off).chance(np.linspace(0, 1, 50))
    assert (np.diff(chance) >= 0).all()
    assert ((chance >= 0) & (chance <= 1)).all()


def test_without_detections_beside_records_nothing_is_expected_there() -> None:
    measured = measure_off_record(np.array([0.9, 0.8]), np.zeros(0))
    assert (measured.prior, measured.on, measured.off) == (0.0, 2, 0)
    assert not measured.chance(np.array([0.2, 0.99])).any()


def test_errors_alone_are_no_buildings() -> None:
    draw = np.random.default_rng(3)
    on, off = expit(draw.normal(3, 0.5, 500)), expit(draw.normal(-2, 0.5, 500))
    assert measure_off_record(on, off).prior == 0
