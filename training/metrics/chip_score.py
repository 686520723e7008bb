"""Everything that is counted on one chip for one class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from vigibati.configs.contract import Calibration
from vigibati.inference.probabilities.object_calibration import object_probabilities
from vigibati.training.metrics.boundary_iou import boundary_counts
from vigibati.training.metrics.outlines import SMALLEST_M2, outline_rows
from vigibati.training.metrics.pixels_and_objects import Objects, match_objects, object_counts, pixel_counts
from vigibati.training.metrics.predictions import Prediction, calibrates
from vigibati.training.metrics.reliability import OBJECT_BINS, PIXEL_BINS, in_half, reliability_counts

THRESHOLD_STEPS: Final = 20

UNCALIBRATED: Final = Calibration(temperature=1, object_slope=1, object_offset=0)
"""What changes nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """Objects of one chip and how sure the network is of them.

    Attributes:
        objects: All objects, matched.
        probabilities: (H, W) of the pixels, divided by the temperature.
        drawn: (F,), True for the found objects that are large enough to be drawn.
    """

    objects: Objects
    probabilities: NDArray[np.float32]
    drawn: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ChipScore:
    """Counts of one chip and one class, which add up over chips.

    Attributes:
        judged: Whether its probabilities are those of a calibration that never saw the chip, or of
            no calibration at all; the two counts of reliability are of no use otherwise.
        pixels: (4,), as ``pixel_counts``.
        boundary: (2, 2), as ``boundary_counts``.
        objects: (4, bands), as ``object_counts``.
        outlines: (M, 4), as ``outline_rows``.
        by_threshold: (2, 20), pixels without and with the class by their probability.
        pixel_reliability: (2, 4, 2, bins), before and after calibration, in the half of the chip.
        object_reliability: (2, 4, 2, bins), likewise.
    """

    judged: bool
    pixels: NDArray[np.int64]
    boundary: NDArray[np.int64]
    objects: NDArray[np.int64]
    outlines: NDArray[np.float64]
    by_threshold: NDArray[np.int64]
    pixel_reliability: NDArray[np.float64]
    object_reliability: NDArray[np.float64]


def find_objects(prediction: Prediction, *, threshold: float, temperature: float, gsd_m: float) -> Found:
    """Return the objects that the product would find on a chip, without those that are unknown."""
    probabilities = expit(prediction.logits / np.float32(temperature))
    found = (probabilities >= threshold) & prediction.known
    objects = match_objects(found, prediction.truth & prediction.known, gsd_m)
    return Found(objects, probabilities, objects.found_m2 >= SMALLEST_M2)


def score_chip(
    prediction: Prediction,
    *,
    threshold: float,
    calibration: Calibration | None,
    other: Calibration | None,
    gsd_m: float,
) -> ChipScore:
    """Count everything that a report needs of one chip and one class.

    Args:
        prediction: The chip, its truth and what the network says.
        threshold: Calibrated probability from which a pixel belongs to the class.
        calibration: Of the class, fitted on the first half of the chips; None where there is none.
        other: The same, fitted on the other half.
        gsd_m: Metres per pixel.
    """
    used = calibration or UNCALIBRATED
    truth, known = prediction.truth, prediction.known
    found = find_objects(prediction, threshold=threshold, temperature=used.temperature, gsd_m=gsd_m)
    mask = found.objects.found_labels > 0
    steps = np.minimum((found.probabilities[known] * THRESHOLD_STEPS).astype(np.int64), THRESHOLD_STEPS - 1)
    by_threshold = np.bincount(steps + THRESHOLD_STEPS * truth[known], minlength=2 * THRESHOLD_STEPS)
    first = calibrates(prediction.chip)
    # Each chip is judged by what never saw it.
    judge, seen_as = used, found
    if first and other is not None:
        judge = other
        seen_as = find_objects(prediction, threshold=threshold, temperature=other.temperature, gsd_m=gsd_m)
    return ChipScore(
        judged=calibration is None or not first or other is not None,
        pixels=pixel_counts(mask, truth, known),
        boundary=boundary_counts(mask, truth & known, gsd_m),
        objects=object_counts(found.objects),
        outlines=outline_rows(found.objects, gsd_m, kind=prediction.name),
        by_threshold=by_threshold.reshape(2, THRESHOLD_STEPS),
        pixel_reliability=in_half(_pixel_reliability(prediction, seen_as), first=first),
        object_reliability=in_half(_object_reliability(prediction, seen_as, judge), first=first),
    )


def _pixel_reliability(prediction: Prediction, found: Found) -> NDArray[np.float64]:
    known = prediction.known
    before, after = expit(prediction.logits[known]), found.probabilities[known]
    real = prediction.truth[known]
    return np.stack([reliability_counts(values, real, PIXEL_BINS) for values in (before, after)])


def _object_reliability(prediction: Prediction, found: Found, used: Calibration) -> NDArray[np.float64]:
    before = found.objects.found_means(expit(prediction.logits))
    after = object_probabilities(
        found.objects.found_means(found.probabilities), slope=used.object_slope, offset=used.object_offset
    )
    real = found.objects.real
    return np.stack(
        [reliability_counts(each[found.drawn], real[found.drawn], OBJECT_BINS) for each in (before, after)]
    )
