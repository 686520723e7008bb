"""How a grid is cut into units of work, and a unit into windows: the same for every process and machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.contract import STRIDE_PX
from vigibati.datasets.grid import Window

BLOCK_PX: Final = 512
"""Side of the blocks of a probability raster; cores begin on multiples of it."""

# A strip of this width and 1024 rows takes about 300 MB with its margins.
_GROUP_COLS = 65_536


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of work with a result of its own: one strip of one group of columns.

    Attributes:
        number: From 0, group by group from the left, from top to bottom within a group.
        window: What it is responsible for, without margins.
    """

    number: int
    window: Window


@dataclass(frozen=True, slots=True)
class Layout:
    """A grid, cut.

    Attributes:
        width: Columns of the grid.
        height: Rows of the grid.
        margin_px: Context around every core, a multiple of the stride.
        core_rows: Rows of a core and of a unit, a multiple of the block.
        core_cols: Columns of a core, a multiple of the block.
        group_cols: Columns of a unit, a multiple of ``core_cols``.
    """

    width: int
    height: int
    margin_px: int
    core_rows: int
    core_cols: int
    group_cols: int

    @property
    def units(self) -> tuple[Unit, ...]:
        """All units in the order of their numbers."""
        windows = (
            Window(col, row, min(self.group_cols, self.width - col), min(self.core_rows, self.height - row))
            for col in range(0, self.width, self.group_cols)
            for row in range(0, self.height, self.core_rows)
        )
        return tuple(Unit(number, window) for number, window in enumerate(windows))

    @property
    def seams(self) -> tuple[range, range]:
        """Rows and columns of the grid where one unit ends and another begins."""
        rows = range(self.core_rows, self.height, self.core_rows)
        return rows, range(self.group_cols, self.width, self.group_cols)

    def cores(self, unit: Unit) -> Iterator[Window]:
        """Yield what the windows of a unit leave behind when their margins are cut off."""
        window = unit.window
        for col in range(window.col, window.col + window.width, self.core_cols):
            width = min(self.core_cols, window.col + window.width - col)
            yield Window(col, window.row, width, window.height)

    def core_index(self, core: Window) -> tuple[int, int]:
        """Return row and column of a core among the cores of the grid."""
        return core.row // self.core_rows, core.col // self.core_cols

    @property
    def cores_shape(self) -> tuple[int, int]:
        """Rows and columns of cores."""
        return math.ceil(self.height / self.core_rows), math.ceil(self.width / self.core_cols)

    def with_margins(self, window: Window) -> Window:
        """Return a window with its margins, as far as they lie on the grid."""
        col, row = max(0, window.col - self.margin_px), max(0, window.row - self.margin_px)
        right = min(self.width, window.col + window.width + self.margin_px)
        bottom = min(self.height, window.row + window.height + self.margin_px)
        return Window(col, row, right - col, bottom - row)

    def padded(self, core: Window) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the rows and columns of the grid under a core and its margins.

        Beyond the grid it is mirrored. Both lengths are filled up to multiples of the stride; all of
        them lie within ``with_margins``.
        """
        rows = _mirrored(core.row, core.height, self.margin_px, self.height)
        return rows, _mirrored(core.col, core.width, self.margin_px, self.width)


def lay_out(
    *, width: int, height: int, margin_px: int, core_rows: int, core_cols: int, group_cols: int = _GROUP_COLS
) -> Layout:
    """Cut a grid.

    Args:
        width: Columns of the grid.
        height: Rows of the grid.
        margin_px: Context that the network needs; rounded up to the stride, one stride at least.
        core_rows: About how many rows a core is to have.
        core_cols: About how many columns a core is to have.
        group_cols: About how many columns a unit is to have at most.
    """
    blocks = [max(1, round(side / BLOCK_PX)) * BLOCK_PX for side in (core_rows, core_cols)]
    return Layout(
        width=width,
        height=height,
        margin_px=max(1, math.ceil(margin_px / STRIDE_PX)) * STRIDE_PX,
        core_rows=blocks[0],
        core_cols=blocks[1],
        group_cols=max(1, round(group_cols / blocks[1])) * blocks[1],
    )


def _mirrored(start: int, length: int, margin: int, size: int) -> NDArray[np.intp]:
    padded = math.ceil(length / STRIDE_PX) * STRIDE_PX + 2 * margin
    along = np.arange(start - margin, start - margin + padded, dtype=np.intp) % (2 * size)
    mirrored = np.where(along < size, along, 2 * size - 1 - along)
    # The filling up to the stride lies beyond every margin: it only must stay among the pixels at hand.
    return np.clip(mirrored, max(0, start - margin), min(size, start + length + margin) - 1)
