"""Chips of bright squares on dark ground, a recipe small enough for seconds, and no meter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip

GSD_M = 0.5


@pytest.fixture(autouse=True)
def _no_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """Maker of recipes that differ from the usual one."""

    def make(**changes: Any) -> Recipe:
        values: dict[str, Any] = {
            "name": "tiny",
            "architecture": "unet",
            "encoder": "mobilenet_v2",
            "decoder_channels": (4,) * 5,
            "class_names": ("building", "pool"),
            "gsd_m": GSD_M,
            "margin_px": 32,
            "crop_px": 32,
            "batch_size": 2,
            "steps_per_epoch": 1,
            "epochs": 2,
            "learning_rate": 0.001,
            "weight_decay": 0.0,
            "ema_decay": 0.5,
            "seed": 7,
            "sources": {
                "barnarp": {"weight": 3.0, "labels": ("building",)},
                "synthetic": {"weight": 1.0, "labels": ("building", "pool")},
            },
        }
        return Recipe.model_validate({**values, **changes})

    return make


@pytest.fixture
def chip(tmp_path: Path) -> Callable[..., Chip]:
    """Writer of one chip of 64 pixels: places are (column, row, width, height)."""
    made: list[Chip] = []

    def write(
        source: str, split: str, *, bright: tuple[tuple[int, ...], ...], classes: tuple[tuple[int, ...], ...]
    ) -> Chip:
        image, mask = np.full((64, 64, 3), 30, dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8)
        for column, row, width, height in bright:
            image[row : row + height, column : column + width] = 210
        for index, column, row, width, height in classes:
            mask[row : row + height, column : column + width] = index
        paths = [tmp_path / f"{what}_{len(made)}.png" for what in ("image", "mask")]
        Image.fromarray(image).save(paths[0])
        Image.fromarray(mask).save(paths[1])
        made.append(Chip(paths[0], paths[1], source, split, GSD_M))
        return made[-1]

    return write


@pytest.fixture
def chips(chip: Callable[..., Chip]) -> list[Chip]:
    """Two sources, each with two chips to learn from and one to measure on."""
    places = ((4, 6, 20, 16), (36, 10, 12, 12), (8, 40, 30, 14))
    made = []
    for source in ("barnarp", "synthetic"):
        for split, place in zip(("train", "train", "val"), places, strict=True):
            made.append(chip(source, split, bright=(place,), classes=((1, *place),)))
    return made
