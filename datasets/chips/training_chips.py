"""Chips as training samples: drawn by source, brought to one ground size, changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from vigibati.configs.recipe import Augmentation, Recipe
from vigibati.datasets.chips.copy_paste import cutouts, paste
from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE, Chip

_SMALL_M2 = 40.0
_AROUND_M = 0.5
_LIKELY = 0.5


class Sample(NamedTuple):
    """One crop, or a batch of them along a leading axis.

    Attributes:
        image: Pixels, (3, H, W) uint8.
        target: 1.0 where the class is there, in between where that is uncertain, (C, H, W) float32.
        label_weight: 1.0 where the target is to be believed, more where it counts more, 0 where it is
            unknown, (C, H, W) float32. A class that a source
            does not label is known only where another class is, because classes exclude each other.

    A named tuple and no frozen dataclass, because Lightning moves batches between devices by
    rebuilding their containers.
    """

    image: torch.Tensor
    target: torch.Tensor
    label_weight: torch.Tensor


def stack(samples: Sequence[Sample]) -> Sample:
    """Collate samples into a batch."""
    return Sample(
        torch.stack([sample.image for sample in samples]),
        torch.stack([sample.target for sample in samples]),
        torch.stack([sample.label_weight for sample in samples]),
    )


class TrainingChips(Dataset[Sample]):
    """Random crops of chips, at the recipe's ground size.

    The random numbers of a sample depend on the seed and its index alone, so that a run can be
    repeated whatever the number of workers.
    """

    def __init__(self, chips: Sequence[Chip], recipe: Recipe) -> None:
        self._chips = tuple(chips)
        self._recipe = recipe
        self._colour = _colour(recipe.augmentation)
        donor = recipe.augmentation.paste_from
        self._cutouts = cutouts([chip for chip in chips if chip.source == donor])

    def __len__(self) -> int:
        return len(self._chips)

    def __getitem__(self, key: int) -> Sample:
        """Return the sample of draw ``key // len(self)`` of chip ``key % len(self)``."""
        generator = np.random.default_rng((self._recipe.seed, key))
        torch.manual_seed(int(generator.integers(2**62)))
        chip = self._chips[key % len(self._chips)]
        side_px = self._side_px(chip, generator)
        pixels = _widened(chip.read_image(), side_px, axes=(0, 1))
        image = tv_tensors.Image(torch.from_numpy(pixels).permute(2, 0, 1))  # (3, H, W)
        soft = chip.soft is not None
        read = _widened(chip.read_soft() if soft else chip.read_mask(), side_px, axes=(-2, -1))
        mask = tv_tensors.Mask(torch.from_numpy(read))  # (H, W), of soft labels (2 * classes, H, W)
        image, mask = self._geometry(side_px)(image, mask)
        if not soft:
            image, mask = self._pasted(image, mask, generator)
        quarter_turns = int(generator.integers(4))
        image, mask = (torch.rot90(layer, quarter_turns, (-2, -1)) for layer in (image, mask))
        image = self._colour(image.contiguous())
        labels = self._recipe.sources[chip.source].labels
        sample = (
            _softly_labelled(image, mask) if soft else labelled(image, mask, self._recipe.class_names, labels)
        )
        return emphasised(sample, self._recipe.small_object_weight, self._recipe.gsd_m)

    def _pasted(
        self, image: torch.Tensor, mask: torch.Tensor, generator: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chance = self._recipe.augmentation.paste_probability
        # In woods and fields a shed would teach the wrong surroundings.
        if not self._cutouts or not bool(mask.any()) or generator.random() >= chance:
            return image, mask
        cutout = self._cutouts[int(generator.integers(len(self._cutouts)))]
        pixels, classes = paste(
            image.permute(1, 2, 0).numpy(),
            mask.numpy(),
            cutout,
            gsd_m=self._recipe.gsd_m,
            generator=generator,
        )
        return torch.from_numpy(pixels).permute(2, 0, 1), torch.from_numpy(classes)

    def _side_px(self, chip: Chip, generator: np.random.Generator) -> int:
        jitter = 1 + generator.uniform(-1, 1) * self._recipe.augmentation.scale
        return max(32, round(self._recipe.crop_px * self._recipe.gsd_m / chip.gsd_m * jitter))

    def _geometry(self, side_px: int) -> v2.Transform:
        return v2.Compose(
            [
                v2.RandomCrop(side_px),
                v2.Resize((self._recipe.crop_px, self._recipe.crop_px), antialias=True),
                v2.RandomHorizontalFlip(),
            ]
        )


def _widened(values: NDArray[np.uint8], side_px: int, *, axes: tuple[int, int]) -> NDArray[np.uint8]:
    """Mirror what is narrower than a crop at both its ends, as often as it takes."""
    widths = [(0, 0)] * values.ndim
    for axis in axes:
        widths[axis] = (max(0, side_px - values.shape[axis]),) * 2
    # Torch and torchvision mirror once and refuse what is narrower than its own margin.
    return np.pad(values, widths, mode="reflect")


def labelled(
    image: torch.Tensor, mask: torch.Tensor, class_names: Sequence[str], labels: Sequence[str]
) -> Sample:
    """Turn class indices into one target plane per class.

    Args:
        image: (3, H, W) uint8.
        mask: (H, W) class indices, 0 = background.
        class_names: Class of index 1, 2, …
        labels: Classes that the source of the mask labels.
    """
    planes = torch.stack([mask == index for index in range(1, len(class_names) + 1)])  # (C, H, W)
    occupied = planes.any(dim=0)
    label_weight = torch.stack(
        [torch.ones_like(occupied) if name in labels else occupied for name in class_names]
    )
    return Sample(image.as_subclass(torch.Tensor), planes.float(), label_weight.float())


def _softly_labelled(image: torch.Tensor, planes: torch.Tensor) -> Sample:
    """Turn stored soft labels into targets and weights.

    Args:
        image: (3, H, W) uint8.
        planes: (2 * classes, H, W) uint8, target and weight of each class in turn.
    """
    values = planes.as_subclass(torch.Tensor).float()
    return Sample(image.as_subclass(torch.Tensor), values[0::2] / TARGET_SCALE, values[1::2] / WEIGHT_SCALE)


def emphasised(sample: Sample, weight: float, gsd_m: float) -> Sample:
    """Let small objects of the first class count more: in pixels they are next to nothing.

    Args:
        sample: (C, H, W) targets.
        weight: What ``label_weight`` is multiplied by on objects below 40 m² and half a metre around.
        gsd_m: Metres per pixel.
    """
    if weight == 1:
        return sample
    labels, count = ndimage.label(sample.target[0].numpy() >= _LIKELY)
    area_m2 = np.bincount(labels.ravel(), minlength=count + 1) * gsd_m**2
    small = area_m2 < _SMALL_M2
    small[0] = False
    around = ndimage.binary_dilation(small[labels], iterations=max(1, round(_AROUND_M / gsd_m)))
    label_weight = sample.label_weight.clone()
    label_weight[0] *= torch.from_numpy(np.where(around, weight, 1).astype(np.float32))
    return sample._replace(label_weight=label_weight)


def _colour(augmentation: Augmentation) -> v2.Transform:
    return v2.Compose(
        [
            v2.ColorJitter(
                brightness=augmentation.brightness,
                contrast=augmentation.contrast,
                saturation=augmentation.saturation,
                hue=augmentation.hue,
            ),
            v2.RandomApply([v2.GaussianBlur(5, sigma=(0.3, 1.2))], p=augmentation.blur_probability),
            v2.Lambda(partial(_hazed, most=augmentation.haze)),
            v2.RandomApply([v2.Lambda(_without_one_band)], p=augmentation.band_dropout),
        ]
    )


def _hazed(image: torch.Tensor, most: float) -> torch.Tensor:
    """Mix in white light, as a layer of air does."""
    if not most:
        return image
    share = float(torch.rand(()) * most)
    return (image * (1 - share) + 255 * share).to(torch.uint8)


def _without_one_band(image: torch.Tensor) -> torch.Tensor:
    """Replace one band by the mean of the two others, so that no class hangs on a single colour."""
    band = int(torch.randint(3, ()))
    others = [index for index in range(3) if index != band]
    changed = image.clone()
    changed[band] = image[others].float().mean(dim=0).to(torch.uint8)
    return changed
