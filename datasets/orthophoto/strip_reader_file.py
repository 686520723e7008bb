"""One file of a mosaic under a sweep from top to bottom: its buffers, its open handles, its pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.file_reader import FileReader
from vigibati.datasets.orthophoto.placement import Placed, paint, part_of, shared_window
from vigibati.datasets.orthophoto.strip_reader_buffer import SpanBuffer, spans

# Resampling takes many times the memory of its rows.
_RESAMPLED_ROWS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Blocks of a file to be decoded; jobs may run side by side.

    Attributes:
        sweep: File.
        buffer: Where they go.
        window: Pixels of the file, whole blocks.
    """

    sweep: FileSweep
    buffer: SpanBuffer
    window: Window

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        height, width = self.sweep.placed.file.block_px
        return math.ceil(self.window.height / height) * math.ceil(self.window.width / width)

    def run(self) -> list[str]:
        """Decode them, and return what is wrong with each that is damaged."""
        with self.sweep.reader() as reader:
            return self.buffer.decode(self.window, reader)


class FileSweep:
    """Buffers and handles of one file for the windows of one column range, asked for downwards.

    Args:
        placed: File.
        window: A window of the column range.
    """

    def __init__(self, placed: Placed, window: Window) -> None:
        self.placed = placed
        self._free: list[FileReader] = []
        source = placed.source(shared_window(placed.window, window))
        self._buffers = spans(placed.file, source.col, source.col + source.width) if source.width else []
        self._used: list[tuple[SpanBuffer, Window]] = []

    def close(self) -> None:
        """Close the handles."""
        while self._free:
            self._free.pop().close()

    @contextmanager
    def reader(self) -> Iterator[FileReader]:
        """Lend a handle that nobody else uses meanwhile, opened when there is none."""
        try:
            reader = self._free.pop()
        except IndexError:
            reader = FileReader(self.placed.file)
        try:
            yield reader
        finally:
            self._free.append(reader)

    def plan(
        self,
        part: Window,
        columns: Sequence[tuple[int, int]],
        valid: NDArray[np.bool_],
        needed: NDArray[np.bool_],
    ) -> list[Job]:
        """Say what has to be decoded before a part can be painted.

        Args:
            part: Part of the file's cover.
            columns: Columns of the grid that matter, as (start, stop).
            valid: (H, W) of the part, True where there is an image already.
            needed: (block rows, block columns) of the file, is marked where pixels are needed.
        """
        jobs: list[Job] = []
        self._used = []
        keep = self.placed.source(Window(part.col, part.row, part.width, 1)).row
        for buffer in self._buffers:
            rows: list[int] = []
            left, right = self.placed.columns_on(buffer.left, buffer.right)
            for start, stop in columns:
                missing = _missing(part, max(start, left), min(stop, right), valid)
                if missing is None:
                    continue
                source = shared_window(self.placed.source(missing), buffer.columns)
                if source.width > 0 and source.height > 0:
                    _mark(needed, self.placed.file.block_px, source)
                    rows += [source.row, source.row + source.height]
            if rows:
                top, bottom = min(rows), max(rows)
                jobs += [Job(self, buffer, window) for window in buffer.grow(top, bottom, keep=keep)]
                self._used.append((buffer, replace(buffer.columns, row=top, height=bottom - top)))
        return jobs

    def paint(self, part: Window, canvas: Pixels) -> None:
        """Add what the file shows of a part to the pixels that have no image yet, once all is decoded."""
        for buffer, _ in self._used:
            buffer.judge()
        if self.placed.aligned:
            self._copy(part, canvas)
            return
        for top in range(0, part.height, _RESAMPLED_ROWS):
            rows = Window(part.col, part.row + top, part.width, min(_RESAMPLED_ROWS, part.height - top))
            self._resample(rows, part_of(canvas, part, rows))

    def _copy(self, part: Window, canvas: Pixels) -> None:
        cover = self.placed.window
        for buffer, rows in self._used:
            source = shared_window(self.placed.source(part), rows)
            target = replace(source, col=source.col + cover.col, row=source.row + cover.row)
            paint(part_of(canvas, part, target), *buffer.view(source))

    def _resample(self, part: Window, canvas: Pixels) -> None:
        source = self.placed.source(part)
        bands = len(canvas.values)
        pixels = Pixels(
            np.zeros((bands, source.height, source.width), dtype=np.uint8),
            np.zeros((source.height, source.width), dtype=np.bool_),
        )
        for buffer, rows in self._used:
            shared = shared_window(source, rows)
            if shared.width > 0 and shared.height > 0:
                paint(part_of(pixels, source, shared), *buffer.view(shared))
        if pixels.valid.any():
            seen = self.placed.to_grid(pixels, part)
            paint(canvas, seen.values, seen.valid)


def _missing(part: Window, start: int, stop: int, valid: NDArray[np.bool_]) -> Window | None:
    """Return the rows of some columns of a part in which a pixel has no image yet."""
    start, stop = max(start, part.col), min(stop, part.col + part.width)
    if start >= stop:
        return None
    rows = np.flatnonzero(~valid[:, start - part.col : stop - part.col].all(axis=1))
    if not rows.size:
        return None
    return Window(start, part.row + int(rows[0]), stop - start, int(rows[-1] - rows[0]) + 1)


def _mark(needed: NDArray[np.bool_], block_px: tuple[int, int], source: Window) -> None:
    (height, width), bottom, right = block_px, source.row + source.height, source.col + source.width
    rows = slice(source.row // height, math.ceil(bottom / height))
    needed[rows, source.col // width : math.ceil(right / width)] = True
