"""A checkpoint that goes on learning: the recipe for it, and how long a step takes here."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import torch

from vigibati.configs.adaptation import Adaptation
from vigibati.configs.contract import ModelContract
from vigibati.configs.recipe import Recipe, SourceRecipe
from vigibati.datasets.chips.training_chips import Sample
from vigibati.training.module import SegmentationModule

_WARM_UP, _TIMED = 1, 4


def finetuning(
    contract: ModelContract,
    settings: Adaptation,
    *,
    name: str,
    sources: Mapping[str, float],
    labels: Sequence[str],
    steps: int,
) -> Recipe:
    """Return the recipe by which a checkpoint learns from one more source.

    Args:
        contract: Of the checkpoint that it starts from.
        settings: How it learns.
        name: Of the recipe and of the model.
        sources: Sampling weight of each source of chips.
        labels: Classes that its masks hold; soft labels speak for themselves.
        steps: Length; rounded up to whole epochs.
    """
    epochs = -(-steps // settings.steps_per_epoch)
    return Recipe(
        name=name,
        architecture=contract.architecture,
        encoder=contract.encoder,
        mean=contract.mean,
        std=contract.std,
        decoder_channels=contract.decoder_channels,
        class_names=contract.class_names,
        contour_weight=settings.contour_weight if contract.contour else 0,
        small_object_weight=settings.small_object_weight,
        gsd_m=contract.gsd_m,
        margin_px=contract.margin_px,
        crop_px=settings.crop_px,
        batch_size=settings.batch_size,
        steps_per_epoch=settings.steps_per_epoch,
        epochs=epochs,
        validate_every=epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        ema_decay=settings.ema_decay,
        seed=settings.seed,
        sources={
            source: SourceRecipe(weight=weight, labels=tuple(labels)) for source, weight in sources.items()
        },
        augmentation=settings.augmentation,
    )


def seconds_per_step(recipe: Recipe, device: torch.device) -> float:
    """Time some training steps on made-up pixels, in seconds each."""
    module = SegmentationModule(recipe).to(device)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-6)
    size, classes = (recipe.crop_px, recipe.crop_px), len(recipe.class_names)
    batch = Sample(
        torch.randint(0, 256, (recipe.batch_size, len(recipe.mean), *size), dtype=torch.uint8, device=device),
        torch.zeros(recipe.batch_size, classes, *size, device=device),
        torch.ones(recipe.batch_size, classes, *size, device=device),
    )
    started = time.perf_counter()
    for step in range(_WARM_UP + _TIMED):
        if step == _WARM_UP:
            started = time.perf_counter()
        torch.autograd.backward(module.loss(batch))
        optimizer.step()
        optimizer.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return (time.perf_counter() - started) / _TIMED
