"""How likely it is that what a model sees and nobody records is there all the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from vigibati.inference.probabilities.object_calibration import object_logits
from vigibati.training.calibration.temperature_scaling import fit_objects

# Thresholds at which shares are compared: above the highest too few are left to compare.
_QUANTILES = np.linspace(0.1, 0.8, 15)


@dataclass(frozen=True, slots=True)
class OffRecord:
    """What is known of detections beside records, from how sure the model is of those on records.

    Attributes:
        prior: Share of the detections beside records that are buildings, 0-1; an upper estimate.
        on: Detections on records.
        off: Detections beside them.
        slope: Of the line from the logit of a probability to the logarithm of its chance.
        offset: Of the same line.
    """

    prior: float
    on: int
    off: int
    slope: float
    offset: float

    def chance(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how likely detections beside records are buildings, (N,) 0-1."""
        if not self.prior:
            return np.zeros(len(probabilities))
        return _chance(object_logits(probabilities), self.slope, self.offset)


def measure_off_record(on: NDArray[np.float64], off: NDArray[np.float64]) -> OffRecord:
    """Learn from recorded buildings alone how many unrecorded ones a model sees.

    Detections beside records are a mixture of buildings, which look as recorded ones do, and errors.
    The share of buildings can be no larger than the least ratio, over all thresholds, of the shares
    that reach the threshold beside records and on them (learning from positive and unlabelled
    examples: Elkan and Noto 2008; this estimate of the prior: Blanchard, Lee and Scott 2010).

    By Bayes the chance of one detection is the prior times the density of its probability among
    buildings, which is that on records, over its density beside them. That ratio is, but for a factor,
    the odds of lying on a record; the factor makes the mean chance the prior.

    Args:
        on: (N,) probabilities of detections on records.
        off: (M,) probabilities of detections beside them.
    """
    if not len(on) or not len(off):
        return OffRecord(0.0, len(on), len(off), 1.0, 0.0)
    thresholds = np.quantile(on, _QUANTILES)
    reached = [(np.mean(off >= least), np.mean(on >= least)) for least in thresholds]
    prior = min(1.0, *(float(beside / upon) for beside, upon in reached))
    lies_on = np.repeat([True, False], [len(on), len(off)])
    slope, _ = fit_objects(np.concatenate([on, off]), lies_on)
    return OffRecord(prior, len(on), len(off), slope, _offset(object_logits(off), slope, prior))


def _chance(logits: NDArray[np.float64], slope: float, offset: float) -> NDArray[np.float64]:
    chance: NDArray[np.float64] = np.exp(np.minimum(slope * logits + offset, 0.0))
    return chance


def _offset(logits: NDArray[np.float64], slope: float, prior: float) -> float:
    """Return the offset with which the chances of detections beside records have the prior as their mean."""
    if not prior:
        return 0.0
    low, high = (-slope * logits.max() - 50, -slope * logits.min())

    def excess(offset: float) -> float:
        return float(_chance(logits, slope, offset).mean()) - prior

    return round(float(brentq(excess, low, high)) if excess(low) < 0 < excess(high) else high, 4)
