"""Normal equations of a sheet, solved by eliminating what one record or block knows alone (Schur complement).

A sheet has thousands of unknowns that few walls share. Eliminated first, they leave a small system, which is
solved; then they follow from it. The result is that of one large system, in time proportional to the records.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from vigibati.cadastre.registration.warp import Matrix

# Standard deviations per axis of what moves a record beside its sheet, from the inmost outwards: its own
# drawing and roof, the drawing of its block, and of what the image shows as one building.
SHIFT_SIGMAS_M: Final = (0.10, 0.15, 0.30)
OVERHANG_SIGMA_M: Final = 0.20
# A roof 6 m high, seen 3 to 5 degrees aside, leans by 0.3 to 0.5 m.
LEAN_SIGMA_M: Final = 0.30
# Standard deviation per axis of a block beside the field. Blocks are drawn aside by some 0.3 m; where one
# stands alone, the field takes up the rest.
BESIDE_FIELD_SIGMA_M: Final = 0.2


def segment_sum(values: NDArray[np.float64], segment: NDArray[np.intp], *, count: int) -> NDArray[np.float64]:
    """Return the (count, ...) sum of the values, (n, ...), of each segment, (n,) numbered from 0."""
    flat = values.reshape(len(values), -1).T
    sums = [np.bincount(segment, column, minlength=count) for column in flat]
    return np.stack(sums, axis=-1).astype(np.float64).reshape(count, *values.shape[1:])


def solve_hierarchical(
    normal_matrix: NDArray[np.float64],
    rhs: NDArray[np.float64],
    high: NDArray[np.bool_],
    parents: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve the least squares of a sheet of which each record has an overhang and a shift.

    The shift is the sum of four, each normal around 0: of the record, of its block, of its group, and, for
    high records, the one lean of the sheet. What only one record, one block or one group knows is eliminated
    level by level, until the lean is left; then each level is solved in turn.

    Args:
        normal_matrix: (n, 3, 3) of each record over dx, dy and overhang, in 1/m².
        rhs: (n, 3) its right-hand side, in 1/m.
        high: (n,) which records lean.
        parents: (n,) block of each record, numbered from 0, and group of each block likewise.

    Returns:
        (n, 2) shift and (n,) overhang of each record, metres.
    """
    overhang_variance = 1 / (normal_matrix[:, 2, 2] + OVERHANG_SIGMA_M**-2)
    shift_matrix = (
        normal_matrix[:, :2, :2]
        - normal_matrix[:, :2, 2:] * normal_matrix[:, 2:, :2] * overhang_variance[:, np.newaxis, np.newaxis]
    )
    shift_rhs = rhs[:, :2] - normal_matrix[:, :2, 2] * (rhs[:, 2] * overhang_variance)[:, np.newaxis]
    # Over the shift that a level adds to those above it, and the lean.
    basis = np.hstack([np.ones((len(high), 1)), high[:, np.newaxis]])
    matrix = np.einsum("na,nb,nij->naibj", basis, basis, shift_matrix).reshape(-1, 4, 4)
    vector = np.einsum("na,ni->nai", basis, shift_rhs).reshape(-1, 4)
    block, group = parents
    sheet = np.zeros_like(group, shape=_count(group))
    levels = []
    for sigma_m, parent in zip(SHIFT_SIGMAS_M, (block, group, sheet), strict=True):
        covariance = np.linalg.inv(matrix[:, :2, :2] + np.eye(2) / sigma_m**2)
        gain, mean = covariance @ matrix[:, :2], _times(covariance, vector[:, :2])
        levels.append((gain, mean, parent))
        vector = segment_sum(vector - _times(matrix[:, :, :2], mean), parent, count=_count(parent))
        matrix = segment_sum(matrix - matrix[:, :, :2] @ gain, parent, count=_count(parent))
    lean_m = np.linalg.solve(matrix[:, 2:, 2:] + np.eye(2) / LEAN_SIGMA_M**2, vector[:, 2:, np.newaxis])
    solution = np.hstack([np.zeros((len(lean_m), 2)), lean_m[:, :, 0]])
    for gain, mean, parent in reversed(levels):
        solution = solution[parent]
        solution[:, :2] += mean - _times(gain, solution)
    shift_m = solution[:, :2] + high[:, np.newaxis] * solution[:, 2:]
    overhang_m = (rhs[:, 2] - (normal_matrix[:, 2, :2] * shift_m).sum(axis=1)) * overhang_variance
    return shift_m, overhang_m


class BlockEliminatedSystem:
    """Least squares of a sheet in which each block has one more shift, normal around 0.

    That of each block is eliminated, which keeps the system as small and as sparse as it would be without,
    and is then solved in turn.

    Args:
        design: (3 records, unknowns): dx of all records, then dy, then overhang.
        prior: (unknowns, unknowns) inverse covariance of the unknowns.
        block: (records,) block of each record, numbered from 0.
    """

    def __init__(self, design: Matrix, prior: Matrix, block: NDArray[np.intp]) -> None:
        self._design, self._prior, self._block = design, prior, block
        self._transposed: Matrix = sparse.csr_array(design.T)
        self._count = _count(block)
        records = np.arange(2 * len(block))
        shape = (2 * self._count, 3 * len(block))
        rows = np.concatenate([block, self._count + block])
        self._block_sum: Matrix = sparse.csr_array((np.ones(len(rows)), (rows, records)), shape)

    def solve(
        self, normal_matrix: NDArray[np.float64], rhs: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the unknowns, and the (records, 2) shift of the block of each record.

        Args:
            normal_matrix: (records, 3, 3) of each record over dx, dy and overhang, in 1/m².
            rhs: (records, 3) its right-hand side, in 1/m.
        """
        weighted = _block_diagonal(normal_matrix) @ self._design
        coupling = self._block_sum @ weighted
        block_matrix = segment_sum(normal_matrix[:, :2, :2], self._block, count=self._count)
        block_matrix = block_matrix + np.eye(2) / BESIDE_FIELD_SIGMA_M**2
        covariance = _block_diagonal(np.linalg.inv(block_matrix).astype(np.float64))
        gain: Matrix = sparse.csr_array((covariance @ coupling).T)
        block_rhs = segment_sum(rhs[:, :2], self._block, count=self._count).T.ravel()
        reduced: Matrix = sparse.csr_array(self._transposed @ weighted + self._prior - gain @ coupling)
        reduced_rhs: NDArray[np.float64] = np.asarray(self._transposed @ rhs.T.ravel() - gain @ block_rhs)
        unknowns = _solve_sparse(reduced, reduced_rhs)
        shift_m = np.asarray(covariance @ (block_rhs - coupling @ unknowns)).reshape(2, self._count).T
        return unknowns, shift_m[self._block]


def _block_diagonal(matrices: NDArray[np.float64]) -> Matrix:
    """Return small matrices (n, k, k) as one that acts on all first axes, then all second ones, and so on."""
    count, size, _ = matrices.shape
    columns = np.tile(np.arange(count)[:, np.newaxis] + count * np.arange(size), (size, 1))
    ends = size * np.arange(size * count + 1)
    values = matrices.transpose(1, 0, 2).ravel()
    return sparse.csr_array((values, columns.ravel(), ends), (size * count, size * count))


def _solve_sparse(matrix: Matrix, rhs: NDArray[np.float64]) -> NDArray[np.float64]:
    # Symmetric and positive definite: this order of elimination takes a quarter of the time of the default.
    factors = splu(matrix.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solution: NDArray[np.float64] = factors.solve(rhs)
    return solution


def _times(matrices: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = np.einsum("nij,nj->ni", matrices, vectors)
    return product


def _count(numbers: NDArray[np.intp]) -> int:
    return int(numbers.max(initial=-1)) + 1
