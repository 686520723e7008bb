"""A mosaic read from top to bottom, every block of every file decoded once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.datasets.orthophoto.placement import part_of, shared_window
from vigibati.datasets.orthophoto.strip_reader_file import FileSweep, Job

# Two files that share less are decoded side by side; below it there is nothing to be saved.
_THIN_PX = 64


class StripReader:
    """Reads windows of one column range from top to bottom; use it in a ``with`` block, or close it.

    Successive windows have the same ``col`` and ``width`` and rows that never go back; they may share
    rows with the one before, touch it or leave a gap. What they share comes from a buffer of decoded
    blocks, not from the file. Another column range, or a row further up, drops the buffers. Memory
    holds the rows of a window and of a block, once for the buffer and once for the result.

    A file is open from the first window that needs it to the first one below it.

    Args:
        ortho: Mosaic; it must stay as it is while the reader is in use.
        threads: How many blocks are decoded at once.

    Attributes:
        blocks_decoded: Blocks decoded so far, those decoded again included.
    """

    def __init__(self, ortho: Orthophoto, *, threads: int = 1) -> None:
        self.blocks_decoded = 0
        self._damaged: dict[str, None] = {}
        self._ortho = ortho
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._sweeps: dict[int, FileSweep] = {}
        self._needed: dict[int, NDArray[np.bool_]] = {}
        self._last: Window | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def damaged(self) -> list[str]:
        """One line for every block that cannot be read, the first met first."""
        return list(self._damaged)

    @property
    def blocks_needed(self) -> int:
        """Different blocks under the pixels that were needed so far."""
        return sum(int(np.count_nonzero(blocks)) for blocks in self._needed.values())

    def close(self) -> None:
        """Close every file and end the threads."""
        self._drop(list(self._sweeps))
        if self._pool is not None:
            self._pool.shutdown()

    def read(self, window: Window, needed: Sequence[tuple[int, int]] | None = None) -> Pixels:
        """Read a window of the grid: the same pixels as `Orthophoto.read`, but for damaged blocks.

        Args:
            window: Window; it may reach outside the grid.
            needed: Columns of the grid that matter, as (start, stop). Elsewhere pixels are as they
                may be: without image, or of a file further down. None = all columns.

        Raises:
            RasterError: A file is gone or was replaced.
        """
        self._turn_to(window)
        columns = [(window.col, window.col + window.width)] if needed is None else needed
        canvas = self._ortho.blank(window)
        try:
            for indices in self._batches(window):
                self._read_together(indices, window, columns, canvas)
        except RasterError:
            self._drop(list(self._sweeps))
            raise
        return canvas

    def _turn_to(self, window: Window) -> None:
        last, self._last = self._last, window
        if last is None:
            return
        goes_on = (window.col, window.width) == (last.col, last.width) and window.row >= last.row
        covers = ((index, self._ortho.placed[index].window) for index in self._sweeps)
        self._drop([i for i, cover in covers if not goes_on or cover.row + cover.height <= window.row])

    def _drop(self, indices: Sequence[int]) -> None:
        for index in indices:
            self._sweeps.pop(index).close()

    def _batches(self, window: Window) -> Iterator[list[int]]:
        """Yield the files under a window, in order, such that none hides much of another of its batch."""
        batch: list[int] = []
        for index in self._ortho.under(window):
            if any(self._hides(upper, index) for upper in batch):
                yield batch
                batch = []
            batch.append(index)
        yield batch

    def _hides(self, upper: int, lower: int) -> bool:
        both = shared_window(self._ortho.placed[upper].window, self._ortho.placed[lower].window)
        return both.width > _THIN_PX and both.height > _THIN_PX

    def _read_together(
        self, indices: Sequence[int], window: Window, columns: Sequence[tuple[int, int]], canvas: Pixels
    ) -> None:
        """Decode what the canvas still misses of some files, side by side, and paint it in order."""
        jobs: list[Job] = []
        for index in indices:
            placed = self._ortho.placed[index]
            if index not in self._sweeps:
                self._sweeps[index] = FileSweep(placed, window)
            part = shared_window(placed.window, window)
            needed = self._needed.setdefault(index, np.zeros(placed.file.blocks, dtype=np.bool_))
            jobs += self._sweeps[index].plan(part, columns, part_of(canvas, window, part).valid, needed)
        self.blocks_decoded += sum(job.blocks for job in jobs)
        for damaged in map(Job.run, jobs) if self._pool is None else self._pool.map(Job.run, jobs):
            self._damaged |= dict.fromkeys(damaged)
        for index in indices:
            part = shared_window(self._ortho.placed[index].window, window)
            self._sweeps[index].paint(part, part_of(canvas, window, part))
