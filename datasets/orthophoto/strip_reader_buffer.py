"""The decoded rows of some columns of a file, as long as a sweep from top to bottom needs them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vigibati.datasets.grid import Window
from vigibati.datasets.orthophoto.black_cells import CELL_PX, black_cells, cell_ceil, cell_floor
from vigibati.datasets.orthophoto.file_reader import FileReader
from vigibati.datasets.orthophoto.header import OrthoFile

# Large enough that calls cost nothing beside the decoding, small enough to keep many threads busy.
_SPAN_PX = 2048
_JOB_ROWS = 512


class SpanBuffer:
    """Whole blocks of a file between two columns, decoded downwards, each of them once.

    The rows that are needed next are asked for with `grow`, decoded by `decode`, judged by `judge` and
    then seen by `view`; those above are dropped by the next `grow`.

    Args:
        file: File.
        left: First column, at the edge of a block and of a cell.
        right: Column after the last, the same or the end of the file.

    Attributes:
        columns: All rows of the file between both.
    """

    def __init__(self, file: OrthoFile, left: int, right: int) -> None:
        self.left, self.right = left, right
        self.columns = Window(left, 0, right - left, file.grid.height)
        self._file = file
        # Whole blocks, and at least the height of a cell.
        self._unit = math.ceil(CELL_PX / file.block_px[0]) * file.block_px[0]
        self._top = self._judged = self._bottom = 0
        self._room: NDArray[np.uint8] = np.empty((len(file.bands), 0, right - left), dtype=np.uint8)
        self._values = self._room
        # None while nothing of it is left out.
        self._valid: NDArray[np.bool_] | None = None
        self._damaged: list[Window] = []

    def grow(self, top: int, bottom: int, *, keep: int) -> list[Window]:
        """Make room for rows of the file that are needed.

        Args:
            top: First row that is needed.
            bottom: Row after the last one.
            keep: Rows above this one will not be asked for again.

        Returns:
            Windows of whole blocks to `decode`, in any order, before `judge` is called.
        """
        first = cell_floor(top)
        start = first // self._unit * self._unit
        if first < cell_ceil(self._top) or start > self._bottom:
            self._top = self._bottom = start
            self._judged = cell_ceil(start)
            self._values, self._valid = self._values[:, :0], None
        start, height = self._bottom, self._file.grid.height
        stop = max(start, min(math.ceil(cell_ceil(bottom) / self._unit) * self._unit, height))
        if stop == start < height:
            return []
        self._move(min(max(cell_floor(keep), self._top), self._judged, start), stop)
        step = math.ceil(_JOB_ROWS / self._unit) * self._unit
        width = self.right - self.left
        return [Window(self.left, row, width, min(step, stop - row)) for row in range(start, stop, step)]

    def decode(self, window: Window, reader: FileReader) -> list[str]:
        """Decode a window that `grow` gave; several threads may do so side by side.

        Returns:
            What is wrong with each block that is damaged.
        """
        rows = slice(window.row - self._top, window.row - self._top + window.height)
        valid = None if self._valid is None else self._valid[rows]
        damaged = reader.decode_blocks(window, self._values[:, rows], valid)
        self._damaged += [block for block, _ in damaged]
        return [text for _, text in damaged]

    def judge(self) -> None:
        """Leave out damaged blocks, and the cells that are wholly black among the new rows."""
        start, stop = self._judged, self._bottom
        if stop < self._file.grid.height:
            stop = cell_floor(stop)
        while self._damaged:
            block = self._damaged.pop()
            row, col = block.row - self._top, block.col - self.left
            self._leave_out(slice(row, row + block.height), slice(col, col + block.width))
        if stop <= start:
            return
        start, end = start - self._top, stop - self._top
        for rows, columns in black_cells(self._values[:, start:end]):
            self._leave_out(slice(start + rows.start, min(start + rows.stop, end)), columns)
        self._judged = stop

    def view(self, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
        """Return views of values and valid, None for all, of a window of the file that is buffered."""
        rows = slice(window.row - self._top, window.row - self._top + window.height)
        columns = slice(window.col - self.left, window.col - self.left + window.width)
        return self._values[:, rows, columns], None if self._valid is None else self._valid[rows, columns]

    def _move(self, top: int, bottom: int) -> None:
        """Drop the rows above ``top``, and make room down to ``bottom``."""
        kept = slice(top - self._top, self._bottom - self._top)
        rows, width = self._bottom - top, self.right - self.left
        room, last = len(self._room[0]), bottom == self._file.grid.height
        # The last rows take no more room than they need: the file below begins to fill its own beside it.
        if room < bottom - top or (last and room > bottom - top):
            values = np.empty((len(self._values), bottom - top, width), dtype=np.uint8)
            values[:, :rows] = self._values[:, kept]
            self._room = values
        elif kept.start:
            # Memory that is in use already costs less than new memory.
            self._room[:, :rows] = self._values[:, kept]
        valid = None if self._valid is None else self._valid[kept]
        if self._file.hidden or (valid is not None and not valid.all()):
            self._valid = np.ones((bottom - top, width), dtype=np.bool_)
            if valid is not None:
                self._valid[:rows] = valid
        else:
            self._valid = None
        self._values, self._top, self._bottom = self._room[:, : bottom - top], top, bottom

    def _leave_out(self, rows: slice, columns: slice) -> None:
        if self._valid is None:
            self._valid = np.ones(self._values.shape[1:], dtype=np.bool_)
        self._valid[rows, columns] = False


def spans(file: OrthoFile, left: int, right: int) -> list[SpanBuffer]:
    """Cut the blocks under some columns of a file into buffers; a file of whole rows gives one."""
    step = math.lcm(file.block_px[1], CELL_PX)
    wide = max(1, _SPAN_PX // step) * step
    first, last = left // step * step, min(math.ceil(right / step) * step, file.grid.width)
    return [SpanBuffer(file, col, min(col + wide, last)) for col in range(first, last, wide)]
