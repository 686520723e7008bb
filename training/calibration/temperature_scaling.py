"""Fits of a temperature to pixels and of a line to the logits of objects."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from vigibati.inference.probabilities.object_calibration import object_logits

# Far beyond any network that learnt at all.
_TEMPERATURES: Final = (0.1, 10.0)
_LEAST_SLOPE: Final = 0.01


_Real = NDArray[np.bool_] | NDArray[np.float64]


def fit_temperature(logits: NDArray[np.float64], real: _Real) -> float:
    """Return what to divide logits by so that their likelihood is greatest (Guo et al. 2017).

    Args:
        logits: (N,), N > 0.
        real: (N,), True where the class is.
    """
    low, high = np.log(_TEMPERATURES)

    def cost(log: float) -> float:
        return negative_log_likelihood(logits / np.exp(log), real)

    best = minimize_scalar(cost, bounds=(low, high), method="bounded")
    return round(float(np.exp(best.x)), 4)


def fit_objects(mean_probabilities: NDArray[np.float64], real: _Real) -> tuple[float, float]:
    """Return slope and offset of the logit of mean probabilities (Platt 1999).

    Held to a slope of 1 and an offset of 0 as if both had been drawn from normal distributions of
    deviation 1 around them, so that few objects change little.

    Args:
        mean_probabilities: (N,) over the pixels of each found object, after the temperature.
        real: (N,), True where the object is; numbers between 0 and 1 where that is uncertain.
    """
    if not len(real):
        return 1.0, 0.0
    logits = object_logits(mean_probabilities)

    def cost(line: NDArray[np.float64]) -> float:
        slope, offset = line
        held = ((slope - 1) ** 2 + offset**2) / 2
        return float(negative_log_likelihood(slope * logits + offset, real) * len(real) + held)

    bounds = [(_LEAST_SLOPE, None), (None, None)]
    slope, offset = minimize(cost, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=bounds).x
    return round(float(slope), 4), round(float(offset), 4)


def negative_log_likelihood(logits: NDArray[np.float64], real: _Real) -> float:
    """Return the mean of -log of the probability given to what came true, of (N,) logits.

    What is real to a share only counts to that share as come true, and to the rest as not.
    """
    share = real.astype(np.float64)
    each = share * np.logaddexp(0, -logits) + (1 - share) * np.logaddexp(0, logits)
    return float(each.mean())
