"""Where each record stands in the image: with its footprint, with its block, and by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.schur_solvers import solve_nested
from vigibati.cadastre.registration.sums import summed
from vigibati.cadastre.registration.wall_matching import WallMatcher, robust_scale, tukey
from vigibati.cadastre.registration.wall_points import WallPoints

_ROUNDS = 3
_GATE_M = 1.5
# Starts are good, and the lean of one roof is no outlier: a wall is heard up to 6.6 standard deviations
# (1.4 times Tukey's constant), and up to 1 m at least.
_WIDE = 1.4
_LEAST_M = 1 / 4.685
_AGREES_M = 1.0
_SHEET_SAYS = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class RoofFits:
    """One row per record of a sheet; all but the first are those of its block.

    Attributes:
        own_m: (n, 2) shift of the record beside that of its sheet.
        overhang_m: (n,) how far footprints reach beyond records, in the mean over the walls that agree.
        residual_m: (n,) root mean square of the distances left along the walls, drawn towards that of
            the sheet as if four walls spoke for it.
        support: (n,) number of walls that lie within 1 m of their match.
        share: (n,) the same as a share of all walls.
    """

    own_m: NDArray[np.float64]
    overhang_m: NDArray[np.float64]
    residual_m: NDArray[np.float64]
    support: NDArray[np.float64]
    share: NDArray[np.float64]


def fit_roofs(
    matcher: WallMatcher,
    walls: WallPoints,
    block: NDArray[np.intp],
    high: NDArray[np.bool_],
    field_m: NDArray[np.float64],
    overhang_m: float,
    start_m: NDArray[np.float64],
) -> RoofFits:
    """Fit a shift and an overhang to each record, held together by what records share.

    Records of one block are drawn together, and so is what the image shows as one building; but the roof of
    a house leans away from the nadir of the image, and the shed beside it does not. See `solve_nested`.

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
    design = np.column_stack([walls.normals, np.ones(len(owner))])
    products = design[:, :, np.newaxis] * design[:, np.newaxis]
    own_m, eaves_m = start_m, np.zeros(count)
    for _ in range(_ROUNDS):
        gap, matched = matcher.gaps(walls, field_m + own_m[owner], _GATE_M)
        residual = gap - overhang_m - eaves_m[owner]
        scale = robust_scale(residual[matched])
        heard = tukey(residual / max(_WIDE * scale, _LEAST_M))
        weight = np.where(matched, walls.weights * heard, 0.0) / scale**2
        target = gap - overhang_m + (walls.normals * own_m[owner]).sum(axis=1)
        own_m, eaves_m = solve_nested(
            summed(weight[:, np.newaxis, np.newaxis] * products, owner, count=count),
            summed((weight * target)[:, np.newaxis] * design, owner, count=count),
            high,
            (block, group),
        )
    return _judged(matcher, walls, block, field_m, own_m, overhang_m, eaves_m)


def _groups(
    matcher: WallMatcher, walls: WallPoints, shift_m: NDArray[np.float64], count: int
) -> NDArray[np.intp]:
    """Return the (blocks,) group of each block: those of which most of the walls match one footprint."""
    footprint = matcher.footprints(walls, shift_m, _GATE_M)
    seen = footprint >= 0
    pairs, place = np.unique(
        np.column_stack([walls.blocks[seen], footprint[seen]]), axis=0, return_inverse=True
    )
    weight = np.bincount(place.reshape(-1), walls.weights[seen], minlength=len(pairs))
    order = np.argsort(weight, kind="stable")
    # Blocks without a match stay by themselves; of several footprints the last in order is kept.
    name = -1 - np.arange(count)
    name[pairs[order, 0]] = pairs[order, 1]
    group: NDArray[np.intp] = np.unique(name, return_inverse=True)[1].astype(np.intp)
    return group


def _judged(
    matcher: WallMatcher,
    walls: WallPoints,
    block: NDArray[np.intp],
    field_m: NDArray[np.float64],
    own_m: NDArray[np.float64],
    sheet_overhang_m: float,
    eaves_m: NDArray[np.float64],
) -> RoofFits:
    of, count, eaves = block[walls.blocks], int(block.max(initial=-1)) + 1, eaves_m[walls.blocks]
    gap, matched = matcher.gaps(walls, field_m + own_m[walls.blocks], _AGREES_M)
    residual = np.where(matched, np.abs(gap - sheet_overhang_m - eaves), np.inf)
    agrees = residual <= _AGREES_M
    weight = walls.weights * agrees
    square = np.where(agrees, residual, 0.0) ** 2
    support, spread, reach = summed(
        np.column_stack([weight, weight * square, weight * eaves]), of, count=count
    ).T
    sheet = float((weight * square).sum() / max(weight.sum(), np.finfo(float).tiny))
    return RoofFits(
        own_m=own_m,
        overhang_m=(sheet_overhang_m + reach / np.maximum(support, 1.0))[block],
        residual_m=np.sqrt((spread + _SHEET_SAYS * sheet) / (support + _SHEET_SAYS))[block],
        support=support[block],
        share=(support / np.maximum(np.bincount(of, walls.weights, minlength=count), 1.0))[block],
    )
