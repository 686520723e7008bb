"""Trains every recipe equally long and compares accuracy, speed and size.

The budget is small and the same for all, so that the figures rank architectures; they say nothing
about what each reaches in the end. Writes benchmarks/results/architectures.json.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.manifest import Chip, read_manifests
from vigibati.inference.checkpoint import Checkpoint
from vigibati.inference.device import Device, choose_device
from vigibati.inference.predictor import Predictor
from vigibati.training.evaluate import evaluate
from vigibati.training.loop import Hardware
from vigibati.training.train import train

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "architectures.json"
_WINDOW_PX = 1024
_REPEATS = 5


def main() -> None:
    """Train, measure and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipes", nargs="+", type=Path)
    parser.add_argument("--data", action="append", type=Path, required=True, help="manifest of chips")
    parser.add_argument("--runs", type=Path, required=True, help="folder for the runs; resumed if it exists")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    device, chips = choose_device(given.device), read_manifests(given.data)
    compared = [_compared(path, chips, given.runs, given.steps, device) for path in given.recipes]
    result = {
        "steps": given.steps,
        "device": str(device),
        "cores": os.cpu_count(),
        "window_px": _WINDOW_PX,
        "networks": compared,
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _compared(path: Path, chips: list[Chip], runs: Path, steps: int, device: torch.device) -> dict[str, Any]:
    # Equal crops and batches, or the budget would not be the same.
    budget = {"epochs": 1, "steps_per_epoch": steps, "crop_px": 256, "batch_size": 8, "ema_decay": 0.98}
    recipe = Recipe.read(path).model_copy(update=budget)
    weights = recipe.weights
    try:
        made = train(recipe, chips, runs / recipe.name, hardware=Hardware(device.type, workers=0))
    except SettingsError:
        # Where ImageNet's weights are out of reach the row says so.
        weights = "none"
        recipe = recipe.model_copy(update={"weights": weights})
        made = train(recipe, chips, runs / recipe.name, hardware=Hardware(device.type, workers=0))
    sources = evaluate(made, recipe, chips)["sources"]
    return {
        "recipe": recipe.name,
        "architecture": recipe.architecture,
        "encoder": recipe.encoder,
        "weights": weights,
        "megabytes": round((made.folder / "model.safetensors").stat().st_size / 1e6, 1),
        "mpx_per_s": round(_mpx_per_s(made, device), 2),
        "building_iou": {
            name: of["classes"]["building"]["pixels"]["iou"]
            for name, of in sources.items()  # type: ignore[attr-defined]
        },
    }


def _mpx_per_s(checkpoint: Checkpoint, device: torch.device) -> float:
    predictor = Predictor(checkpoint, Device(device))
    window = np.random.default_rng(7).integers(0, 255, (3, _WINDOW_PX, _WINDOW_PX), dtype=np.uint8)
    seconds = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        predictor.predict(window[None])
        seconds.append(time.perf_counter() - started)
    return _WINDOW_PX**2 / 1e6 / min(seconds)


if __name__ == "__main__":
    main()
