"""Where pixels lie: rectangles of pixels, the grid that puts them on the ground, windows side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS, Transformer

# Mercator on its equator is true to scale there only: elsewhere one metre of its
# coordinates is cos(latitude) metres on the ground (Snyder 1987, USGS PP 1395, p. 41).
_MERCATOR_METHODS = {"Popular Visualisation Pseudo Mercator", "Mercator (variant A)"}


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels, from its upper left corner; it may reach outside the grid."""

    col: int
    row: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a window holds.

    Attributes:
        values: (bands, H, W), 0-255, red, green, blue unless other bands were asked for; 0 where there
            is no image.
        valid: (H, W), True where there is an image.
    """

    values: NDArray[np.uint8]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PixelGrid:
    """A north-up grid of pixels in a projected CRS.

    Attributes:
        crs: Projected CRS.
        transform: Pixel (column, row), corners, to CRS coordinates (x, y); neither rotated nor sheared.
        width: Columns.
        height: Rows.
    """

    crs: CRS
    transform: Affine
    width: int
    height: int

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Outer edges in CRS coordinates: min x, min y, max x, max y."""
        left, top = self.transform.c, self.transform.f
        return (left, top + self.transform.e * self.height, left + self.transform.a * self.width, top)

    def part(self, window: Window) -> PixelGrid:
        """Return the grid of the pixels of a window."""
        x, y = (
            self.transform.c + self.transform.a * window.col,
            self.transform.f + self.transform.e * window.row,
        )
        moved = Affine(self.transform.a, 0, x, 0, self.transform.e, y)
        return PixelGrid(self.crs, moved, window.width, window.height)

    @property
    def ground_scale(self) -> float:
        """Metres on the ground per CRS unit, at the centre of the grid.

        1 in the legal projections, whose own distortion (below 0.1 % in metropolitan France) is
        neglected; cos(latitude) in Web Mercator; the unit's length where it is not the metre.
        """
        factor: float = self.crs.axis_info[0].unit_conversion_factor
        operation = self.crs.coordinate_operation
        if operation is None or operation.method_name not in _MERCATOR_METHODS:
            return factor
        min_x, min_y, max_x, max_y = self.bounds
        to_degrees = Transformer.from_crs(self.crs, 4326, always_xy=True)
        _, latitude = to_degrees.transform((min_x + max_x) / 2, (min_y + max_y) / 2)
        return factor * math.cos(math.radians(latitude))

    @property
    def gsd_m(self) -> float:
        """Metres on the ground per pixel: the side of a square of the same area."""
        return math.sqrt(self.transform.a * -self.transform.e) * self.ground_scale


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
