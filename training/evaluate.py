"""How well a checkpoint does on chips that it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

import torch

from vigibati.configs.errors import SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips import Sample
from vigibati.datasets.manifest import Chip, manifest_sha256
from vigibati.datasets.validation_chips import ValidationChips
from vigibati.inference.checkpoint import Checkpoint
from vigibati.training.module import SegmentationModule
from vigibati.training.scores import ObjectScore, PixelScore

_SHARED = ("architecture", "encoder", "decoder_channels", "class_names", "gsd_m")


@dataclass(slots=True)
class _Tally:
    pixels: PixelScore = field(default_factory=PixelScore)
    objects: ObjectScore = field(default_factory=ObjectScore)


def evaluate(
    checkpoint: Checkpoint, recipe: Recipe, chips: Sequence[Chip], *, progress: Progress = SILENT
) -> dict[str, object]:
    """Measure a checkpoint on the chips of split "val", source by source and class by class.

    Args:
        checkpoint: What is measured, at the thresholds of its contract.
        recipe: Says which classes each source labels; only its sources are measured.
        chips: Chips of all splits.
        progress: Listener.

    Returns:
        A JSON-ready mapping: the figures of each class of each source, with their counts.

    Raises:
        SettingsError: The recipe is not of this checkpoint, or nothing can be measured.
    """
    contract = checkpoint.contract
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
    module = SegmentationModule(recipe)
    module.network.load_state_dict(checkpoint.network.state_dict())
    tallies = _tallies(module.eval(), checkpoint, recipe, measured, progress)
    return {
        "checkpoint": contract.name,
        "weights_sha256": contract.weights_sha256,
        "data_sha256": manifest_sha256(measured),
        "evaluated_with": version("vigibati"),
        "split": "val",
        "thresholds": dict(zip(contract.class_names, contract.thresholds, strict=True)),
        "sources": {
            source: {
                "chips": sum(chip.source == source for chip in measured),
                "gsd_m": recipe.gsd_m,
                "classes": {name: _figures(tally) for name, tally in of_source.items()},
            }
            for source, of_source in tallies.items()
        },
    }


def _tallies(
    module: SegmentationModule,
    checkpoint: Checkpoint,
    recipe: Recipe,
    chips: Sequence[Chip],
    progress: Progress,
) -> dict[str, dict[str, _Tally]]:
    tallies: dict[str, dict[str, _Tally]] = {}
    dataset = ValidationChips(chips, recipe)
    with progress.stage("evaluate", len(chips), "chips") as advance, torch.inference_mode():
        for index, chip in enumerate(chips):
            sample = dataset[index]
            probabilities = torch.sigmoid(module(sample.image.unsqueeze(0)))[0]  # (C, H, W)
            labels = recipe.sources[chip.source].labels
            of_source = tallies.setdefault(chip.source, {name: _Tally() for name in labels})
            for plane, (name, threshold) in enumerate(
                zip(recipe.class_names, checkpoint.contract.thresholds, strict=True)
            ):
                if name in labels:
                    _add(of_source[name], probabilities[plane] >= threshold, sample, plane, recipe.gsd_m)
            advance(1)
    return tallies


def _add(tally: _Tally, found: torch.Tensor, sample: Sample, plane: int, gsd_m: float) -> None:
    known = sample.known[plane].numpy() > 0
    truth = sample.target[plane].numpy() > 0
    tally.pixels.add(found.numpy(), truth, known)
    tally.objects.add(found.numpy() & known, truth & known, gsd_m)


def _figures(tally: _Tally) -> dict[str, object]:
    return {"pixels": tally.pixels.as_dict(), "objects": tally.objects.as_dict()}
