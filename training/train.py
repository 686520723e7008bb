"""From a recipe and chip manifests to a checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import lightning

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.contract import ModelContract, TrainingSource
from vigibati.configs.errors import CheckpointError, InputError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256
from vigibati.inference.energy import measure_energy
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from vigibati.training.module import SegmentationModule
from vigibati.training.pretrained import load_imagenet
from vigibati.training.resume import enter
from vigibati.training.trainer import Hardware, Run, fit

_RUNS_FILE = "training.json"


def train(
    recipe: Recipe,
    chips: Sequence[Chip],
    out: Path,
    *,
    start_from: Path | None = None,
    hardware: Hardware = Hardware(),  # noqa: B008 - frozen
    progress: Progress = SILENT,
) -> Checkpoint:
    """Train a network and write it as a checkpoint.

    A run that was interrupted goes on from its last finished epoch when it is called again with
    the same ``out``, and one that is finished stays as it is. The curves lie in ``out/curves.png``,
    their numbers in ``out/log/version_N/metrics.csv``, one N per interruption, and for TensorBoard
    in ``out/tensorboard``. What it was begun with lies in ``out/plan.json``.

    Args:
        recipe: What to train and how.
        chips: All chips; those of split "train" are learnt from, those of split "val" measured.
        out: Folder of the run; the checkpoint itself appears in ``out/checkpoint``.
        start_from: Checkpoint folder whose weights the training starts from; when None, what the
            recipe says.
        hardware: What it runs on.
        progress: Listener.

    Raises:
        InputError: No chip to learn from or to measure on.
        CheckpointError: ``start_from`` does not fit the recipe, or the loss is no finite number.
        SettingsError: The pretrained weights cannot be had, or an earlier call in ``out`` was begun with
            another recipe, other chips or another ``start_from``.
        OutputError: ``out`` cannot be made.
    """
    learnt, measured = _split(recipe, chips)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    module = SegmentationModule(recipe)
    start = None if start_from is None else load_checkpoint(start_from)
    if start is not None:
        _take_over(module, start)
    elif recipe.weights == "imagenet":
        load_imagenet(module.network.get_submodule("encoder"), recipe.encoder)
    data_sha256 = manifest_sha256([chip for chip in chips if chip.source in recipe.sources])
    enter(
        out,
        recipe,
        data_sha256=data_sha256,
        start_sha256=None if start is None else start.contract.weights_sha256,
    )
    started = time.monotonic()
    with measure_energy() as energy, progress.stage("train", recipe.epochs, "epochs") as advance:
        done = fit(module, learnt, measured, out, hardware=hardware, advance=advance)
    folder = out / "checkpoint"
    if done.leads and (done.first is not None or not (folder / _RUNS_FILE).is_file()):
        save_checkpoint(module.network.eval(), _contract(recipe, learnt, data_sha256), folder)
        # A bare GPU machine trains without it; the numbers lie beside.
        if find_spec("matplotlib"):
            from vigibati.training.learning_curves import draw_curves  # noqa: PLC0415

            draw_curves(out / "log", out / "curves.png")
        spent = {
            "device": hardware.accelerator,
            "devices": hardware.devices,
            "minutes": round((time.monotonic() - started) / 60, 1),
            "energy_kwh": None if energy.result is None else round(energy.result.kwh, 4),
            "energy_method": "not measured" if energy.result is None else energy.result.method,
        }
        _write_runs(folder, recipe, done, start, spent)
    # The others would look for a checkpoint that is not there yet.
    done.wait()
    return load_checkpoint(folder)


def _write_runs(
    folder: Path, recipe: Recipe, done: Run, start: Checkpoint | None, spent: Mapping[str, object]
) -> None:
    run = {
        "recipe": recipe.name,
        "weights": recipe.weights if start is None else start.contract.name,
        # What an interrupted run spent before its resumption was not seen by this process.
        "from_epoch": done.last if done.first is None else done.first,
        "to_epoch": done.last,
        **spent,
    }
    runs = [*([] if start is None else read_runs(start.folder)), run]
    with whole_file(folder / _RUNS_FILE) as temporary:
        temporary.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


def read_runs(folder: Path) -> list[dict[str, object]]:
    """Return the training runs that led to a checkpoint, oldest first; none where none are recorded."""
    path = folder / _RUNS_FILE
    runs: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return runs


def _take_over(module: SegmentationModule, checkpoint: Checkpoint) -> None:
    try:
        module.network.load_state_dict(checkpoint.network.state_dict())
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            checkpoint.folder, f"does not fit the recipe ({first})", "take a recipe of the same network"
        ) from error


def _split(recipe: Recipe, chips: Sequence[Chip]) -> tuple[list[Chip], list[Chip]]:
    used = [chip for chip in chips if chip.source in recipe.sources]
    learnt = [chip for chip in used if chip.split == "train"]
    measured = [chip for chip in used if chip.split == "val"]
    for split, members in (("train", learnt), ("val", measured)):
        if not members:
            there = ", ".join(sorted({chip.source for chip in chips if chip.split == split})) or "none"
            cause = f"names no source with chips of split '{split}' (there are such of: {there})"
            cure = "add a source to it, such as our_town: {weight: 1, labels: [building]}, or a manifest"
            raise InputError(f"recipe '{recipe.name}'", cause, cure)
    return learnt, measured


def _contract(recipe: Recipe, learnt: Sequence[Chip], data_sha256: str) -> ModelContract:
    total = sum(source.weight for source in recipe.sources.values())
    sources = []
    for name, source in recipe.sources.items():
        own = [chip for chip in learnt if chip.source == name]
        pixels = sum(mask.size for mask in (chip.read_mask() for chip in own))
        sources.append(
            TrainingSource(
                name=name,
                chips=len(own),
                megapixels=round(pixels / 1e6, 3),
                share=round(source.weight / total, 4),
            )
        )
    return ModelContract(
        name=recipe.name,
        architecture=recipe.architecture,
        encoder=recipe.encoder,
        decoder_channels=recipe.decoder_channels,
        bands=("red", "green", "blue"),
        mean=recipe.mean,
        std=recipe.std,
        gsd_m=recipe.gsd_m,
        class_names=recipe.class_names,
        contour=recipe.contour_weight > 0,
        thresholds=tuple(0.5 for _ in recipe.class_names),
        margin_px=recipe.margin_px,
        sources=tuple(sources),
        data_sha256=data_sha256,
        weights_sha256="0" * 64,
        trained_with=version("vigibati"),
        recipe=recipe.name,
    )
