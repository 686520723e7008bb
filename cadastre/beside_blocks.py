"""What a whole sheet has in common, found beside what each of its blocks has for itself."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from vigibati.cadastre.sums import summed
from vigibati.cadastre.warp import Matrix

# Standard deviation per axis of a block beside the field, which follows it in part where it stands alone.
ASIDE_M: Final = 0.2


def solve_beside_blocks(
    design: Matrix,
    stiff: Matrix,
    known: NDArray[np.float64],
    asked: NDArray[np.float64],
    block: NDArray[np.intp],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve the least squares of a sheet in which each block has one more shift, normal around 0.

    That of each block is eliminated (Schur complement), which keeps the system as small and as sparse as it
    would be without, and is then solved in turn.

    Args:
        design: (3 records, unknowns): dx of all records, then dy, then overhang.
        stiff: (unknowns, unknowns) their prior.
        known: (records, 3, 3) normal matrix of each record.
        asked: (records, 3) its right side.
        block: (records,) block of each record.

    Returns:
        The unknowns; (records, 2) the shift of the block of each record.
    """
    count, axes = int(block.max(initial=-1)) + 1, 2 * len(block)
    weighted = _diagonals(known) @ design
    ones = sparse.csr_array((np.ones(len(block)), (block, np.arange(len(block)))), (count, len(block)))
    of_block: Matrix = sparse.csr_array(sparse.block_diag([ones, ones]) @ weighted[:axes])
    own = summed(known[:, :2, :2], block, count=count) + np.eye(2) / ASIDE_M**2
    inverse = _diagonals(np.linalg.inv(own).astype(np.float64))
    pull = summed(asked[:, :2], block, count=count).T.ravel()
    left: Matrix = sparse.csr_array(design.T @ weighted + stiff - of_block.T @ (inverse @ of_block))
    right: NDArray[np.float64] = np.asarray(design.T @ asked.T.ravel() - of_block.T @ (inverse @ pull))
    unknowns = _solved(left, right)
    aside_m = np.asarray(inverse @ (pull - of_block @ unknowns)).reshape(2, count).T
    return unknowns, aside_m[block]


def _diagonals(matrices: NDArray[np.float64]) -> Matrix:
    """Return small matrices (n, k, k) as one that acts on all first axes, then all second ones, and so on."""
    return sparse.csr_array(
        sparse.block_array(
            [[sparse.diags_array(column) for column in row] for row in matrices.transpose(1, 2, 0)]
        )
    )


def _solved(matrix: Matrix, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    # Symmetric and positive definite: this order of elimination takes a quarter of the time of the default.
    factors = splu(matrix.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    solution: NDArray[np.float64] = factors.solve(vector)
    return solution
