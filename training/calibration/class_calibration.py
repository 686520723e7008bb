"""The calibration of one class, fitted to what a network says of chips whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.contract import Calibration
from vigibati.training.calibration.temperature_scaling import fit_objects, fit_temperature
from vigibati.training.metrics.chip_score import find_objects
from vigibati.training.metrics.predictions import Prediction

SYNTHETIC: Final = "synthetic"
"""Source whose chips are renderings, as ``vigibati synth`` names it."""

_ENOUGH_OBJECTS = 50
_PIXEL_SHARE = 1 / 16
_SEED = 0


@dataclass(frozen=True, slots=True)
class ClassFit:
    """What was fitted, and to what.

    Attributes:
        calibration: The fit.
        objects: How many found objects it was fitted to.
        record: Both, and where they come from, JSON-ready.
    """

    calibration: Calibration
    objects: int
    record: dict[str, object]


def fit_class(seen: Sequence[Prediction], threshold: float, gsd_m: float) -> ClassFit:
    """Fit one class on the real sources where they hold 50 found objects of it, else on all.

    Args:
        seen: Predictions of that class, at least one.
        threshold: Calibrated probability from which a pixel belongs to it.
        gsd_m: Metres per pixel.
    """
    real = [prediction for prediction in seen if prediction.chip.source != SYNTHETIC]
    if real and len(real) < len(seen):
        fit = _fit_to(real, threshold, gsd_m)
        if fit.objects >= _ENOUGH_OBJECTS:
            return fit
    return _fit_to(seen, threshold, gsd_m)


def _fit_to(seen: Sequence[Prediction], threshold: float, gsd_m: float) -> ClassFit:
    pixels, of_class = _sampled_pixels(seen)
    temperature = fit_temperature(pixels, of_class)
    means, real = _object_means(seen, threshold, temperature, gsd_m)
    slope, offset = fit_objects(means, real)
    calibration = Calibration(temperature=temperature, object_slope=slope, object_offset=offset)
    record: dict[str, object] = {
        "sources": list(dict.fromkeys(prediction.chip.source for prediction in seen)),
        "chips": len(seen),
        "pixels": len(pixels),
        "objects": len(means),
        "real_objects": int(real.sum()),
        **calibration.model_dump(),
    }
    return ClassFit(calibration, len(means), record)


def _sampled_pixels(seen: Sequence[Prediction]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logits and truth of one known pixel in sixteen of each chip, drawn by a fixed seed."""
    rng = np.random.default_rng(_SEED)
    logits, real = [], []
    for prediction in seen:
        drawn = prediction.known & (rng.random(prediction.known.shape) < _PIXEL_SHARE)
        logits.append(prediction.logits[drawn].astype(np.float64))
        real.append(prediction.truth[drawn])
    return np.concatenate(logits), np.concatenate(real)


def _object_means(
    seen: Sequence[Prediction], threshold: float, temperature: float, gsd_m: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the mean probability of each found object that is drawn, and whether it is real."""
    means, real = [], []
    for prediction in seen:
        found = find_objects(prediction, threshold=threshold, temperature=temperature, gsd_m=gsd_m)
        means.append(found.objects.found_means(found.probabilities)[found.drawn])
        real.append(found.objects.real[found.drawn])
    return np.concatenate(means), np.concatenate(real)
