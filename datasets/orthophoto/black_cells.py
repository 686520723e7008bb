"""Cells of 64 x 64 pixels that are wholly black: what many mosaics fill their gaps with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_PX = 64
"""Side of a cell, counted from the corner of its file. No real roof fills one with (0, 0, 0)."""


def cell_floor(pixel: int) -> int:
    """Return the edge of cells at or before a pixel."""
    return pixel // CELL_PX * CELL_PX


def cell_ceil(pixel: int) -> int:
    """Return the edge of cells at or after a pixel."""
    return -(-pixel // CELL_PX) * CELL_PX


def black_cells(values: NDArray[np.uint8]) -> list[tuple[slice, slice]]:
    """Find the cells that are wholly 0.

    Args:
        values: (bands, H, W), from the corner of a cell; cells may be cut at the right and the bottom.

    Returns:
        Rows and columns of every black cell.
    """
    # One lit pixel clears a cell: its corner is looked at first, the rest only where that is black.
    dark = ~values[:, ::CELL_PX, ::CELL_PX].any(axis=0)
    cells = [
        (slice(row, row + CELL_PX), slice(col, col + CELL_PX))
        for row, col in (np.argwhere(dark) * CELL_PX).tolist()
    ]
    return [cell for cell in cells if not values[:, *cell].any()]
