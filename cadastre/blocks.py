"""What is left of each block's shift when the smooth field of its sheet is taken off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from vigibati.cadastre.fit import WallMatcher, huber, robust_scale, tukey
from vigibati.cadastre.outlines import WallPoints
from vigibati.cadastre.pairing import Geometries, near_pairs

_TOUCHING_M = 0.3
_GATES_M = (2.0, 1.6, 1.3, 1.0, 1.0, 1.0)
_TUKEY_ROUNDS = 3
_SHIFT_PRIOR_M = 0.3
_OVERHANG_PRIOR_M = 0.2
_AGREES_M = 1.0
_SHEET_SAYS = 4.0
# A block of which less than this share of the walls fits starts elsewhere too, if half of its walls have
# footprints in reach, and moves there if that share then fits, and more of it by the gain.
_DOUBT = 0.5
_GAIN = 0.2
_FAR_M = 3.0
_STARTS = 8
_START_M = 1.5
_MOST_M = 2.0
_LIKENESS_M = 0.5


@dataclass(frozen=True, slots=True)
class BlockFits:
    """One row per block of a sheet.

    Attributes:
        own_m: (n, 2) shift of the block beside that of its sheet.
        overhang_m: (n,) how far its footprints reach beyond its records.
        residual_m: (n,) root mean square of the distances left along its walls, drawn towards that of
            the sheet as if four walls spoke for it.
        support: (n,) number of walls that lie within 1 m of their match.
        share: (n,) the same as a share of all its walls.
    """

    own_m: NDArray[np.float64]
    overhang_m: NDArray[np.float64]
    residual_m: NDArray[np.float64]
    support: NDArray[np.float64]
    share: NDArray[np.float64]


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
) -> BlockFits:
    """Fit a shift and an overhang of its own to each block, held at those of its sheet.

    Blocks are drawn one by one, and stand off their neighbours by some 0.3 m. Left in a smooth field
    that is 0.6 m in the worst twentieth, with a shift of its own 0.2 m.

    Args:
        matcher: Walls of the footprints.
        walls: Walls of the sheet's records, not moved.
        field_m: (n, 2) displacement of each wall by the sheet's shift and field.
        overhang_m: Of the sheet.
        count: Number of blocks; some may have no wall that is long enough.
    """
    return _judged(
        matcher, walls, field_m, overhang_m, _best(matcher, walls, field_m, overhang_m, count=count)
    )


def _best(
    matcher: WallMatcher, walls: WallPoints, field_m: NDArray[np.float64], overhang_m: float, *, count: int
) -> NDArray[np.float64]:
    """Return (count, 3) shift and overhang; blocks that do not fit where they are start elsewhere too."""
    best = _solved(matcher, walls, field_m, overhang_m, np.zeros((count, 2)))
    score = _scores(matcher, walls, field_m, overhang_m, best)
    total = _total(walls, walls.weights, count)
    _, near = matcher.gaps(walls, field_m, _FAR_M)
    reached = _total(walls, walls.weights * near, count)
    doubtful = (score < _DOUBT * total) & (reached >= _DOUBT * total)
    mine = doubtful[walls.blocks]
    if not mine.any():
        return best
    asked = walls.only(mine)
    bar = np.maximum(score + _GAIN * total, _DOUBT * total)
    for angle in np.arange(_STARTS) * (2 * np.pi / _STARTS):
        start = np.tile(_START_M * np.array([np.cos(angle), np.sin(angle)]), (count, 1))
        tried = _solved(matcher, asked, field_m[mine], overhang_m, start)
        then = _scores(matcher, asked, field_m[mine], overhang_m, tried)
        better = doubtful & (then > bar) & (np.hypot(*tried[:, :2].T) <= _MOST_M)
        best[better], bar[better] = tried[better], then[better]
    return best


def _solved(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    start_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    block, count = walls.blocks, len(start_m)
    design = np.column_stack([walls.normals, np.ones(len(block))])
    unknowns = np.column_stack([start_m, np.zeros(count)])
    for round_, gate_m in enumerate(_GATES_M):
        gap, matched = matcher.gaps(walls, field_m + unknowns[block, :2], gate_m)
        residual = gap - overhang_m - unknowns[block, 2]
        scale = robust_scale(residual[matched])
        robust = tukey if round_ >= len(_GATES_M) - _TUKEY_ROUNDS else huber
        weight = np.where(matched, walls.weights * robust(residual / scale), 0.0) / scale**2
        target = residual + (design * unknowns[block]).sum(axis=1)
        left = _summed(design[:, :, np.newaxis] * design[:, np.newaxis], weight, block, count)
        right = _summed(design, weight * target, block, count)
        # A shift that walls agree on is pulled back less the larger it is.
        far = (unknowns[:, :2] ** 2).sum(axis=1) / (2 * _SHIFT_PRIOR_M) ** 2
        left[:, [0, 1], [0, 1]] += (1 / _SHIFT_PRIOR_M**2 / (1 + far))[:, np.newaxis]
        left[:, 2, 2] += 1 / _OVERHANG_PRIOR_M**2
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
    return _total(walls, walls.weights * likeness, len(unknowns))


def _judged(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    unknowns: NDArray[np.float64],
) -> BlockFits:
    block, count = walls.blocks, len(unknowns)
    gap, matched = matcher.gaps(walls, field_m + unknowns[block, :2], _AGREES_M)
    residual = np.where(matched, np.abs(gap - overhang_m - unknowns[block, 2]), np.inf)
    agrees = residual <= _AGREES_M
    weight = walls.weights * agrees
    square = np.where(agrees, residual, 0.0) ** 2
    support = _total(walls, weight, count)
    sheet = float((weight * square).sum() / max(weight.sum(), np.finfo(float).tiny))
    mean = (_total(walls, weight * square, count) + _SHEET_SAYS * sheet) / (support + _SHEET_SAYS)
    return BlockFits(
        own_m=unknowns[:, :2],
        overhang_m=overhang_m + unknowns[:, 2],
        residual_m=np.sqrt(mean),
        support=support,
        share=support / np.maximum(_total(walls, walls.weights, count), 1.0),
    )


def _total(walls: WallPoints, values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the sum of a value per wall of each block."""
    return np.bincount(walls.blocks, values, minlength=count).astype(np.float64)


def _summed(
    values: NDArray[np.float64], weight: NDArray[np.float64], block: NDArray[np.intp], count: int
) -> NDArray[np.float64]:
    """Return the weighted sum of the values, (n, ...), of each block."""
    flat = values.reshape(len(values), -1).T
    sums = [np.bincount(block, weight * column, minlength=count) for column in flat]
    return np.stack(sums, axis=-1).astype(np.float64).reshape(count, *values.shape[1:])
