"""Where each block is looked for: its shift when the smooth field of its sheet is taken off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from vigibati.cadastre.overlap import Geometries, near_pairs
from vigibati.cadastre.registration.schur_solvers import OVERHANG_SPREAD_M
from vigibati.cadastre.registration.sums import summed
from vigibati.cadastre.registration.wall_matching import WallMatcher, huber, robust_scale
from vigibati.cadastre.registration.wall_points import WallPoints

_TOUCHING_M = 0.3
_GATES_M = (2.0, 1.6, 1.3, 1.0)
_SHIFT_PRIOR_M = 0.3
_AGREES_M = 1.0
# A block of which less than this share of the walls fits starts elsewhere too, if half of its walls have
# footprints in reach, and moves there if that share then fits, and more of it by the gain.
_DOUBT = 0.5
_GAIN = 0.2
# A block of which less than this share fits in the end stays within so many metres: a shed that is gone would
# settle on the house behind it.
_TRUST = 0.5
_NEAR_M = 0.6
_FAR_M = 3.0
_STARTS = 8
_START_M = 1.5
_MOST_M = 2.0
_LIKENESS_M = 0.5


def blocks_of(geometries: Geometries) -> NDArray[np.intp]:
    """Return the block of each polygon: those that touch, to 0.3 m, are drawn and moved together."""
    pairs = near_pairs(geometries, geometries, distance_m=_TOUCHING_M)
    graph = sparse.coo_array(
        (np.ones(len(pairs.left)), (pairs.left, pairs.right)),
        shape=(len(geometries), len(geometries)),
    )
    block: NDArray[np.intp] = connected_components(graph, directed=False)[1].astype(np.intp)
    return block


def fit_blocks(
    matcher: WallMatcher, walls: WallPoints, field_m: NDArray[np.float64], overhang_m: float, *, count: int
) -> NDArray[np.float64]:
    """Fit a shift and an overhang of its own to each block, held at those of its sheet.

    Blocks are drawn one by one, and stand off their neighbours by some 0.3 m. Left in a smooth field
    that is 0.6 m in the worst twentieth, with a shift of its own 0.2 m. Blocks that do not fit where they
    are start elsewhere too.

    Args:
        matcher: Walls of the footprints.
        walls: Walls of the sheet's records, not moved.
        field_m: (n, 2) displacement of each wall by the sheet's shift and field.
        overhang_m: Of the sheet.
        count: Number of blocks; some may have no wall that is long enough.

    Returns:
        (count, 2) shift of each block beside its sheet.
    """
    best = _solved(matcher, walls, field_m, overhang_m, np.zeros((count, 2)))
    score = _scores(matcher, walls, field_m, overhang_m, best)
    total = summed(walls.weights, walls.blocks, count=count)
    _, near = matcher.gaps(walls, field_m, _FAR_M)
    reached = summed(walls.weights * near, walls.blocks, count=count)
    doubtful = (score < _DOUBT * total) & (reached >= _DOUBT * total)
    mine = doubtful[walls.blocks]
    asked = walls.only(mine)
    bar = np.maximum(score + _GAIN * total, _DOUBT * total)
    for angle in np.arange(_STARTS if mine.any() else 0) * (2 * np.pi / _STARTS):
        start = np.tile(_START_M * np.array([np.cos(angle), np.sin(angle)]), (count, 1))
        tried = _solved(matcher, asked, field_m[mine], overhang_m, start)
        then = _scores(matcher, asked, field_m[mine], overhang_m, tried)
        better = doubtful & (then > bar) & (np.hypot(*tried[:, :2].T) <= _MOST_M)
        best[better], bar[better], score[better] = tried[better], then[better], then[better]
    believed = (score >= _TRUST * total) | (np.hypot(*best[:, :2].T) <= _NEAR_M)
    return np.where(believed[:, np.newaxis], best[:, :2], 0.0)


def _solved(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    start_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    block, count = walls.blocks, len(start_m)
    design = np.column_stack([walls.normals, np.ones(len(block))])
    products = design[:, :, np.newaxis] * design[:, np.newaxis]
    unknowns = np.column_stack([start_m, np.zeros(count)])
    for gate_m in _GATES_M:
        gap, matched = matcher.gaps(walls, field_m + unknowns[block, :2], gate_m)
        residual = gap - overhang_m - unknowns[block, 2]
        scale = robust_scale(residual[matched])
        weight = np.where(matched, walls.weights * huber(residual / scale), 0.0) / scale**2
        target = residual + (design * unknowns[block]).sum(axis=1)
        left = summed(weight[:, np.newaxis, np.newaxis] * products, block, count=count)
        right = summed((weight * target)[:, np.newaxis] * design, block, count=count)
        # A shift that walls agree on is pulled back less the larger it is.
        far = (unknowns[:, :2] ** 2).sum(axis=1) / (2 * _SHIFT_PRIOR_M) ** 2
        left[:, [0, 1], [0, 1]] += (1 / _SHIFT_PRIOR_M**2 / (1 + far))[:, np.newaxis]
        left[:, 2, 2] += 1 / OVERHANG_SPREAD_M**2
        unknowns = np.linalg.solve(left, right[:, :, np.newaxis])[:, :, 0]
    return unknowns


def _scores(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    unknowns: NDArray[np.float64],
) -> NDArray[np.float64]:
    gap, matched = matcher.gaps(walls, field_m + unknowns[walls.blocks, :2], _AGREES_M)
    residual = gap - overhang_m - unknowns[walls.blocks, 2]
    likeness = np.where(matched, np.exp(-2 * (residual / _LIKENESS_M) ** 2), 0.0)
    return summed(walls.weights * likeness, walls.blocks, count=len(unknowns))
