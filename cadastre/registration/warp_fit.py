"""How a sheet is bent: a smooth field fitted to its walls, beside the lean of its roofs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from vigibati.cadastre.registration.normal_equations import huber, normal_equations, robust_scale, tukey
from vigibati.cadastre.registration.schur_solvers import LEAN_SIGMA_M, BlockEliminatedSystem
from vigibati.cadastre.registration.wall_matching import Fit, WallMatcher
from vigibati.cadastre.registration.wall_points import WallPoints
from vigibati.cadastre.registration.warp import Matrix, Warp

_GATES_M = (2.5, 2.0, 1.5, 1.5)
# Standard deviations of the prior per axis: of what neighbouring nodes differ by, of what these differences
# differ by in turn, and of the field itself.
_FIRST_DIFFERENCE_M = 1.0
_SECOND_DIFFERENCE_M = 0.8
_FIELD_PRIOR_M = 3.0
_MAX_FIELD_M = 2.0
_OVERHANG_PRIOR_M = 0.5


def fit_warp(
    matcher: WallMatcher,
    walls: WallPoints,
    fit: Fit,
    middles: NDArray[np.float64],
    block: NDArray[np.intp],
    high: NDArray[np.bool_],
) -> tuple[Warp, NDArray[np.float64], Fit]:
    """Fit a smooth field of displacements around a sheet's shift, by robust point-to-line least squares.

    A single shift leaves the whole bending of a sheet (0.65 m in the median on bent real sheets, 0.04 m
    with such a field). Neighbouring nodes may differ by about 1 m and their slopes by 0.8 m, as in bends of
    200 m; nodes without a building near follow their neighbours. Each block stands a little aside by itself,
    so that it speaks for the field once and not with each of its walls.

    Args:
        matcher: Walls of the footprints.
        walls: Walls of the sheet's records, not moved; one block for each record.
        fit: The sheet's own shift, within about 1 m everywhere.
        middles: (records, 2) where each record feels the field.
        block: (records,) block of each record.
        high: (records,) whether its roof may lean: high roofs have one more shift in common.

    Returns:
        The field, of at most 2 m per axis; (2,) the lean of high roofs beside it; the fit scored anew.
    """
    owner, grid = walls.blocks, Warp.over(walls.xy)
    rows, columns, _ = grid.values_m.shape
    nodes, interpolation = 2 * rows * columns, grid.interpolation_matrix(walls.xy)
    design = _design(grid.interpolation_matrix(middles), high)
    system = BlockEliminatedSystem(design, _prior(rows, columns), block)
    unknowns = np.append(np.zeros(nodes + 2), fit.overhang_m)
    aside_m = np.zeros((len(block), 2))
    for round_, gate_m in enumerate(_GATES_M):
        nodes_m, lean_m, overhang_m = unknowns[:nodes].reshape(2, -1).T, unknowns[nodes:-1], unknowns[-1]
        local_m = interpolation @ nodes_m + high[owner, np.newaxis] * lean_m
        gap, matched = matcher.gaps(walls, fit.shift_m + local_m + aside_m[owner], gate_m)
        residual = gap - overhang_m
        scale = robust_scale(residual[matched])
        robust_weight = huber(residual / scale)
        if round_ == len(_GATES_M) - 1:
            # Let go at last of what stands far aside: one gone shed, drawn to a wrong roof, bends the field.
            robust_weight = tukey((residual + (walls.normals * aside_m[owner]).sum(axis=1)) / scale)
        weights = np.where(matched, walls.weights * robust_weight, 0.0) / scale**2
        normal_matrix, rhs = normal_equations(walls, weights, residual, count=len(block))
        # The residuals are beside the field of the last round; the unknowns are not.
        current = (design @ unknowns).reshape(3, -1).T
        current[:, :2] += aside_m
        rhs = rhs + np.einsum("nij,nj->ni", normal_matrix, current)
        unknowns, aside_m = system.solve(normal_matrix, rhs)
    field_m, lean_m = unknowns[:nodes].reshape(2, rows, columns).transpose(1, 2, 0), unknowns[nodes:-1]
    warp = replace(grid, values_m=np.clip(field_m, -_MAX_FIELD_M, _MAX_FIELD_M))
    local_m = warp.at(walls.xy) + high[owner, np.newaxis] * lean_m
    return warp, lean_m, matcher.scored(walls.grouped(block), fit.shift_m, local_m, float(unknowns[-1]))


def _design(interpolation: Matrix, high: NDArray[np.bool_]) -> Matrix:
    """Return what the unknowns (dx nodes, dy nodes, lean, overhang) do to dx, dy and overhang of records."""
    leans, overhangs = sparse.csr_array(high[:, np.newaxis] * 1.0), sparse.csr_array(np.ones((len(high), 1)))
    return sparse.csr_array(
        sparse.block_array(
            [
                [interpolation, None, leans, None, None],
                [None, interpolation, None, leans, None],
                [None, None, None, None, overhangs],
            ]
        )
    )


def _prior(rows: int, columns: int) -> Matrix:
    """Return the inverse covariance of (dx nodes, dy nodes, lean, overhang) before any wall is seen."""
    node = np.arange(rows * columns).reshape(rows, columns)
    # Held at the sheet's shift so softly that it only settles what nothing else decides.
    field = sparse.csr_array(sparse.eye_array(rows * columns) / _FIELD_PRIOR_M**2)
    for stencil, sigma_m in (((-1.0, 1.0), _FIRST_DIFFERENCE_M), ((1.0, -2.0, 1.0), _SECOND_DIFFERENCE_M)):
        for direction in (node, node.T):
            differences = _differences(direction, np.array(stencil) / sigma_m)
            field = sparse.csr_array(field + differences.T @ differences)
    lean = sparse.eye_array(2) / LEAN_SIGMA_M**2
    overhang = sparse.csr_array([[1.0 / _OVERHANG_PRIOR_M**2]])
    return sparse.csr_array(sparse.block_diag([field, field, lean, overhang]))


def _differences(node: NDArray[np.intp], stencil: NDArray[np.float64]) -> Matrix:
    """Return one row for each run of nodes down a column, which sums them by the stencil."""
    size = len(stencil)
    runs = np.stack([node[at : len(node) - size + 1 + at] for at in range(size)], axis=-1).reshape(-1, size)
    ends = size * np.arange(len(runs) + 1)
    return sparse.csr_array((np.tile(stencil, len(runs)), runs.ravel(), ends), (len(runs), node.size))
