"""Which pixels of a probability raster belong to a class, and which are near its edges."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vigibati.inference.components import Strip
from vigibati.inference.predictor import CERTAIN, NO_IMAGE


def threshold_mask(values: NDArray[np.uint8], threshold: float) -> NDArray[np.bool_]:
    """Tell where a probability reaches a threshold.

    Args:
        values: Of a probability raster.
        threshold: 0-1. It is not rounded to the scale of the raster.

    Returns:
        The shape of ``values``; False where there is no image.
    """
    # For whole numbers the same as values >= threshold * CERTAIN, and 8 bits wide.
    mask = values >= math.ceil(threshold * CERTAIN)
    mask &= values != NO_IMAGE
    return mask


def near_no_image(no_image: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which pixels are without image, or have a neighbour, diagonals included, that is.

    Args:
        no_image: (H + 2, W + 2), one pixel wider on all sides than what is asked about.

    Returns:
        (H, W).
    """
    near = np.zeros((no_image.shape[0] - 2, no_image.shape[1] - 2), dtype=bool)
    inside = no_image[1:-1, 1:-1].any()
    # Mostly the frame alone is without image, if anything: then it is enough to look along the borders.
    strips = (
        [(slice(None), slice(None))]
        if inside
        else [
            (slice(1), slice(None)),
            (slice(-1, None), slice(None)),
            (slice(None), slice(1)),
            (slice(None), slice(-1, None)),
        ]
    )
    return near
