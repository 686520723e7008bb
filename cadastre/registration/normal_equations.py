"""Robust least squares of walls: their weights, and the normal equations that they add up to.

Each fit goes round the same way (iteratively reweighted least squares): match the walls where they are now,
estimate the scale of what is left, weigh each wall by it, add up the equations of those that walls belong
to, solve. What differs is whose unknowns these are and what holds them: that stands in `block_fit`,
`record_fit` and `warp_fit`. `WallMatcher.refine` has one system for all walls: a plain product of matrices.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.schur_solvers import segment_sum
from vigibati.cadastre.registration.wall_points import WallPoints

_SCALE_FLOOR_M = 0.1


def normal_equations(
    walls: WallPoints, weights: NDArray[np.float64], target_m: NDArray[np.float64], *, count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the normal equations over dx, dy and overhang of each of those that walls belong to.

    Args:
        walls: Their ``blocks`` say to whom they belong.
        weights: (n,) of each wall, in 1/m²: inverse variances, 0 where there is no match.
        target_m: (n,) distance along the normal that the unknowns are to explain.
        count: How many these are; some may have no wall.

    Returns:
        (count, 3, 3) normal matrices, in 1/m², and (count, 3) right-hand sides, in 1/m.
    """
    design = walls.design
    products = design[:, :, np.newaxis] * design[:, np.newaxis]
    normal_matrix = segment_sum(weights[:, np.newaxis, np.newaxis] * products, walls.blocks, count=count)
    rhs = segment_sum((weights * target_m)[:, np.newaxis] * design, walls.blocks, count=count)
    return normal_matrix, rhs


def robust_scale(residual_m: NDArray[np.float64]) -> float:
    """Return the standard deviation estimated by the median absolute residual, at least 0.1 m."""
    if residual_m.size == 0:
        return _SCALE_FLOOR_M
    return max(1.4826 * float(np.median(np.abs(residual_m))), _SCALE_FLOOR_M)


def huber(standardised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Huber weights (95 % efficiency, k = 1.345)."""
    return 1.345 / np.maximum(np.abs(standardised), 1.345)


def tukey(standardised: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Tukey biweights (95 % efficiency, c = 4.685)."""
    weight: NDArray[np.float64] = np.clip(1 - (standardised / 4.685) ** 2, 0, None) ** 2
    return weight
