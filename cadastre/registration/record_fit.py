"""Where each record stands in the image: with its footprint, with its block, and by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.normal_equations import normal_equations, robust_scale, tukey
from vigibati.cadastre.registration.schur_solvers import segment_sum, solve_hierarchical
from vigibati.cadastre.registration.wall_matching import WallMatcher
from vigibati.cadastre.registration.wall_points import WallPoints

_ROUNDS = 3
_GATE_M = 1.5
# Starts are good, and the lean of one roof is no outlier: a wall has a say up to 6.6 standard deviations
# (1.4 times Tukey's constant), and up to 1 m at least.
_TUKEY_WIDENING = 1.4
_LEAST_SCALE_M = 1 / 4.685
_AGREES_M = 1.0
# As many walls as the sheet's residual counts in that of a block.
_SHEET_WALLS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class RecordFits:
    """One row per record of a sheet; all but the first are those of its block.

    Attributes:
        shift_m: (n, 2) shift of the record beside that of its sheet.
        overhang_m: (n,) how far footprints reach beyond records, in the mean over the walls that agree.
        residual_m: (n,) root mean square of the distances left along the walls, drawn towards that of
            the sheet as if four walls spoke for it.
        support: (n,) number of walls that lie within 1 m of their match.
        share: (n,) the same as a share of all walls.
    """

    shift_m: NDArray[np.float64]
    overhang_m: NDArray[np.float64]
    residual_m: NDArray[np.float64]
    support: NDArray[np.float64]
    share: NDArray[np.float64]


def fit_records(
    matcher: WallMatcher,
    walls: WallPoints,
    block: NDArray[np.intp],
    high: NDArray[np.bool_],
    field_m: NDArray[np.float64],
    overhang_m: float,
    start_m: NDArray[np.float64],
) -> RecordFits:
    """Fit a shift and an overhang to each record, held together by what records share.

    Records of one block are drawn together, and so is what the image shows as one building; but the roof of
    a house leans away from the nadir of the image, and the shed beside it does not. See `solve_hierarchical`.

    Args:
        matcher: Walls of the footprints.
        walls: Outer walls of the records, not moved; one block for each record.
        block: (records,) block of each record.
        high: (records,) whether its roof may lean.
        field_m: (n, 2) displacement of each wall by the sheet's shift and field.
        overhang_m: Of the sheet.
        start_m: (records, 2) shift of each record beside that, to begin with.
    """
    owner, count = walls.blocks, len(block)
    group = _groups(matcher, walls.grouped(block), field_m + start_m[owner], int(block.max(initial=-1)) + 1)
    shift_m, own_overhang_m = start_m, np.zeros(count)
    for _ in range(_ROUNDS):
        gap, matched = matcher.gaps(walls, field_m + shift_m[owner], _GATE_M)
        residual = gap - overhang_m - own_overhang_m[owner]
        scale = robust_scale(residual[matched])
        robust_weight = tukey(residual / max(_TUKEY_WIDENING * scale, _LEAST_SCALE_M))
        weights = np.where(matched, walls.weights * robust_weight, 0.0) / scale**2
        target = gap - overhang_m + (walls.normals * shift_m[owner]).sum(axis=1)
        normal_matrix, rhs = normal_equations(walls, weights, target, count=count)
        shift_m, own_overhang_m = solve_hierarchical(normal_matrix, rhs, high, (block, group))
    return _scored(matcher, walls, block, field_m, shift_m, overhang_m, own_overhang_m)


def _groups(
    matcher: WallMatcher, walls: WallPoints, shift_m: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Return the (blocks,) group of each block: those of which most of the walls match one footprint."""
    footprint = matcher.footprints(walls, shift_m, _GATE_M)
    matched = footprint >= 0
    pairs, pair = np.unique(
        np.column_stack([walls.blocks[matched], footprint[matched]]), axis=0, return_inverse=True
    )
    weight = np.bincount(pair.reshape(-1), walls.weights[matched], minlength=len(pairs))
    order = np.argsort(weight, kind="stable")
    # Blocks without a match stay by themselves; of several footprints the last in order is kept.
    label = -1 - np.arange(count)
    label[pairs[order, 0]] = pairs[order, 1]
    group: NDArray[np.intp] = np.unique(label, return_inverse=True)[1].astype(np.intp)
    return group


def _scored(
    matcher: WallMatcher,
    walls: WallPoints,
    block: NDArray[np.intp],
    field_m: NDArray[np.float64],
    shift_m: NDArray[np.float64],
    sheet_overhang_m: float,
    own_overhang_m: NDArray[np.float64],
) -> RecordFits:
    """Return the fits with what the walls of each block say of them."""
    owner, count = block[walls.blocks], int(block.max(initial=-1)) + 1
    overhang_m = own_overhang_m[walls.blocks]
    gap, matched = matcher.gaps(walls, field_m + shift_m[walls.blocks], _AGREES_M)
    residual = np.where(matched, np.abs(gap - sheet_overhang_m - overhang_m), np.inf)
    agrees = residual <= _AGREES_M
    weights = walls.weights * agrees
    square = np.where(agrees, residual, 0.0) ** 2
    support, square_sum, overhang_sum = segment_sum(
        np.column_stack([weights, weights * square, weights * overhang_m]), owner, count=count
    ).T
    sheet_square = float((weights * square).sum() / max(weights.sum(), np.finfo(float).tiny))
    total = np.bincount(owner, walls.weights, minlength=count)
    return RecordFits(
        shift_m=shift_m,
        overhang_m=(sheet_overhang_m + overhang_sum / np.maximum(support, 1.0))[block],
        residual_m=np.sqrt((square_sum + _SHEET_WALLS * sheet_square) / (support + _SHEET_WALLS))[block],
        support=support[block],
        share=(support / np.maximum(total, 1.0))[block],
    )
