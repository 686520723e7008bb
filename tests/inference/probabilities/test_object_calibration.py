from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigibati.inference.probabilities.object_calibration import object_logits, object_probabilities


def test_a_worked_example() -> None:
    # 0.75 has the logit ln 3; half of it less ln 2 is the logit ln(√3 / 2).
    odds = np.sqrt(3) / 2
    found = object_probabilities(np.array([0.75]), slope=0.5, offset=-np.log(2))
    assert found.tolist() == pytest.approx([odds / (1 + odds)])


def test_certainty_is_finite() -> None:
    low, high = object_logits(np.array([0.0, 1.0]))
    assert -7 < low < -6
    assert high == pytest.approx(-low)


@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=5))
def test_no_calibration_changes_nothing(means: list[float]) -> None:
    assert object_probabilities(np.array(means), slope=1, offset=0).tolist() == pytest.approx(means)
