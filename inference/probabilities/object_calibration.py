"""From the mean probability over an object to the frequency with which such objects are real."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from vigibati.datasets.encoding import PROBABILITY_SCALE

# Half a step of a probability raster: nothing in it tells a mean of 1 from one that much below.
_NEAREST = 0.5 / PROBABILITY_SCALE


def object_logits(mean_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logits of mean probabilities, finite also where these are 0 or 1.

    Args:
        mean_probabilities: (N,), 0-1, of the pixels of each object.
    """
    logits: NDArray[np.float64] = logit(np.clip(mean_probabilities, _NEAREST, 1 - _NEAREST))
    return logits


def object_probabilities(
    mean_probabilities: NDArray[np.float64], *, slope: float, offset: float
) -> NDArray[np.float64]:
    """Return how often objects of such mean probabilities are real (Platt scaling, Platt 1999).

    Args:
        mean_probabilities: (N,), 0-1, of the pixels of each object.
        slope: Factor on their logits, more than 0.
        offset: Added to the product.
    """
    probabilities: NDArray[np.float64] = expit(slope * object_logits(mean_probabilities) + offset)
    return probabilities
