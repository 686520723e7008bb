from __future__ import annotations

from collections.abc import Callable

import pytest

from vigibati.configs.recipe import Recipe, SourceRecipe


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """A small recipe; its sources are one town unless others are given."""

    def make(**sources: SourceRecipe) -> Recipe:
        return Recipe(
            name="tiny",
            architecture="unet",
            encoder="resnet18",
            class_names=("building", "pool"),
            gsd_m=0.2,
            margin_px=0,
            crop_px=32,
            batch_size=4,
            steps_per_epoch=25,
            epochs=1,
            learning_rate=1e-3,
            weight_decay=0,
            ema_decay=0.5,
            seed=1,
            sources=sources or {"town": SourceRecipe(weight=1, labels=("building",))},
        )

    return make
