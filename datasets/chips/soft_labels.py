"""Labels as uncertain as their source: where walls may lie, what may be there, what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy import ndimage
from scipy.special import ndtr

from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE
from vigibati.datasets.grid import PixelGrid, Window

_Planes = NDArray[np.uint8]
# Farther out a normal distribution holds less than 1 in 40 of its chance.
_DEVIATIONS = 2.0
# Walls just beyond the edge of a piece have a say in it.
_PAD_M = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of one class, in the CRS of the image.

    Attributes:
        present: (N,) outlines of what is there.
        sigma_m: (N,) standard deviation of where their walls lie.
        weight: (N,) how much each counts.
        possible: (M,) outlines of what a model sees and nobody records.
        chance: (M,) how likely each is there, 0-1.
        possible_weight: How much these count.
        absent: (K,) outlines in which nothing is there, by a person's decision.
        absent_weight: How much these count.
    """

    present: NDArray[np.object_]
    sigma_m: NDArray[np.float64]
    weight: NDArray[np.float64]
    possible: NDArray[np.object_]
    chance: NDArray[np.float64]
    possible_weight: float
    absent: NDArray[np.object_]
    absent_weight: float


def soft_labels(grid: PixelGrid, window: Window, evidence: Evidence) -> tuple[_Planes, _Planes]:
    """Return how likely each pixel of a window is of a class, and how much that counts.

    The wall of an outline lies where it is drawn, give or take a normal error: a pixel at the signed
    distance d beyond it is inside with probability Φ(-d / σ), σ being that of the nearest outline.
    Beyond two σ what is only possible takes its chance, and what a person found absent is 0.

    Args:
        grid: Of the image.
        window: A part of it.
        evidence: Of the class.

    Returns:
        (H, W) target, 200 = certainly there, and (H, W) weight, 50 = 1.
    """
    pad = max(1, round(_PAD_M / grid.gsd_m))
    wide = Window(window.col - pad, window.row - pad, window.width + 2 * pad, window.height + 2 * pad)
    near = _near(grid, wide, evidence.present)
    owner = _burnt(grid, wide, evidence.present, near, np.arange(1, len(near) + 1))
    target = np.zeros(owner.shape)
    weight = np.ones(owner.shape)
    undecided = np.ones(owner.shape, dtype=np.bool_)
    if owner.any():
        beyond_m, nearest = _signed_distance_m(owner, grid.gsd_m)
        sigma_m = evidence.sigma_m[near][nearest]
        target = ndtr(-beyond_m / sigma_m)
        undecided = beyond_m > _DEVIATIONS * sigma_m
        weight = np.where(undecided, 1.0, evidence.weight[near][nearest])
    seen = _near(grid, wide, evidence.possible)
    # What is more likely is burnt last, and stays.
    seen = seen[np.argsort(evidence.chance[seen], kind="stable")]
    number = _burnt(grid, wide, evidence.possible, seen, np.arange(1, len(seen) + 1))
    possible = (number > 0) & undecided
    target[possible] = evidence.chance[seen][number[possible] - 1]
    weight[possible] = evidence.possible_weight
    gone = _near(grid, wide, evidence.absent)
    absent = _burnt(grid, wide, evidence.absent, gone, np.ones(len(gone), dtype=np.intp)) > 0
    target[absent], weight[absent] = 0, evidence.absent_weight
    inner = (slice(pad, -pad), slice(pad, -pad))
    return _stored(target[inner], TARGET_SCALE), _stored(weight[inner], WEIGHT_SCALE)


def burnt(grid: PixelGrid, window: Window, outlines: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return which pixels of a window have their centre in any of the outlines, (H, W)."""
    near = _near(grid, window, outlines)
    return _burnt(grid, window, outlines, near, np.ones(len(near), dtype=np.intp)) > 0


def _near(grid: PixelGrid, window: Window, outlines: NDArray[np.object_]) -> NDArray[np.intp]:
    if not len(outlines):
        return np.zeros(0, dtype=np.intp)
    ground = shapely.box(*grid.part(window).bounds)
    return np.flatnonzero(shapely.intersects(outlines, ground))


def _burnt(
    grid: PixelGrid,
    window: Window,
    outlines: NDArray[np.object_],
    chosen: NDArray[np.intp],
    values: NDArray[np.intp],
) -> NDArray[np.int32]:
    size = (window.height, window.width)
    if not len(chosen):
        return np.zeros(size, dtype=np.int32)
    shapes = zip(outlines[chosen], values.tolist(), strict=True)
    corner = grid.transform @ Affine.translation(window.col, window.row)
    return np.asarray(rasterize(shapes, out_shape=size, transform=corner, dtype="int32"))


def _signed_distance_m(
    owner: NDArray[np.int32], gsd_m: float
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return how far each pixel lies beyond the nearest wall, less than 0 inside, and whose wall it is."""
    inside = owner > 0
    outward, (rows, cols) = ndimage.distance_transform_edt(~inside, return_indices=True)
    inward = ndimage.distance_transform_edt(inside)
    # The wall runs half a pixel before the centre of the first pixel on either side.
    beyond_px = np.where(inside, 0.5 - inward, outward - 0.5)
    return beyond_px * gsd_m, (owner[rows, cols] - 1).astype(np.intp)


def _stored(values: NDArray[np.float64], one: int) -> _Planes:
    return np.rint(values * one).clip(0, 255).astype(np.uint8)
