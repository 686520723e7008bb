"""The smooth bending of a sheet that is left when its one shift is taken off."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from vigibati.cadastre.fit import Fit, WallMatcher, huber, robust_scale, tukey
from vigibati.cadastre.nested import LEAN_SPREAD_M
from vigibati.cadastre.outlines import WallPoints

_CELL_M = 50.0
_MOST_NODES = 40_000
_GATES_M = (2.5, 2.2, 2.0, 1.7, 1.5, 1.5)
_STEP_M = 1.0
_BEND_M = 0.8
_MOST_M = 2.0
_OVERHANG_PRIOR_M = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Displacements on a square grid, to be added to a sheet's shift.

    Attributes:
        west_m: Easting of the first column of nodes.
        south_m: Northing of the first row of nodes.
        cell_m: Distance between nodes.
        values_m: (rows, columns, 2) float64, dx and dy at the nodes.
    """

    west_m: float
    south_m: float
    cell_m: float
    values_m: NDArray[np.float64]

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n, 2) displacement at points (n, 2), bilinear; beyond the grid as at its edge.

        The same place has the same one to the last bit, whatever stands beside it: rings stay closed.
        """
        nodes, shares = _corners(xy, self)
        values = self.values_m.reshape(-1, 2)[nodes]
        # A sum of products in one call, such as einsum, may round by the place in the array.
        result: NDArray[np.float64] = (shares[:, :, np.newaxis] * values).sum(axis=1)
        return result

    def nodes(self) -> NDArray[np.float64]:
        """Return (rows × columns, 4): x, y, dx and dy of the nodes."""
        rows, columns, _ = self.values_m.shape
        x, y = np.meshgrid(
            self.west_m + self.cell_m * np.arange(columns), self.south_m + self.cell_m * np.arange(rows)
        )
        return np.column_stack([x.ravel(), y.ravel(), self.values_m.reshape(-1, 2)])

    @classmethod
    def from_nodes(cls, nodes: NDArray[np.float64], *, cell_m: float) -> Warp:
        """Return the field of which `nodes` gave the nodes, in any order."""
        ordered = nodes[np.lexsort((nodes[:, 0], nodes[:, 1]))]
        west, south = ordered[0, :2]
        columns = int((ordered[:, 1] == south).sum())
        return cls(float(west), float(south), cell_m, ordered[:, 2:].reshape(-1, columns, 2))


def fit_warp(
    matcher: WallMatcher, walls: WallPoints, fit: Fit, high: NDArray[np.bool_]
) -> tuple[Warp, NDArray[np.float64], Fit]:
    """Fit a smooth field of displacements around a sheet's shift, by robust point-to-line least squares.

    A single shift leaves the whole bending of a sheet (0.65 m in the median on bent real sheets, 0.04 m
    with such a field). Neighbouring nodes may differ by about 1 m and their slopes by 0.8 m, as in bends of
    200 m; nodes without a building near follow their neighbours.

    Args:
        matcher: Walls of the footprints.
        walls: Walls of the sheet's records, not moved.
        fit: The sheet's own shift, within about 1 m everywhere.
        high: (n,) whether the roof behind each wall may lean: high roofs have one more shift in common.

    Returns:
        The field, of at most 2 m per axis; (2,) the lean of high roofs beside it; the fit judged anew.
    """
    grid = _grid_over(walls.xy)
    rows, columns, _ = grid.values_m.shape
    spread = _spread(walls.xy, grid)
    east, north = (sparse.csr_array(sparse.diags_array(axis) @ spread) for axis in walls.normals.T)
    leaning = sparse.csr_array(walls.normals * high[:, np.newaxis])
    design = sparse.hstack(
        [east, north, leaning, sparse.csr_array(np.ones((len(walls.xy), 1)))], format="csr"
    )
    stiff = _stiffness(rows, columns)
    nodes = 2 * rows * columns
    unknowns = np.append(np.zeros(nodes + 2), fit.overhang_m)
    for round_, gate_m in enumerate(_GATES_M):
        moved = (
            fit.shift_m
            + spread @ unknowns[:nodes].reshape(2, -1).T
            + high[:, np.newaxis] * unknowns[nodes:-1]
        )
        gap, matched = matcher.gaps(walls, moved, gate_m)
        # The distance as it was before the field of the last round was applied.
        target = gap + np.einsum("ij,ij->i", walls.normals, moved - fit.shift_m)
        residual = gap - unknowns[-1]
        scale = robust_scale(residual[matched])
        # Let go at last of what is drawn to a wrong roof, or one gone shed bends the field by 1.5 m.
        robust = tukey if round_ == len(_GATES_M) - 1 else huber
        weight = np.where(matched, walls.weights * robust(residual / scale), 0.0) / scale**2
        left = design.T @ sparse.diags_array(weight) @ design + stiff
        unknowns = _solved(left, design.T @ (weight * target))
    field = np.clip(unknowns[:nodes].reshape(2, rows, columns).transpose(1, 2, 0), -_MOST_M, _MOST_M)
    warp = replace(grid, values_m=field)
    lean_m = unknowns[nodes:-1]
    local_m = warp.at(walls.xy) + high[:, np.newaxis] * lean_m
    return warp, lean_m, matcher.judged(walls, fit.shift_m, local_m, float(unknowns[-1]))


def _solved(
    matrix: sparse.csr_array[np.float64, tuple[int, int]], vector: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Symmetric and positive definite: this order of elimination takes a quarter of the time of the default.
    factors = splu(matrix.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solution: NDArray[np.float64] = factors.solve(vector)
    return solution


def _grid_over(xy: NDArray[np.float64]) -> Warp:
    """Return a field of zeros; coarser than 50 m where records without sheets span a whole region."""
    extent = np.ptp(xy, axis=0) + _CELL_M
    cell_m = _CELL_M * max(1.0, float(np.ceil(np.sqrt(extent.prod() / _MOST_NODES) / _CELL_M)))
    low = np.floor(xy.min(axis=0) / cell_m) * cell_m
    columns, rows = np.ceil((xy.max(axis=0) - low) / cell_m).astype(int) + 1
    return Warp(float(low[0]), float(low[1]), cell_m, np.zeros((rows, columns, 2)))


def _corners(xy: NDArray[np.float64], warp: Warp) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the four nodes around each point, (n, 4), and their shares, which sum to 1."""
    rows, columns, _ = warp.values_m.shape
    place = np.clip((xy - (warp.west_m, warp.south_m)) / warp.cell_m, 0, (columns - 1, rows - 1))
    cell = np.minimum(place.astype(np.intp), np.maximum((columns - 2, rows - 2), 0))
    (column, row), (right, up) = cell.T, (place - cell).T
    next_column, next_row = np.minimum(column + 1, columns - 1), np.minimum(row + 1, rows - 1)
    nodes = np.column_stack(
        [
            row * columns + column,
            row * columns + next_column,
            next_row * columns + column,
            next_row * columns + next_column,
        ]
    )
    shares = np.column_stack([(1 - up) * (1 - right), (1 - up) * right, up * (1 - right), up * right])
    return nodes, shares


def _spread(xy: NDArray[np.float64], grid: Warp) -> sparse.csr_array[np.float64, tuple[int, int]]:
    """Return the (points, nodes) matrix that takes values at the nodes to the points."""
    rows, columns, _ = grid.values_m.shape
    nodes, shares = _corners(xy, grid)
    ends = 4 * np.arange(len(xy) + 1)
    return sparse.csr_array((shares.ravel(), nodes.ravel(), ends), (len(xy), rows * columns))


def _stiffness(rows: int, columns: int) -> sparse.csr_array[np.float64, tuple[int, int]]:
    """Return the quadratic form of the smoothness prior over (dx nodes, dy nodes, overhang)."""
    # Held at the sheet's shift so softly that it only settles what nothing else decides.
    form = sparse.csr_array(sparse.eye_array(rows * columns) / _MOST_M**2)
    for order, allowed_m in ((1, _STEP_M), (2, _BEND_M)):
        across = sparse.kron(sparse.eye_array(rows), _differences(columns, order), format="csr")
        along = sparse.kron(_differences(rows, order), sparse.eye_array(columns), format="csr")
        form = sparse.csr_array(form + (across.T @ across + along.T @ along) / allowed_m**2)
    overhang = sparse.csr_array([[1.0 / _OVERHANG_PRIOR_M**2]])
    return sparse.csr_array(sparse.block_diag([form, form, sparse.eye_array(2) / LEAN_SPREAD_M**2, overhang]))


def _differences(length: int, order: int) -> sparse.csr_array[np.float64, tuple[int, int]]:
    return sparse.csr_array(np.diff(np.eye(length), n=order, axis=0))
