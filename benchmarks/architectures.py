"""Trains every recipe equally long and compares accuracy, speed and size.

The budget is small and the same for all, so that the figures rank networks; they say nothing about
what each reaches in the end. Where only some can start from ImageNet, those are trained from random
weights too, or the start would be ranked and not the network. Writes
benchmarks/results/architectures.json after every network; ``--speed-only`` times the trained ones
of that file again, on a machine that is quiet by then, and changes nothing else in it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, read_manifests
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.model.device import Device, choose_device
from vigibati.inference.model.predictor import Predictor
from vigibati.training.evaluate import evaluate
from vigibati.training.train import train
from vigibati.training.trainer import Hardware

_RESULT: Final = Path(__file__).parents[1] / "benchmarks" / "results" / "architectures.json"
_WINDOW_PX: Final = 1024
_REPEATS: Final = 5
# What an interruption loses at most.
_STEPS_PER_EPOCH: Final = 25


def main() -> None:
    """Train, measure and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipes", nargs="*", type=Path)
    parser.add_argument("--data", action="append", type=Path, default=[], help="manifest of chips")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the runs; gone on with")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, default=_RESULT)
    parser.add_argument("--speed-only", action="store_true", help="time the networks of --out again")
    given = parser.parse_args()
    device = choose_device(given.device)
    if given.speed_only:
        _write(_timed_again(json.loads(given.out.read_text(encoding="utf-8")), given.runs, device), given.out)
        return
    if not (given.recipes and given.data):
        parser.error("give recipes and --data, or --speed-only")
    if given.steps < _STEPS_PER_EPOCH or given.steps % _STEPS_PER_EPOCH:
        parser.error(f"give a multiple of {_STEPS_PER_EPOCH} as --steps")
    networks: list[dict[str, Any]] = []
    for network in _compared(given.recipes, read_manifests(given.data), given.runs, given.steps, device):
        networks.append(network)
        _write({"steps": given.steps, **_machine(device), "networks": networks}, given.out)


def _compared(
    paths: Sequence[Path], chips: list[Chip], runs: Path, steps: int, device: torch.device
) -> Iterator[dict[str, Any]]:
    """Yield the figures of every recipe, and then of those from random weights that began otherwise."""
    # Equal crops and batches, or the budget would not be the same.
    budget = {"epochs": steps // _STEPS_PER_EPOCH, "steps_per_epoch": _STEPS_PER_EPOCH, "ema_decay": 0.98}
    budget |= {"crop_px": 256, "batch_size": 8, "validate_every": steps // _STEPS_PER_EPOCH}
    recipes = [Recipe.read(path).model_copy(update=budget) for path in paths]
    from_random = {recipe.name: recipe.model_copy(update={"weights": "none"}) for recipe in recipes}
    controls = []
    for recipe in recipes:
        try:
            made, started = _trained(recipe, chips, runs, device), recipe
        except SettingsError:
            # ImageNet's weights cannot be had here; anything else will be wrong from random weights too.
            started = from_random[recipe.name]
            made = _trained(started, chips, runs, device)
        if started.weights != "none":
            controls.append(from_random[recipe.name])
        yield _measured(started, made, chips, device)
    for control in controls:
        yield _measured(control, _trained(control, chips, runs, device), chips, device)


def _trained(recipe: Recipe, chips: list[Chip], runs: Path, device: torch.device) -> Checkpoint:
    return train(recipe, chips, runs / _folder(recipe), hardware=Hardware(device.type, workers=0))


def _folder(recipe: Recipe) -> str:
    return f"{recipe.name}_{recipe.weights}_{recipe.epochs * recipe.steps_per_epoch}"


def _measured(recipe: Recipe, made: Checkpoint, chips: list[Chip], device: torch.device) -> dict[str, Any]:
    sources: Any = evaluate(made, recipe, chips, device=device)["sources"]
    return {
        "recipe": recipe.name,
        "architecture": recipe.architecture,
        "encoder": recipe.encoder,
        "weights": recipe.weights,
        "run": _folder(recipe),
        "weights_sha256": made.contract.weights_sha256,
        "megabytes": round((made.folder / "model.safetensors").stat().st_size / 1e6, 1),
        "mpx_per_s": _mpx_per_s(made, device),
        "building_iou": {name: of["classes"]["building"]["pixels"]["iou"] for name, of in sources.items()},
    }


def _timed_again(result: dict[str, Any], runs: Path, device: torch.device) -> dict[str, Any]:
    checkpoints = [load_checkpoint(runs / each["run"] / "checkpoint") for each in result["networks"]]
    for each, checkpoint in zip(result["networks"], checkpoints, strict=True):
        if checkpoint.contract.weights_sha256 != each["weights_sha256"]:
            raise SettingsError(checkpoint.folder, "has other weights than the result", "train it anew")
        each["mpx_per_s"] = _mpx_per_s(checkpoint, device)
    return result | _machine(device)


def _machine(device: torch.device) -> dict[str, Any]:
    return {"device": str(device), "cores": os.cpu_count(), "window_px": _WINDOW_PX}


def _mpx_per_s(checkpoint: Checkpoint, device: torch.device) -> float:
    """Return the best of several runs over one window: what else the machine does only slows it."""
    predictor = Predictor(checkpoint, Device(device))
    window = np.random.default_rng(7).integers(0, 255, (3, _WINDOW_PX, _WINDOW_PX), dtype=np.uint8)
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        predictor.predict(window[None])
        seconds.append(time.perf_counter() - started)
    return round(_WINDOW_PX**2 / 1e6 / min(seconds), 2)


def _write(result: dict[str, Any], out: Path) -> None:
    with whole_file(out) as part:
        part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
