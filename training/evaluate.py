"""How well a checkpoint does on chips that it did not learn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.training.calibration.calibrate import fit_of_other_half, read_fit
from vigibati.training.calibration.class_calibration import SYNTHETIC
from vigibati.training.metrics.bootstrap import LEVEL, RESAMPLES, figure, ratio
from vigibati.training.metrics.boundary_iou import boundary_figures
from vigibati.training.metrics.chip_score import THRESHOLD_STEPS, ChipScore, score_chip
from vigibati.training.metrics.outlines import SMALLEST_M2, outline_figures
from vigibati.training.metrics.pixels_and_objects import object_figures, pixel_figures
from vigibati.training.metrics.predictions import predictions, validation_chips
from vigibati.training.metrics.reliability import reliability_figures

REAL: Final = "real"
"""Name of all sources together that are no renderings."""

_Scores = dict[str, dict[str, list[ChipScore]]]


def evaluate(
    checkpoint: Checkpoint,
    recipe: Recipe,
    chips: Sequence[Chip],
    *,
    device: torch.device | None = None,
    progress: Progress = SILENT,
) -> dict[str, object]:
    """Measure a checkpoint on the chips of split "val", source by source and class by class.

    Pixels, contours, objects and outlines are measured on all of them, with probabilities as the
    product gives them: calibrated where the contract holds calibrations. How well probabilities
    are calibrated is measured crosswise, each half by the calibration that was fitted on the other
    one; without a record of such a fit, on the half alone that the contract's never saw.

    Args:
        checkpoint: What is measured, at the thresholds of its contract.
        recipe: Says which classes each source labels; only its sources are measured.
        chips: Chips of all splits.
        device: Where the network runs; the processor when None.
        progress: Listener.

    Returns:
        A JSON-ready mapping: the figures of each class of each source, with counts and the bounds
        of 95 % intervals (``_ci``), and under "calibration" those of the probabilities.

    Raises:
        SettingsError: The recipe is not of this checkpoint, or nothing can be measured.
        CheckpointError: The network does not fit its contract.
    """
    contract = checkpoint.contract
    measured = validation_chips(contract, recipe, chips)
    scores = _scores(checkpoint, recipe, measured, device or torch.device("cpu"), progress)
    return {
        "checkpoint": contract.name,
        "weights_sha256": contract.weights_sha256,
        "data_sha256": manifest_sha256(measured),
        "evaluated_with": version("vigibati"),
        "split": "val",
        "thresholds": dict(zip(contract.class_names, contract.thresholds, strict=True)),
        "intervals": {"level": LEVEL, "resamples": RESAMPLES, "over": "chips"},
        "sources": {
            source: {
                "chips": sum(chip.source == source for chip in measured),
                "gsd_m": contract.gsd_m,
                "classes": {name: _figures(rows) for name, rows in of_source.items()},
            }
            for source, of_source in scores.items()
        },
        "calibration": {
            "calibrated": contract.calibrations is not None,
            "fit": read_fit(checkpoint),
            "object_smallest_m2": SMALLEST_M2,
            "groups": {
                group: {
                    name: _reliability(rows, calibrated=contract.calibrations is not None)
                    for name, rows in of_group.items()
                }
                for group, of_group in _groups(scores).items()
            },
        },
    }


def _scores(
    checkpoint: Checkpoint, recipe: Recipe, chips: Sequence[Chip], device: torch.device, progress: Progress
) -> _Scores:
    contract, scores = checkpoint.contract, _Scores()
    others = fit_of_other_half(read_fit(checkpoint))
    seen = predictions(checkpoint, recipe, chips, device=device, stage="evaluate", progress=progress)
    for prediction in seen:
        plane = prediction.plane
        score = score_chip(
            prediction,
            threshold=contract.thresholds[plane],
            calibration=contract.calibrations[plane] if contract.calibrations else None,
            other=others.get(prediction.name),
            gsd_m=contract.gsd_m,
        )
        of_source = scores.setdefault(prediction.chip.source, {})
        of_source.setdefault(prediction.name, []).append(score)
    return scores


def _groups(scores: _Scores) -> _Scores:
    """Return the scores of all real sources together, and then those of each source."""
    real: dict[str, list[ChipScore]] = {}
    for source, of_source in scores.items():
        for name, rows in of_source.items():
            if source != SYNTHETIC:
                real.setdefault(name, []).extend(rows)
    return ({REAL: real} if real else {}) | scores


def _figures(rows: Sequence[ChipScore]) -> dict[str, object]:
    return {
        "pixels": pixel_figures(np.stack([row.pixels for row in rows])),
        "boundary": boundary_figures(np.stack([row.boundary for row in rows])),
        "objects": object_figures(np.stack([row.objects for row in rows])),
        "outlines": outline_figures([row.outlines for row in rows]),
        "by_threshold": _by_threshold(np.sum([row.by_threshold for row in rows], axis=0)),
    }


def _by_threshold(counts: NDArray[np.int64]) -> dict[str, list[float | None]]:
    """Return precision and recall of the pixels from each threshold on."""
    false_positive, true_positive = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1]
    precision = ratio(true_positive, true_positive + false_positive)
    recall = ratio(true_positive, np.full(THRESHOLD_STEPS, counts[1].sum()))
    return {
        "threshold": [round(step / THRESHOLD_STEPS, 4) for step in range(1, THRESHOLD_STEPS)],
        "precision": [figure(value) for value in precision[1:]],
        "recall": [figure(value) for value in recall[1:]],
    }


def _reliability(rows: Sequence[ChipScore], *, calibrated: bool) -> Mapping[str, object]:
    judged = [row for row in rows if row.judged]
    if not judged:
        return {"chips": 0, "pixels": None, "objects": None}
    pixels = np.stack([row.pixel_reliability for row in judged])
    objects = np.stack([row.object_reliability for row in judged])
    return {
        "chips": len(judged),
        "pixels": reliability_figures(pixels[:, 0], pixels[:, 1] if calibrated else None, independent=False),
        "objects": reliability_figures(
            objects[:, 0], objects[:, 1] if calibrated else None, independent=True
        ),
    }
