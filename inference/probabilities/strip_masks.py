"""Which pixels of a probability raster belong to a class, and which lie at an edge of the image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Rows of one class over all columns that are traced, in order from the top without gaps.

    Attributes:
        row: First row, of the whole grid.
        mask: (H, W), True where a pixel belongs to the class.
        values: (H, W), what is averaged over a component.
        edge: (H, W), True where a pixel lies at an edge of the image.
        col: First column, of the whole grid.
    """

    row: int
    mask: NDArray[np.bool_]
    values: NDArray[np.uint8]
    edge: NDArray[np.bool_]
    col: int = 0


def strip_of(around: NDArray[np.uint8], *, threshold: float, row: int, col: int = 0) -> Strip:
    """Return what is traced of a part of a probability raster.

    Args:
        around: (H + 2, W + 2) values, one pixel wider on all sides than the part; NO_IMAGE beyond the raster.
        threshold: Probability from which on a pixel belongs to the class.
        row: First row of the part, of the whole grid.
        col: Its first column.
    """
    values = around[1:-1, 1:-1]
    return Strip(row, threshold_mask(values, threshold), values, near_no_image(around == NO_IMAGE), col)


def threshold_mask(values: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Tell where a probability reaches a threshold.

    Args:
        values: Of a probability raster.
        threshold: 0-1. It is not rounded to the scale of the raster.

    Returns:
        The shape of ``values``; False where there is no image.
    """
    # For whole numbers the same as values >= threshold * PROBABILITY_SCALE, without a detour by float64.
    mask: NDArray[np.bool_] = values >= math.ceil(threshold * PROBABILITY_SCALE)
    mask &= values != NO_IMAGE
    return mask


def near_no_image(no_image: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which pixels are without image, or have a neighbour, diagonals included, that is.

    Args:
        no_image: (H + 2, W + 2), one pixel wider on all sides than what is asked about.

    Returns:
        (H, W).
    """
    if no_image[1:-1, 1:-1].any():
        return _beside(_beside(no_image).T).T
    near = np.zeros((no_image.shape[0] - 2, no_image.shape[1] - 2), dtype=bool)
    # Mostly nothing but the frame is without image, and only the pixels along it are near.
    near[0] = _beside(no_image[0])
    near[-1] |= _beside(no_image[-1])
    near[:, 0] |= _beside(no_image[:, 0])
    near[:, -1] |= _beside(no_image[:, -1])
    return near


def _beside(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell along the first axis what is True or has a neighbour that is; without the two ends."""
    beside: NDArray[np.bool_] = flags[:-2] | flags[1:-1] | flags[2:]
    return beside
