"""Agreement of two masks along their contours."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vigibati.training.metrics.bootstrap import Counts, figure, interval, ratio

DISTANCE_M: Final = 0.6
"""Width of the strip along a contour: three pixels at 20 cm, what a wall may be off before a planner
sees it."""
DIAGONAL_SHARE: Final = 0.02
"""The width that Cheng et al. 2021 propose, of the diagonal of the image: figures with it can be held
against published ones, which it makes larger."""


def boundary_counts(found: NDArray[np.bool_], truth: NDArray[np.bool_], gsd_m: float) -> NDArray[np.int64]:
    """Count what the strips inside two contours share, and what they cover together.

    Boundary IoU after Cheng, Girshick, Dollár, Berg, Kirillov: Boundary IoU, CVPR 2021: of each
    mask only the pixels within a distance of its contour, measured along the chessboard as their
    erosion does. Other than with them the edge of a chip is no contour: where it cuts a
    building, both masks would share it by nature.

    Args:
        found: (H, W).
        truth: (H, W).
        gsd_m: Metres per pixel.

    Returns:
        (2, 2): for the strip of 0.6 m and for that of 2 % of the diagonal, pixels shared and
        pixels covered.
    """
    of_found, of_truth = _depths(found), _depths(truth)
    widths_px = (DISTANCE_M / gsd_m, DIAGONAL_SHARE * math.hypot(*found.shape))
    counts = []
    for width_px in (max(1, round(width)) for width in widths_px):
        one, other = ((depths > 0) & (depths <= width_px) for depths in (of_found, of_truth))
        counts.append((np.count_nonzero(one & other), np.count_nonzero(one | other)))
    return np.array(counts)


def boundary_figures(per_chip: NDArray[np.int64]) -> dict[str, object]:
    """Return the figures of (N, 2, 2) counts; None where there is no contour."""
    narrow, wide = per_chip.sum(axis=0)
    return {
        "distance_m": DISTANCE_M,
        "iou": figure(_iou(narrow)),
        "iou_ci": interval(_iou, per_chip[:, 0]),
        "iou_2_percent": figure(_iou(wide)),
    }


def _depths(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return for each pixel of a mask how many pixels it lies inside the contour, from 1; 0 outside."""
    if mask.all():
        # No contour at all: everything is deeper than any strip.
        return np.full(mask.shape, np.iinfo(np.int32).max, dtype=np.int32)
    depths: NDArray[np.int32] = ndimage.distance_transform_cdt(mask, metric="chessboard")
    return depths


def _iou(counts: Counts) -> Counts:
    return ratio(counts[..., 0], counts[..., 1])
