"""A checkpoint measured on the validation chips of manifests, with its model card."""

from __future__ import annotations

from typing import Any

from vigibati.configs.paths import StrPath, StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe, load_recipe
from vigibati.datasets.chips.manifest import read_manifests
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.model.device import choose_device
from vigibati.training.evaluate import evaluate as evaluate_on
from vigibati.training.publishing.write_card import write_report


def evaluate(
    checkpoint: StrPath,
    *,
    config: StrPath | Recipe,
    data: StrPaths,
    device: str = "auto",
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Measure a checkpoint on the validation chips of manifests.

    Writes ``evaluation.json``, ``MODEL_CARD.md`` and two pictures into its folder.

    Args:
        checkpoint: Folder of the checkpoint.
        config: Recipe that it was trained with, or its file (YAML); only its sources are measured.
        data: Manifests of chips (CSV).
        device: auto, cpu or cuda.
        progress: Listener.

    Returns:
        A JSON-ready mapping, as ``evaluation.json`` holds it: under "sources" the figures of each class of
        each source, with counts and the bounds of 95 % intervals (``_ci``), under "calibration" those of
        the probabilities.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        SettingsError: The recipe is not of this checkpoint, or nothing can be measured.
        InputError: A manifest or chip cannot be used.
        DeviceError: The device is not there.
        OutputError: The folder cannot be written to.
    """
    model = load_checkpoint(checkpoint)
    evaluation = evaluate_on(
        model,
        load_recipe(config),
        read_manifests(as_paths(data)),
        device=choose_device(device),
        progress=progress,
    )
    write_report(model, evaluation)
    return evaluation
