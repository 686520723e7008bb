"""Makes probabilities mean a frequency: fitted on one half of the validation chips."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.contract import Calibration, ModelContract
from vigibati.configs.errors import InputError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.training.calibration.class_calibration import ClassFit, fit_class
from vigibati.training.metrics.predictions import Prediction, calibrates, predictions, validation_chips

_FIT_FILE = "calibration.json"
# Of each source and half. All their logits are held at once; more of them change no figure.
_MOST_CHIPS = 100


def calibrate(
    checkpoint: Checkpoint,
    recipe: Recipe,
    chips: Sequence[Chip],
    *,
    device: torch.device | None = None,
    progress: Progress = SILENT,
) -> dict[str, object]:
    """Fit the calibration of each class and write it into the contract of the checkpoint.

    The chips of split "val" are parted into two halves by a fingerprint of their names. What is
    fitted on the first one goes into the contract; what is fitted on the other one only stands in
    the record, so that ``evaluate`` can judge each half by what never saw it. For each class a
    temperature is fitted to the pixels, and then slope and offset to the found objects from 4 m²
    on, which are real when more than half of them lies on true ones. Real sources are taken
    together; where they hold fewer than 50 found objects of a class, all sources are. The weights
    stay.

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
    first, other = _halves(recipe, validation_chips(contract, recipe, chips))
    place = device or torch.device("cpu")
    seen = [
        replace(each, logits=each.logits.astype(np.float16))
        for each in predictions(
            checkpoint, recipe, [*first, *other], device=place, stage="calibrate", progress=progress
        )
    ]
    fits = _fits([each for each in seen if calibrates(each.chip)], contract)
    for name in contract.class_names:
        if name not in fits:
            cause = "no chip to calibrate on labels it"
            raise InputError(f"class '{name}'", cause, "add a manifest with --data")
    judging = _fits([each for each in seen if not calibrates(each.chip)], contract)
    record: dict[str, object] = {
        "weights_sha256": contract.weights_sha256,
        "data_sha256": manifest_sha256(first),
        "classes": {name: fit.record for name, fit in fits.items()},
        "other_half": {
            "data_sha256": manifest_sha256(other),
            "classes": {name: fit.record for name, fit in judging.items()},
        },
    }
    calibrated = contract.model_copy(update={"calibrations": tuple(fit.calibration for fit in fits.values())})
    for name, text in (
        (_FIT_FILE, json.dumps(record, indent=2)),
        ("contract.json", calibrated.model_dump_json(indent=2)),
    ):
        with whole_file(checkpoint.folder / name) as part:
            part.write_text(text + "\n", encoding="utf-8")
    return record


def read_fit(checkpoint: Checkpoint) -> dict[str, Any] | None:
    """Return the record of the fit that the contract of a checkpoint holds, None where it holds none."""
    path: Path = checkpoint.folder / _FIT_FILE
    if checkpoint.contract.calibrations is None or not path.is_file():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record if record["weights_sha256"] == checkpoint.contract.weights_sha256 else None


def fit_of_other_half(fit: dict[str, Any] | None) -> dict[str, Calibration]:
    """Return what was fitted on the half that the contract's calibrations never saw, by class.

    Args:
        fit: What ``read_fit`` returned. One that holds no such fit gives none.
    """
    classes = {} if fit is None else fit.get("other_half", {"classes": {}})["classes"]
    keys = Calibration.model_fields
    return {name: Calibration.model_validate({key: of[key] for key in keys}) for name, of in classes.items()}


def _halves(recipe: Recipe, chips: Sequence[Chip]) -> tuple[list[Chip], list[Chip]]:
    first: list[Chip] = []
    other: list[Chip] = []
    for source in recipe.sources:
        own = [chip for chip in chips if chip.source == source]
        first += [chip for chip in own if calibrates(chip)][:_MOST_CHIPS]
        other += [chip for chip in own if not calibrates(chip)][:_MOST_CHIPS]
    if not first:
        cause = f"none of its {len(chips)} validation chips falls into the half to calibrate on"
        raise InputError(f"recipe '{recipe.name}'", cause, "add a manifest with --data")
    return first, other


def _fits(seen: Sequence[Prediction], contract: ModelContract) -> dict[str, ClassFit]:
    """Fit every class that any of the predictions is of, in the order of the contract."""
    fits = {}
    for name, threshold in zip(contract.class_names, contract.thresholds, strict=True):
        of_class = [prediction for prediction in seen if prediction.name == name]
        if of_class:
            fits[name] = fit_class(of_class, threshold, contract.gsd_m)
    return fits
