"""Where each block is looked for: its shift when the smooth field of its sheet is taken off."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.normal_equations import huber, normal_equations, robust_scale
from vigibati.cadastre.registration.schur_solvers import OVERHANG_SIGMA_M, segment_sum
from vigibati.cadastre.registration.wall_matching import WallMatcher
from vigibati.cadastre.registration.wall_points import WallPoints

_GATES_M = (2.0, 1.6, 1.3, 1.0)
_SHIFT_PRIOR_M = 0.3
_AGREES_M = 1.0
# A block of which less than this share of the walls fits starts elsewhere too, if half of its walls have
# footprints in reach, and moves there if that share then fits, and more of it by the gain.
_DOUBTED_BELOW = 0.5
_GAIN_SHARE = 0.2
# A block of which less than this share fits in the end stays within so many metres: a shed that is gone would
# settle on the house behind it.
_TRUSTED_FROM = 0.5
_UNTRUSTED_REACH_M = 0.6
_IN_REACH_M = 3.0
_RESTARTS = 8
_RESTART_M = 1.5
_MAX_SHIFT_M = 2.0
_SCORE_WIDTH_M = 0.5


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
    best = _fit_from(matcher, walls, field_m, overhang_m, np.zeros((count, 2)))
    score = _scores(matcher, walls, field_m, overhang_m, best)
    total = segment_sum(walls.weights, walls.blocks, count=count)
    _, near = matcher.gaps(walls, field_m, _IN_REACH_M)
    reached = segment_sum(walls.weights * near, walls.blocks, count=count)
    doubtful = (score < _DOUBTED_BELOW * total) & (reached >= _DOUBTED_BELOW * total)
    of_doubtful = doubtful[walls.blocks]
    doubtful_walls, doubtful_field_m = walls.only(of_doubtful), field_m[of_doubtful]
    least = np.maximum(score + _GAIN_SHARE * total, _DOUBTED_BELOW * total)
    for angle in np.arange(_RESTARTS if of_doubtful.any() else 0) * (2 * np.pi / _RESTARTS):
        start = np.tile(_RESTART_M * np.array([np.cos(angle), np.sin(angle)]), (count, 1))
        trial = _fit_from(matcher, doubtful_walls, doubtful_field_m, overhang_m, start)
        trial_score = _scores(matcher, doubtful_walls, doubtful_field_m, overhang_m, trial)
        better = doubtful & (trial_score > least) & (np.hypot(*trial[:, :2].T) <= _MAX_SHIFT_M)
        best[better], least[better], score[better] = trial[better], trial_score[better], trial_score[better]
    believed = (score >= _TRUSTED_FROM * total) | (np.hypot(*best[:, :2].T) <= _UNTRUSTED_REACH_M)
    return np.where(believed[:, np.newaxis], best[:, :2], 0.0)


def _fit_from(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    start_m: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (blocks, 3) dx, dy and overhang of each block beside its sheet, from a start (blocks, 2)."""
    block, count = walls.blocks, len(start_m)
    unknowns = np.column_stack([start_m, np.zeros(count)])
    for gate_m in _GATES_M:
        gap, matched = matcher.gaps(walls, field_m + unknowns[block, :2], gate_m)
        residual = gap - overhang_m - unknowns[block, 2]
        scale = robust_scale(residual[matched])
        robust_weight = huber(residual / scale)
        weights = np.where(matched, walls.weights * robust_weight, 0.0) / scale**2
        target = residual + (walls.design * unknowns[block]).sum(axis=1)
        normal_matrix, rhs = normal_equations(walls, weights, target, count=count)
        # A shift that walls agree on is pulled back less the larger it is.
        far = (unknowns[:, :2] ** 2).sum(axis=1) / (2 * _SHIFT_PRIOR_M) ** 2
        normal_matrix[:, [0, 1], [0, 1]] += (1 / _SHIFT_PRIOR_M**2 / (1 + far))[:, np.newaxis]
        normal_matrix[:, 2, 2] += 1 / OVERHANG_SIGMA_M**2
        unknowns = np.linalg.solve(normal_matrix, rhs[:, :, np.newaxis])[:, :, 0]
    return unknowns


def _scores(
    matcher: WallMatcher,
    walls: WallPoints,
    field_m: NDArray[np.float64],
    overhang_m: float,
    unknowns: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the (blocks,) weight of the walls that agree, each counted less the farther it is off."""
    gap, matched = matcher.gaps(walls, field_m + unknowns[walls.blocks, :2], _AGREES_M)
    residual = gap - overhang_m - unknowns[walls.blocks, 2]
    agreement = np.where(matched, np.exp(-2 * (residual / _SCORE_WIDTH_M) ** 2), 0.0)
    return segment_sum(walls.weights * agreement, walls.blocks, count=len(unknowns))
