"""Small rendered buildings pasted into real chips: sheds on open ground, extensions on a wall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from vigibati.datasets.chips.manifest import Chip

_BUILDING = 1
_SMALLEST_M2, _LARGEST_M2 = 4.0, 40.0
_TRIES = 12
# Heights of a shed under a sun of 30 to 60 degrees.
_SHADOW_M = (0.8, 3.0)
_SHADE = (0.4, 0.65)
_EDGE_SIGMA_PX = 0.6
_LEAST_LEFT = 0.5


@dataclass(frozen=True, slots=True)
class Cutout:
    """A small building without its surroundings.

    Attributes:
        pixels: (H, W, 3) uint8.
        mask: (H, W), True = roof.
        gsd_m: Metres per pixel.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    gsd_m: float


def cutouts(chips: Sequence[Chip]) -> list[Cutout]:
    """Cut the free-standing small buildings, 4 to 40 m², out of chips with exact masks."""
    return [cutout for chip in chips for cutout in _of_chip(chip)]


def _of_chip(chip: Chip) -> Iterator[Cutout]:
    pixels, labels = chip.read_image(), ndimage.label(chip.read_mask() == _BUILDING)[0]
    height, width = labels.shape
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        rows, cols = place
        mask = labels[place] == number
        inside = rows.start > 0 and cols.start > 0 and rows.stop < height and cols.stop < width
        if inside and _SMALLEST_M2 <= mask.sum() * chip.gsd_m**2 <= _LARGEST_M2:
            yield Cutout(pixels[place].copy(), mask, chip.gsd_m)


def paste(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    cutout: Cutout,
    *,
    gsd_m: float,
    generator: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Put a small building and its shadow into a chip, on open ground or against a wall.

    Args:
        image: (H, W, 3).
        mask: (H, W) class indices, 1 = building.
        cutout: What is pasted, turned and mirrored at random.
        gsd_m: Metres per pixel of the chip.
        generator: Source of every choice.

    Returns:
        Changed copies of both; the arguments themselves where no place was found for it.
    """
    small = _turned(_resized(cutout, gsd_m), generator)
    against = bool(generator.integers(2))
    for _ in range(_TRIES):
        roof = _placed(mask, small, generator, against_wall=against)
        if roof is not None:
            return _blended(image, mask, small, roof, gsd_m=gsd_m, generator=generator)
    return image, mask


@dataclass(frozen=True, slots=True)
class _Roof:
    row: int
    col: int
    mask: NDArray[np.bool_]  # (H, W) of the chip


def _resized(cutout: Cutout, gsd_m: float) -> Cutout:
    height, width = (max(1, round(side * cutout.gsd_m / gsd_m)) for side in cutout.mask.shape)
    pixels = Image.fromarray(cutout.pixels).resize((width, height), Image.Resampling.BILINEAR)
    mask = Image.fromarray(cutout.mask).resize((width, height), Image.Resampling.NEAREST)
    return Cutout(np.asarray(pixels), np.asarray(mask), gsd_m)


def _turned(cutout: Cutout, generator: np.random.Generator) -> Cutout:
    turns, mirrored = int(generator.integers(4)), bool(generator.integers(2))
    pixels, mask = np.rot90(cutout.pixels, turns), np.rot90(cutout.mask, turns)
    if mirrored:
        pixels, mask = pixels[:, ::-1], mask[:, ::-1]
    return Cutout(pixels, mask, cutout.gsd_m)


def _placed(
    mask: NDArray[np.uint8], small: Cutout, generator: np.random.Generator, *, against_wall: bool
) -> _Roof | None:
    height, width = small.mask.shape
    rows, cols = mask.shape[0] - height, mask.shape[1] - width
    if rows < 1 or cols < 1:
        return None
    row, col = int(generator.integers(rows)), int(generator.integers(cols))
    taken = mask > 0
    if against_wall:
        walls = np.argwhere(taken & ~ndimage.binary_erosion(taken))
        if not len(walls):
            return None
        wall = walls[generator.integers(len(walls))]
        row = int(np.clip(wall[0] - generator.integers(height), 0, rows))
        col = int(np.clip(wall[1] - generator.integers(width), 0, cols))
    roof = np.zeros(mask.shape, dtype=np.bool_)
    roof[row : row + height, col : col + width] = small.mask
    overlap = int((roof & taken).sum())
    touching = bool((ndimage.binary_dilation(roof, iterations=2) & taken).any())
    if touching != against_wall or overlap > (1 - _LEAST_LEFT) * small.mask.sum():
        return None
    return _Roof(row, col, roof & ~taken)


def _blended(
    image: NDArray[np.uint8],
    mask: NDArray[np.uint8],
    small: Cutout,
    roof: _Roof,
    *,
    gsd_m: float,
    generator: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    azimuth, length_px = generator.uniform(0, 2 * np.pi), generator.uniform(*_SHADOW_M) / gsd_m
    shadow = np.zeros_like(roof.mask)
    for step in np.arange(1, length_px + 1):
        shift = (round(step * np.sin(azimuth)), round(step * np.cos(azimuth)))
        shadow |= _shifted(roof.mask, *shift)
    shadow &= ~roof.mask
    depth = ndimage.gaussian_filter(shadow.astype(np.float32), _EDGE_SIGMA_PX) * (
        1 - generator.uniform(*_SHADE)
    )
    # Roofs stand above the shadow of a shed, and of pools nothing is known.
    shade = np.where(mask == 0, 1 - depth, 1)
    pasted = image.copy()
    height, width = small.mask.shape
    pasted[roof.row : roof.row + height, roof.col : roof.col + width] = small.pixels
    alpha = ndimage.gaussian_filter(roof.mask.astype(np.float32), _EDGE_SIGMA_PX)[..., None]
    mixed = image * shade[..., None] * (1 - alpha) + pasted * alpha
    changed = mask.copy()
    changed[roof.mask] = _BUILDING
    return mixed.round().clip(0, 255).astype(np.uint8), changed


def _shifted(mask: NDArray[np.bool_], down: int, right: int) -> NDArray[np.bool_]:
    moved = np.zeros_like(mask)
    height, width = mask.shape
    target = moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
    target[:] = mask[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
    return moved
