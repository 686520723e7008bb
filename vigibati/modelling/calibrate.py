"""The probabilities of a checkpoint made to come true, by the validation chips of manifests."""

from __future__ import annotations

from typing import Any

from vigibati.configs.paths import StrPath, StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe, load_recipe
from vigibati.datasets.chips.manifest import read_manifests
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.model.device import choose_device
from vigibati.training.calibration.calibrate import calibrate as calibrate_on


def calibrate(
    checkpoint: StrPath,
    *,
    config: StrPath | Recipe,
    data: StrPaths,
    device: str = "auto",
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Fit on one half of the validation chips what makes probabilities come true.

    Changes ``contract.json`` in the folder of the checkpoint and writes ``calibration.json`` beside it.

    Args:
        checkpoint: Folder of the checkpoint.
        config: Recipe that it was trained with, or its file (YAML): says which classes each source labels.
        data: Manifests of chips (CSV).
        device: auto, cpu or cuda.
        progress: Listener.

    Returns:
        A JSON-ready record of the fit, as ``calibration.json`` holds it.

    Raises:
        CheckpointError: The checkpoint cannot be used.
        SettingsError: The recipe is not of this checkpoint, or there is no validation chip.
        InputError: A manifest or chip cannot be used, or the first half labels no pixel of a class.
        DeviceError: The device is not there.
        OutputError: The folder cannot be written to.
    """
    return calibrate_on(
        load_checkpoint(checkpoint),
        load_recipe(config),
        read_manifests(as_paths(data)),
        device=choose_device(device),
        progress=progress,
    )
