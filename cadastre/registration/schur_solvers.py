"""The most probable shifts of records that share a block, a footprint, and the lean of their roofs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.sums import summed

# Standard deviations per axis of what moves a record beside its sheet, from the inmost outwards: its own
# drawing and roof, the drawing of its block, and of what the image shows as one building.
SPREADS_M: Final = (0.10, 0.15, 0.30)
OVERHANG_SPREAD_M: Final = 0.20
# A roof 6 m high, seen 3 to 5 degrees aside, leans by 0.3 to 0.5 m.
LEAN_SPREAD_M: Final = 0.30


def solve_nested(
    matrix: NDArray[np.float64],
    vector: NDArray[np.float64],
    high: NDArray[np.bool_],
    parents: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve the least squares of a sheet of which each record has an overhang and a shift.

    The shift is the sum of four, each normal around 0: of the record, of its block, of its group, and, for
    high records, the one lean of the sheet. What only one record, one block or one group knows is eliminated
    level by level (Schur complements), until the lean is left; then each level is solved in turn. So it
    takes time in proportion to the records, and gives what one large system would.

    Args:
        matrix: (n, 3, 3) normal matrix of each record over dx, dy and overhang, in 1/m².
        vector: (n, 3) its right side, in 1/m.
        high: (n,) which records lean.
        parents: (n,) block of each record, numbered from 0, and group of each block likewise.

    Returns:
        (n, 2) shift and (n,) overhang of each record, metres.
    """
    eaves = 1 / (matrix[:, 2, 2] + OVERHANG_SPREAD_M**-2)
    known = matrix[:, :2, :2] - matrix[:, :2, 2:] * matrix[:, 2:, :2] * eaves[:, np.newaxis, np.newaxis]
    asked = vector[:, :2] - matrix[:, :2, 2] * (vector[:, 2] * eaves)[:, np.newaxis]
    # Over the shift that a level adds to those above it, and the lean.
    lean = np.hstack([np.ones((len(high), 1)), high[:, np.newaxis]])
    left = np.einsum("na,nb,nij->naibj", lean, lean, known).reshape(-1, 4, 4)
    right = np.einsum("na,ni->nai", lean, asked).reshape(-1, 4)
    block, group = parents
    levels = []
    for spread_m, parent in zip(
        SPREADS_M, (block, group, np.zeros_like(group, shape=_count(group))), strict=True
    ):
        inverse = np.linalg.inv(left[:, :2, :2] + np.eye(2) / spread_m**2)
        through, offset = inverse @ left[:, :2], _times(inverse, right[:, :2])
        levels.append((through, offset, parent))
        right = summed(right - _times(left[:, :, :2], offset), parent, count=_count(parent))
        left = summed(left - left[:, :, :2] @ through, parent, count=_count(parent))
    leaning = np.linalg.solve(left[:, 2:, 2:] + np.eye(2) / LEAN_SPREAD_M**2, right[:, 2:, np.newaxis])
    found = np.hstack([np.zeros((len(leaning), 2)), leaning[:, :, 0]])
    for through, offset, parent in reversed(levels):
        found = found[parent]
        found[:, :2] += offset - _times(through, found)
    shift_m = found[:, :2] + high[:, np.newaxis] * found[:, 2:]
    return shift_m, (vector[:, 2] - (matrix[:, 2, :2] * shift_m).sum(axis=1)) * eaves


def _times(matrices: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    product: NDArray[np.float64] = np.einsum("nij,nj->ni", matrices, vectors)
    return product


def _count(numbers: NDArray[np.intp]) -> int:
    return int(numbers.max(initial=-1)) + 1
