"""Makes probabilities mean a frequency: fitted on one half of the validation chips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from vigibati.configs.contract import Calibration
from vigibati.configs.errors import InputError
from vigibati.configs.files import whole_file
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.manifest import Chip, manifest_sha256
from vigibati.inference.checkpoint import Checkpoint
from vigibati.training.chip_score import find_objects
from vigibati.training.fits import fit_objects, fit_temperature
from vigibati.training.predictions import Prediction, calibrates, predictions, validation_chips

SYNTHETIC: Final = "synthetic"
"""Source whose chips are renderings, as ``vigibati synth`` names it."""

_FIT_FILE = "calibration.json"
_ENOUGH_OBJECTS = 50
# Of each source. All their logits are held at once; more of them change no figure.
_MOST_CHIPS = 100
_PIXEL_SHARE = 1 / 16
_SEED = 0


def calibrate(
    checkpoint: Checkpoint,
    recipe: Recipe,
    chips: Sequence[Chip],
    *,
    device: torch.device | None = None,
    progress: Progress = SILENT,
) -> dict[str, object]:
    """Fit the calibration of each class and write it into the contract of the checkpoint.

    The chips of split "val" are parted into two halves by a fingerprint of their names; only the
    first one is seen here, ``evaluate`` reports on the other one. For each class a temperature is
    fitted to the pixels, and then slope and offset to the found objects from 4 m² on, which are
    real when more than half of them lies on true ones. Real sources are taken together; where they
    hold fewer than 50 found objects of a class, all sources are. The weights stay.

    Args:
        checkpoint: What is calibrated: in its folder ``contract.json`` is replaced, and
            ``calibration.json`` written.
        recipe: Says which classes each source labels.
        chips: Chips of all splits.
        device: Where the network runs; the processor when None.
        progress: Listener.

    Returns:
        A JSON-ready record of the fit, as ``calibration.json`` holds it.

    Raises:
        SettingsError: The recipe is not of this checkpoint, or there is no validation chip.
        InputError: The first half is empty, or does not label a class.
        CheckpointError: The network does not fit its contract.
        OutputError: The folder cannot be written to.
    """
    contract = checkpoint.contract
    halved = _first_half(recipe, validation_chips(contract, recipe, chips))
    place = device or torch.device("cpu")
    seen = [
        replace(each, logits=each.logits.astype(np.float16))
        for each in predictions(
            checkpoint, recipe, halved, device=place, stage="calibrate", progress=progress
        )
    ]
    fits = {}
    for plane, name in enumerate(contract.class_names):
        of_class = [prediction for prediction in seen if prediction.name == name]
        if not of_class:
            cause = "no chip to calibrate on labels it"
            raise InputError(f"class '{name}'", cause, "add a manifest with --data")
        fits[name] = _fit(of_class, contract.thresholds[plane], contract.gsd_m)
    record: dict[str, object] = {
        "weights_sha256": contract.weights_sha256,
        "data_sha256": manifest_sha256(halved),
        "classes": {name: fit.record for name, fit in fits.items()},
    }
    calibrated = contract.model_copy(update={"calibrations": tuple(fit.calibration for fit in fits.values())})
    for name, text in (
        (_FIT_FILE, json.dumps(record, indent=2)),
        ("contract.json", calibrated.model_dump_json(indent=2)),
    ):
        with whole_file(checkpoint.folder / name) as part:
            part.write_text(text + "\n", encoding="utf-8")
    return record


def read_fit(checkpoint: Checkpoint) -> dict[str, object] | None:
    """Return the record of the fit that the contract of a checkpoint holds, None where it holds none."""
    path: Path = checkpoint.folder / _FIT_FILE
    if checkpoint.contract.calibrations is None or not path.is_file():
        return None
    record: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return record if record["weights_sha256"] == checkpoint.contract.weights_sha256 else None


@dataclass(frozen=True, slots=True)
class _Fit:
    calibration: Calibration
    objects: int
    record: dict[str, object]


def _first_half(recipe: Recipe, chips: Sequence[Chip]) -> list[Chip]:
    halved: list[Chip] = []
    for source in recipe.sources:
        own = [chip for chip in chips if chip.source == source and calibrates(chip)]
        halved += own[:_MOST_CHIPS]
    if not halved:
        cause = f"none of its {len(chips)} validation chips falls into the half to calibrate on"
        raise InputError(f"recipe '{recipe.name}'", cause, "add a manifest with --data")
    return halved


def _fit(seen: Sequence[Prediction], threshold: float, gsd_m: float) -> _Fit:
    """Fit one class on the real sources where they hold enough objects of it, else on all."""
    real = [prediction for prediction in seen if prediction.chip.source != SYNTHETIC]
    if real and len(real) < len(seen):
        fit = _fit_to(real, threshold, gsd_m)
        if fit.objects >= _ENOUGH_OBJECTS:
            return fit
    return _fit_to(seen, threshold, gsd_m)


def _fit_to(seen: Sequence[Prediction], threshold: float, gsd_m: float) -> _Fit:
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
    return _Fit(calibration, len(means), record)


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
