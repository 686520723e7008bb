"""A recipe and manifests of chips in, a checkpoint out."""

from __future__ import annotations

from pathlib import Path

from vigibati.configs.paths import StrPath, StrPaths, as_path, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe, load_recipe
from vigibati.datasets.chips.manifest import read_manifests
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.device import choose_device
from vigibati.training.train import train as train_on
from vigibati.training.trainer import Hardware


def train(
    config: StrPath | Recipe,
    *,
    data: StrPaths,
    out: StrPath,
    start_from: StrPath | None = None,
    device: str = "auto",
    devices: int = 1,
    workers: int = 1,
    progress: Progress = SILENT,
) -> Checkpoint:
    """Train a model and write it as a checkpoint in ``out/checkpoint``.

    A run that was interrupted goes on from its last finished epoch when it is called again with the same
    ``out``, and one that is finished stays as it is.

    Args:
        config: Recipe of the training, or its file (YAML).
        data: Manifests of chips (CSV); those of split "train" are learnt from, those of "val" measured.
        out: Folder of the run.
        start_from: Folder of the checkpoint to start from, in place of what the recipe says.
        device: auto, cpu or cuda.
        devices: How many of them train together, one process each.
        workers: Processes that read chips, for each device.
        progress: Listener.

    Returns:
        The checkpoint, as read back from the disk.

    Raises:
        InputError: A manifest or chip cannot be used, or there is none to learn from or to measure on.
        SettingsError: The recipe does not hold, or an earlier call in ``out`` was begun with another
            recipe, other chips or another start.
        CheckpointError: ``start_from`` does not fit the recipe, or the loss is no finite number.
        DeviceError: The device is not there.
        OutputError: ``out`` cannot be made.
    """
    return train_on(
        load_recipe(config),
        read_manifests(as_paths(data)),
        Path(out),
        start_from=as_path(start_from),
        hardware=Hardware(choose_device(device).type, devices, workers),
        progress=progress,
    )
