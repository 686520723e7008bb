"""A grid cut into windows side by side, and the ground that these show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.datasets.grid import PixelGrid, Window


def side_by_side(grid: PixelGrid, side_px: int) -> list[Window]:
    """Return the windows of a grid, row by row; those at its right and lower edge are cut off there."""
    return [
        Window(col, row, min(side_px, grid.width - col), min(side_px, grid.height - row))
        for row in range(0, grid.height, side_px)
        for col in range(0, grid.width, side_px)
    ]


def ground_of(grid: PixelGrid, windows: Sequence[Window]) -> NDArray[np.object_]:
    """Return the ground of each of one or more windows as a box, (N,) in the CRS of the grid."""
    boxes: NDArray[np.object_] = shapely.box(*np.array([grid.part(each).bounds for each in windows]).T)
    return boxes
