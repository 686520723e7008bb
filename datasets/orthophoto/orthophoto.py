"""One or several orthophotos as a single image on one grid, read window by window."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import shapely

from vigibati.configs.errors import RasterError
from vigibati.configs.paths import StrPaths, as_paths
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.orthophoto.file_reader import FileReader
from vigibati.datasets.orthophoto.find_tiles import find_tiles
from vigibati.datasets.orthophoto.header import RGB, BandRequest, OrthoFile, check_ortho_file
from vigibati.datasets.orthophoto.mosaic_grid import common_grid
from vigibati.datasets.orthophoto.placement import paint, part_of, place, shared_window

# Rows that are painted at once where resampling takes many times their memory.
_STRIP_ROWS = 256
_OPEN_FILES = 64


@dataclass(frozen=True, slots=True)
class Gaps:
    """What of a mosaic's grid is covered by no file.

    Attributes:
        share: Share of the grid's area, 0-1.
        count: Number of connected parts.
    """

    share: float
    count: int


class Orthophoto:
    """A mosaic of any number of files; use it in a ``with`` block, or close it.

    Files are opened when something of them is read, and few of them stay open.

    Attributes:
        grid: Grid of the union of all files.
        paths: Files, the first on top.
        request: What is read of every file.
        crs_given: CRS that was given for files that carry none.
        placed: Where each of them lies on the grid, in the same order.
    """

    def __init__(
        self,
        grid: PixelGrid,
        files: Sequence[OrthoFile],
        *,
        request: BandRequest | None = None,
        crs_given: str | None = None,
    ) -> None:
        self.grid = grid
        self.request = request or BandRequest()
        self.crs_given = crs_given
        self.paths = tuple(file.path for file in files)
        self.placed = tuple(place(file, grid) for file in files)
        self._tree = shapely.STRtree([_as_box(placed.window) for placed in self.placed])
        self._readers: OrderedDict[int, FileReader] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        while self._readers:
            self._readers.popitem()[1].close()

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, in the order of the values."""
        return self.request.bands

    def under(self, window: Window) -> list[int]:
        """Return the numbers in ``placed`` of the files that cover some of a window, the first on top."""
        found = sorted(self._tree.query(_as_box(window)).tolist())
        parts = ((index, shared_window(self.placed[index].window, window)) for index in found)
        return [index for index, part in parts if part.width > 0 and part.height > 0]

    @cached_property
    def gaps(self) -> Gaps:
        """The parts of the grid that no file covers, from the headers alone."""
        grid = shapely.box(0, 0, self.grid.width, self.grid.height)
        covers = shapely.union_all([_as_box(placed.window) for placed in self.placed])
        bare = [part for part in shapely.get_parts(grid.difference(covers)) if not part.is_empty]
        return Gaps(float(shapely.area(bare).sum()) / grid.area, len(bare))

    def read(self, window: Window) -> Pixels:
        """Read a window of the grid, wherever it lies.

        Where files overlap, the first that has an image wins. A pixel has no image outside the
        grid, in a gap between files, under a mask, alpha or nodata value of its file, and in a
        cell of 64 x 64 pixels, counted from its file's corner, that is wholly (0, 0, 0): many
        mosaics fill their gaps with black and declare no mask. No real roof fills a cell so.

        Raises:
            RasterError: A block of a file is damaged.
        """
        canvas = self.blank(window)
        for index in self.under(window):
            self._paint(index, window, canvas)
        return canvas

    def blank(self, window: Window) -> Pixels:
        """Return the pixels of a window that shows nothing."""
        shape = (window.height, window.width)
        return Pixels(np.zeros((len(self.bands), *shape), dtype=np.uint8), np.zeros(shape, dtype=np.bool_))

    def _paint(self, index: int, window: Window, canvas: Pixels) -> None:
        """Add what a file shows of a window to the pixels that have no image yet."""
        placed = self.placed[index]
        cover = shared_window(placed.window, window)
        for top in range(0, cover.height, _STRIP_ROWS):
            rows = min(_STRIP_ROWS, cover.height - top)
            part = Window(cover.col, cover.row + top, cover.width, rows)
            seen = part_of(canvas, window, part)
            if seen.valid.all():
                continue
            source = placed.source(part)
            if source.width and source.height:
                pixels = placed.to_grid(self._reader(index).read(source), part)
                paint(seen, pixels.values, pixels.valid)

    def _reader(self, index: int) -> FileReader:
        if index not in self._readers:
            if len(self._readers) >= _OPEN_FILES:
                self._readers.popitem(last=False)[1].close()
            self._readers[index] = FileReader(self.placed[index].file)
        self._readers.move_to_end(index)
        return self._readers[index]


def open_ortho(
    paths: StrPaths,
    *,
    gsd_m: float | None = None,
    crs: str | None = None,
    bands: Sequence[str] = RGB,
    band_order: Sequence[int] | None = None,
    scale: tuple[float, float] | None = None,
) -> Orthophoto:
    """Open GeoTIFF or JPEG 2000 files as one orthophoto.

    The grid is the first file's, stretched over all of them. It keeps the file's own pixels when
    they are within a tenth of ``gsd_m``; otherwise pixels are resampled to ``gsd_m`` on the ground.
    Where files overlap, the first named lies on top; those of a folder are in the order of their names.

    Args:
        paths: File, or files, folders of files, and lists of them (``tiles.txt`` or ``@tiles``, see
            `find_tiles`), all in one projected CRS.
        gsd_m: Metres on the ground per pixel that are wanted; None keeps the first file's.
        crs: CRS of files that carry none, such as ``"EPSG:2154"``.
        bands: What is read, among red, green, blue and nir, in this order.
        band_order: Numbers of the bands that hold ``bands``, from 1, whatever the files say of them.
        scale: Stored values that become 0 and 255; those between follow linearly, those beyond are
            clipped. Nodata is told apart before. Needed where values have more than 8 bits; files of 8
            bits stay as they are.

    Raises:
        RasterError: A file cannot be used, files differ in CRS, or pixels are over twice ``gsd_m``.
        SettingsError: ``bands``, ``band_order`` and ``scale`` do not hold.
    """
    request = BandRequest(tuple(bands), None if band_order is None else tuple(band_order), scale)
    given = as_paths(paths)
    if not given:
        raise RasterError("orthophoto", "no file was given", "name at least one GeoTIFF or JPEG 2000")
    files = _check_all(find_tiles(given), crs, request)
    return Orthophoto(common_grid(files, gsd_m=gsd_m), files, request=request, crs_given=crs)


def _check_all(paths: Sequence[Path], crs: str | None, request: BandRequest) -> list[OrthoFile]:
    files: list[OrthoFile] = []
    errors: list[RasterError] = []
    for path in paths:
        try:
            files.append(check_ortho_file(path, crs=crs, request=request))
        except RasterError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listed = " | ".join(str(error) for error in errors)
        raise RasterError(f"{len(errors)} of {len(paths)} files", listed, "mend or leave out these files")
    return files


def _as_box(window: Window) -> shapely.Polygon:
    return shapely.box(window.col, window.row, window.col + window.width, window.row + window.height)
