"""What a checkpoint says of validation chips, and which of them may calibrate it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.datasets.chips.validation_chips import ValidationChips
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor

_SHARED = ("architecture", "encoder", "decoder_channels", "class_names", "gsd_m")


@dataclass(frozen=True, slots=True)
class Prediction:
    """One chip and one class that its source labels, at the ground size of the contract.

    Attributes:
        chip: The chip.
        plane: Index of the class.
        name: Its name.
        logits: (H, W), as the network gives them, before any calibration.
        truth: (H, W), True where the class is.
        known: (H, W), True where the truth is to be believed.
    """

    chip: Chip
    plane: int
    name: str
    logits: NDArray[np.floating]
    truth: NDArray[np.bool_]
    known: NDArray[np.bool_]


def validation_chips(contract: ModelContract, recipe: Recipe, chips: Sequence[Chip]) -> list[Chip]:
    """Return the chips of split "val" whose sources the recipe knows.

    Raises:
        SettingsError: The recipe is not of this contract, or there is no such chip.
    """
    differing = [name for name in _SHARED if getattr(recipe, name) != getattr(contract, name)]
    if differing:
        raise SettingsError(
            f"recipe '{recipe.name}'",
            f"its {', '.join(differing)} differ from the contract's",
            "give the recipe that trained it",
        )
    measured = [chip for chip in chips if chip.split == "val" and chip.source in recipe.sources]
    if not measured:
        raise SettingsError(
            f"recipe '{recipe.name}'", "no validation chip of its sources", "add a manifest with --data"
        )
    return measured


def calibrates(chip: Chip) -> bool:
    """Return whether a validation chip belongs to the half that calibrations are fitted on.

    A fingerprint of its source and file name decides, so that the answer depends neither on the
    machine nor on the other chips, and no chip that was fitted on is ever measured as unseen.
    """
    digest = hashlib.sha256(f"{chip.source}/{chip.image.name}".encode()).digest()
    return digest[0] % 2 == 0


def predictions(
    checkpoint: Checkpoint,
    recipe: Recipe,
    chips: Sequence[Chip],
    *,
    device: torch.device,
    stage: str,
    progress: Progress = SILENT,
) -> Iterator[Prediction]:
    """Yield every labelled class of every chip, chip by chip.

    Args:
        checkpoint: Network and contract.
        recipe: Says which classes each source labels.
        chips: What ``validation_chips`` returned.
        device: Where the network runs; in float32, so that figures do not depend on the machine.
        stage: What the listener is told that this is.
        progress: Listener.
    """
    predictor, dataset = Predictor(checkpoint, Device(device)), ValidationChips(chips, recipe)
    with progress.stage(stage, len(chips), "chips") as advance:
        for index, chip in enumerate(chips):
            sample = dataset[index]
            logits = predictor.logits(sample.image.numpy()).cpu().numpy()
            known = sample.label_weight.numpy() > 0
            # The padding is unknown in every class; of a class that the source labels, nothing else is.
            height, width = int(known.any(axis=(0, 2)).sum()), int(known.any(axis=(0, 1)).sum())
            for plane, name in enumerate(recipe.class_names):
                if name in recipe.sources[chip.source].labels:
                    yield Prediction(
                        chip,
                        plane,
                        name,
                        logits[plane, :height, :width],
                        sample.target[plane, :height, :width].numpy() > 0,
                        known[plane, :height, :width],
                    )
            advance(1)
