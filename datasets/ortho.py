"""One or several orthophotos as a single image on one grid, read window by window."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import shapely
from affine import Affine
from pyproj import CRS

from vigibati.configs.errors import RasterError
from vigibati.datasets.file_reader import FileReader
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.ortho_file import OrthoFile, check_ortho_file
from vigibati.datasets.placed import ALIGNED_PX, paint, part_of, place, shared_window

_LOG = logging.getLogger(__name__)

# Within a tenth of its own pixel size a model needs no resampling; beyond twice it, an image
# holds too little of what the model was trained to see.
_SAME_GSD = 0.1
_COARSEST = 2.0
_STRIP_ROWS = 256
_OPEN_FILES = 64


class Orthophoto:
    """A mosaic of any number of files; use it in a ``with`` block, or close it.

    Files are opened when something of them is read, and few of them stay open.

    Attributes:
        grid: Grid of the union of all files.
        paths: Files, the first on top.
        placed: Where each of them lies on the grid, in the same order.
    """

    def __init__(self, grid: PixelGrid, files: Sequence[OrthoFile]) -> None:
        self.grid = grid
        self.paths = tuple(file.path for file in files)
        self.bands = ("red", "green", "blue")
        self.crs_given = self.band_order = self.scale = None
        self.gap_share = 0.0
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

    def under(self, window: Window) -> list[int]:
        """Return the numbers in ``placed`` of the files that cover some of a window, the first on top."""
        found = sorted(self._tree.query(_as_box(window)).tolist())
        parts = ((index, shared_window(self.placed[index].window, window)) for index in found)
        return [index for index, part in parts if part.width > 0 and part.height > 0]

    def read(self, window: Window) -> Pixels:
        """Read a window of the grid, wherever it lies.

        Where files overlap, the first that has an image wins. A pixel has no image outside the
        grid, in a gap between files, under a mask, alpha or nodata value of its file, and in a
        cell of 64 x 64 pixels, counted from its file's corner, that is wholly (0, 0, 0): many
        mosaics fill their gaps with black and declare no mask. No real roof fills a cell so.

        Raises:
            RasterError: A block of a file is damaged.
        """
        values = np.zeros((3, window.height, window.width), dtype=np.uint8)
        valid = np.zeros((window.height, window.width), dtype=np.bool_)
        for index in self.under(window):
            self._paint(index, window, Pixels(values, valid))
        return Pixels(values, valid)

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
            self._readers[index] = self.placed[index].file.open()
        self._readers.move_to_end(index)
        return self._readers[index]


def open_ortho(paths: Sequence[Path], *, gsd_m: float | None = None, crs: str | None = None, **_) -> Orthophoto:
    """Open GeoTIFF or JPEG 2000 files as one orthophoto.

    The grid is the first file's, stretched over all of them. It keeps the file's own pixels when
    they are within a tenth of ``gsd_m``; otherwise pixels are resampled to ``gsd_m`` on the ground.

    Args:
        paths: Files with red, green and blue of 8 bits, all in one projected CRS.
        gsd_m: Metres on the ground per pixel that are wanted; None keeps the first file's.
        crs: CRS of files that carry none, such as ``"EPSG:2154"``.

    Raises:
        RasterError: A file cannot be used, files differ in CRS, or pixels are over twice ``gsd_m``.
    """
    if not paths:
        raise RasterError("orthophoto", "no file was given", "name at least one GeoTIFF or JPEG 2000")
    files = _check_all(paths, crs)
    _check_one_crs(files)
    return Orthophoto(_union(files, gsd_m), files)


def _check_all(paths: Sequence[Path], crs: str | None) -> list[OrthoFile]:
    files: list[OrthoFile] = []
    errors: list[RasterError] = []
    for path in paths:
        try:
            files.append(check_ortho_file(path, crs=crs))
        except RasterError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        listed = " | ".join(str(error) for error in errors)
        raise RasterError(f"{len(errors)} of {len(paths)} files", listed, "mend or leave out these files")
    return files


def _check_one_crs(files: Sequence[OrthoFile]) -> None:
    groups: dict[str, list[str]] = {}
    for file in files:
        authority = file.grid.crs.to_authority()
        name = ":".join(authority) if authority else file.grid.crs.name
        groups.setdefault(name, []).append(file.path.name)
    if len(groups) > 1:
        listed = ", ".join(f"{name} ({', '.join(names)})" for name, names in groups.items())
        raise RasterError("orthophotos", f"differ in CRS: {listed}", "bring them into one: gdalwarp -t_srs")


def _union(files: Sequence[OrthoFile], gsd_m: float | None) -> PixelGrid:
    first = files[0].grid
    target = first.gsd_m if gsd_m is None else gsd_m
    for file in files:
        native = _pixel_sides_m(file.grid)
        if max(native) > _COARSEST * target:
            cause = f"has pixels of {max(native):.2f} m, {target:.2f} m are needed (at most twice that)"
            raise RasterError(file.path, cause, "use a finer orthophoto, or a model made for such pixels")
    sides = _pixel_sides_m(first)
    if all(abs(side / target - 1) <= _SAME_GSD for side in sides):
        a, e = first.transform.a, first.transform.e
    else:
        a = target / first.ground_scale
        e = -a
        _LOG.info("%s: resampled from %.3f m to %.3f m", files[0].path.name, first.gsd_m, target)
    return _stretched(first.crs, Affine(a, 0, first.transform.c, 0, e, first.transform.f), files)


def _stretched(crs: CRS, transform: Affine, files: Sequence[OrthoFile]) -> PixelGrid:
    corners = np.array([file.grid.bounds for file in files])
    left, bottom = corners[:, :2].min(axis=0)
    right, top = corners[:, 2:].max(axis=0)
    # A file that ends a hair's breadth after a pixel does not need one more.
    first_col = math.floor((left - transform.c) / transform.a + ALIGNED_PX)
    first_row = math.floor((top - transform.f) / transform.e + ALIGNED_PX)
    last_col = math.ceil((right - transform.c) / transform.a - ALIGNED_PX)
    last_row = math.ceil((bottom - transform.f) / transform.e - ALIGNED_PX)
    x, y = transform.c + transform.a * first_col, transform.f + transform.e * first_row
    moved = Affine(transform.a, 0, x, 0, transform.e, y)
    return PixelGrid(crs, moved, max(1, last_col - first_col), max(1, last_row - first_row))


def _pixel_sides_m(grid: PixelGrid) -> tuple[float, float]:
    scale = grid.ground_scale
    return grid.transform.a * scale, -grid.transform.e * scale


def _as_box(window: Window) -> shapely.Polygon:
    return shapely.box(window.col, window.row, window.col + window.width, window.row + window.height)
