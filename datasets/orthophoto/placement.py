"""Where an orthophoto file lies on the grid of a mosaic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.orthophoto.header import OrthoFile
from vigibati.datasets.orthophoto.resample import Axis, resample

ALIGNED_PX = 0.05
"""A twentieth of a pixel, 1 cm at 20 cm, is far below what any comparison with records sees."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A file on the grid of a mosaic.

    Attributes:
        file: File.
        across: How the columns of the grid lie on those of the file.
        down: The same for the rows.
        window: Grid pixels that the file covers: its own pixels where it is aligned.
        aligned: Pixels of the grid are pixels of the file; otherwise they are resampled.
    """

    file: OrthoFile
    across: Axis
    down: Axis
    window: Window
    aligned: bool

    def source(self, part: Window) -> Window:
        """Return the pixels of the file that a part of its cover draws on; it may be empty."""
        if self.aligned:
            return Window(part.col - self.window.col, part.row - self.window.row, part.width, part.height)
        left, right = self.across.span(part.col, part.col + part.width)
        top, bottom = self.down.span(part.row, part.row + part.height)
        return Window(left, top, max(0, right - left), max(0, bottom - top))

    def columns_on(self, left: int, right: int) -> tuple[int, int]:
        """Return columns of the grid, (start, stop), that hold all that draw on some of the file."""
        start, stop = self.window.col, self.window.col + self.window.width
        return (start + left, start + right) if self.aligned else (start, stop)

    def to_grid(self, pixels: Pixels, part: Window) -> Pixels:
        """Bring the pixels of ``source(part)`` to the grid."""
        if self.aligned:
            return pixels
        down = self.down.weights(part.row, part.row + part.height)
        return resample(pixels, down=down, across=self.across.weights(part.col, part.col + part.width))


def place(file: OrthoFile, grid: PixelGrid) -> Placed:
    """Find where a file lies on a grid of the same CRS."""
    mine, target = file.grid.transform, grid.transform
    across = Axis(target.a / mine.a, (target.c - mine.c) / mine.a, file.grid.width)
    down = Axis(target.e / mine.e, (target.f - mine.f) / mine.e, file.grid.height)
    col, col_stop, col_aligned = _cover(across)
    row, row_stop, row_aligned = _cover(down)
    window = Window(col, row, col_stop - col, row_stop - row)
    return Placed(file, across, down, window, aligned=col_aligned and row_aligned)


def shared_window(one: Window, other: Window) -> Window:
    """Return what two windows share; its width or height is 0 or less where that is nothing."""
    left, right = max(one.col, other.col), min(one.col + one.width, other.col + other.width)
    top, bottom = max(one.row, other.row), min(one.row + one.height, other.row + other.height)
    return Window(left, top, right - left, bottom - top)


def part_of(canvas: Pixels, window: Window, part: Window) -> Pixels:
    """Return the pixels of a part, as a view of those of the window around it."""
    rows = slice(part.row - window.row, part.row - window.row + part.height)
    columns = slice(part.col - window.col, part.col - window.col + part.width)
    return Pixels(canvas.values[:, rows, columns], canvas.valid[rows, columns])


def paint(canvas: Pixels, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> None:
    """Fill the pixels of a canvas that have no image yet, in place.

    Args:
        canvas: 0 where it has no image, and stays so where there is none.
        values: (bands, H, W).
        valid: (H, W), or None where every pixel has an image.
    """
    if canvas.valid.any():
        new = ~canvas.valid if valid is None else valid & ~canvas.valid
        np.copyto(canvas.values, values, where=new)
        np.logical_or(canvas.valid, new, out=canvas.valid)
    elif valid is None:
        canvas.values[...] = values
        canvas.valid[...] = True
    else:
        np.multiply(values, valid, out=canvas.values)
        canvas.valid[...] = valid


def _cover(axis: Axis) -> tuple[int, int, bool]:
    start, stop = -axis.offset / axis.scale, (axis.size - axis.offset) / axis.scale
    aligned = round(stop) - round(start) == axis.size and all(
        abs(end - round(end)) <= ALIGNED_PX for end in (start, stop)
    )
    return (round(start), round(stop), True) if aligned else (math.floor(start), math.ceil(stop), False)
