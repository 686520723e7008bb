"""Whole chips for measuring: no random change, one ground size, padded to what networks accept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from vigibati.configs.contract import STRIDE_PX
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.datasets.chips.training_chips import Sample, labelled


class ValidationChips(Dataset[Sample]):
    """Each chip once, resampled to the recipe's ground size; the padding is unknown."""

    def __init__(self, chips: Sequence[Chip], recipe: Recipe) -> None:
        self._chips = tuple(chips)
        self._recipe = recipe

    def __len__(self) -> int:
        return len(self._chips)

    def __getitem__(self, index: int) -> Sample:
        """Return chip ``index``."""
        chip = self._chips[index]
        image = tv_tensors.Image(torch.from_numpy(chip.read_image().copy()).permute(2, 0, 1))  # (3, H, W)
        mask = tv_tensors.Mask(torch.from_numpy(chip.read_mask()))  # (H, W)
        if chip.gsd_m != self._recipe.gsd_m:
            scale = chip.gsd_m / self._recipe.gsd_m
            size_px = [max(1, round(side * scale)) for side in mask.shape]
            image, mask = v2.Resize(size_px, antialias=True)(image, mask)
        labels = self._recipe.sources[chip.source].labels
        sample = labelled(image, mask, self._recipe.class_names, labels)
        return _padded(sample)


def _padded(sample: Sample) -> Sample:
    height, width = sample.image.shape[-2:]
    right, bottom = -width % STRIDE_PX, -height % STRIDE_PX
    if not (right or bottom):
        return sample
    # Not by torch, which refuses to mirror what is narrower than the padding.
    image = np.pad(sample.image.numpy(), ((0, 0), (0, bottom), (0, right)), mode="reflect")
    return Sample(
        torch.from_numpy(image),
        functional.pad(sample.target, (0, right, 0, bottom)),
        functional.pad(sample.label_weight, (0, right, 0, bottom)),
    )
