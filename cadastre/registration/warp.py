"""A smooth field of displacements: how a sheet is bent around its one shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

_CELL_M = 50.0
_MOST_NODES = 40_000

Matrix: TypeAlias = "sparse.csr_array[np.float64, tuple[int, int]]"


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
        nodes, shares = _bilinear(xy, self)
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

    @classmethod
    def over(cls, xy: NDArray[np.float64]) -> Warp:
        """Return a field of zeros around points; coarser than 50 m where they span a whole region."""
        extent = np.ptp(xy, axis=0) + _CELL_M
        cell_m = _CELL_M * max(1.0, float(np.ceil(np.sqrt(extent.prod() / _MOST_NODES) / _CELL_M)))
        low = np.floor(xy.min(axis=0) / cell_m) * cell_m
        columns, rows = np.ceil((xy.max(axis=0) - low) / cell_m).astype(int) + 1
        return cls(float(low[0]), float(low[1]), cell_m, np.zeros((rows, columns, 2)))

    def interpolation_matrix(self, xy: NDArray[np.float64]) -> Matrix:
        """Return the (points, nodes) matrix that takes values at the nodes to points (n, 2)."""
        rows, columns, _ = self.values_m.shape
        nodes, shares = _bilinear(xy, self)
        ends = 4 * np.arange(len(xy) + 1)
        return sparse.csr_array((shares.ravel(), nodes.ravel(), ends), (len(xy), rows * columns))


def _bilinear(xy: NDArray[np.float64], warp: Warp) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the four nodes around each point, (n, 4), and their shares, which sum to 1."""
    rows, columns, _ = warp.values_m.shape
    cell_xy = np.clip((xy - (warp.west_m, warp.south_m)) / warp.cell_m, 0, (columns - 1, rows - 1))
    cell = np.minimum(cell_xy.astype(np.intp), np.maximum((columns - 2, rows - 2), 0))
    (column, row), (right, up) = cell.T, (cell_xy - cell).T
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
