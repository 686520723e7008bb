"""One or several orthophotos as a single image on one grid, read window by window."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.ortho_file import OrthoFile, open_ortho_file
from vigibati.datasets.resample import Axis, resample

_LOG = logging.getLogger(__name__)

# Within a tenth of its own pixel size a model needs no resampling; beyond twice it, an image
# holds too little of what the model was trained to see.
_SAME_GSD = 0.1
_COARSEST = 2.0
# A twentieth of a pixel, 1 cm at 20 cm, is far below what any comparison with records sees.
_ALIGNED_PX = 0.05
_STRIP_ROWS = 256


class Orthophoto:
    """An open mosaic; use it in a ``with`` block, or close it.

    Attributes:
        grid: Grid of the union of all files.
        paths: Files, the first on top.
    """

    def __init__(self, grid: PixelGrid, files: Sequence[OrthoFile]) -> None:
        self.grid = grid
        self.paths = tuple(file.path for file in files)
        self._placed = [_place(file, grid) for file in files]
        self._stack = ExitStack()
        for file in files:
            self._stack.callback(file.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        self._stack.close()

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
        for placed in self._placed:
            _paint(placed, window, values, valid)
        return Pixels(values, valid)


def open_ortho(paths: Sequence[Path], *, gsd_m: float | None = None, crs: str | None = None) -> Orthophoto:
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
    files = _open_all(paths, crs)
    try:
        _check_one_crs(files)
        grid = _union(files, gsd_m)
        return Orthophoto(grid, files)
    except RasterError:
        for file in files:
            file.close()
        raise


@dataclass(frozen=True, slots=True)
class _Placed:
    file: OrthoFile
    across: Axis
    down: Axis
    # Grid pixels that the file covers: its own pixels where it is aligned.
    window: Window
    aligned: bool


def _open_all(paths: Sequence[Path], crs: str | None) -> list[OrthoFile]:
    files: list[OrthoFile] = []
    errors: list[RasterError] = []
    for path in paths:
        try:
            files.append(open_ortho_file(path, crs=crs))
        except RasterError as error:
            errors.append(error)
    if errors:
        for file in files:
            file.close()
        if len(errors) == 1:
            raise errors[0]
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
    first_col = math.floor((left - transform.c) / transform.a + _ALIGNED_PX)
    first_row = math.floor((top - transform.f) / transform.e + _ALIGNED_PX)
    last_col = math.ceil((right - transform.c) / transform.a - _ALIGNED_PX)
    last_row = math.ceil((bottom - transform.f) / transform.e - _ALIGNED_PX)
    x, y = transform.c + transform.a * first_col, transform.f + transform.e * first_row
    moved = Affine(transform.a, 0, x, 0, transform.e, y)
    return PixelGrid(crs, moved, max(1, last_col - first_col), max(1, last_row - first_row))


def _pixel_sides_m(grid: PixelGrid) -> tuple[float, float]:
    scale = grid.ground_scale
    return grid.transform.a * scale, -grid.transform.e * scale


def _place(file: OrthoFile, grid: PixelGrid) -> _Placed:
    mine, target = file.grid.transform, grid.transform
    across = Axis(target.a / mine.a, (target.c - mine.c) / mine.a, file.grid.width)
    down = Axis(target.e / mine.e, (target.f - mine.f) / mine.e, file.grid.height)
    col, col_stop, col_aligned = _cover(across)
    row, row_stop, row_aligned = _cover(down)
    window = Window(col, row, col_stop - col, row_stop - row)
    return _Placed(file, across, down, window, aligned=col_aligned and row_aligned)


def _cover(axis: Axis) -> tuple[int, int, bool]:
    start, stop = -axis.offset / axis.scale, (axis.size - axis.offset) / axis.scale
    aligned = round(stop) - round(start) == axis.size and all(
        abs(end - round(end)) <= _ALIGNED_PX for end in (start, stop)
    )
    return (round(start), round(stop), True) if aligned else (math.floor(start), math.ceil(stop), False)


def _paint(placed: _Placed, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_]) -> None:
    """Add what a file shows of a window to the pixels that have no image yet."""
    cover = placed.window
    left, right = max(window.col, cover.col), min(window.col + window.width, cover.col + cover.width)
    top, bottom = max(window.row, cover.row), min(window.row + window.height, cover.row + cover.height)
    if left >= right:
        return
    for start in range(top, bottom, _STRIP_ROWS):
        strip = Window(left, start, right - left, min(_STRIP_ROWS, bottom - start))
        rows = slice(start - window.row, start - window.row + strip.height)
        columns = slice(left - window.col, right - window.col)
        if valid[rows, columns].all():
            continue
        pixels = _read_placed(placed, strip)
        new = pixels.valid & ~valid[rows, columns]
        np.copyto(values[:, rows, columns], pixels.values, where=new)
        valid[rows, columns] |= new


def _read_placed(placed: _Placed, part: Window) -> Pixels:
    if placed.aligned:
        own = Window(part.col - placed.window.col, part.row - placed.window.row, part.width, part.height)
        return placed.file.read(own)
    columns, rows = (part.col, part.col + part.width), (part.row, part.row + part.height)
    (left, right), (top, bottom) = placed.across.span(*columns), placed.down.span(*rows)
    if left >= right or top >= bottom:
        blank = np.zeros((part.height, part.width), dtype=np.bool_)
        return Pixels(np.zeros((3, *blank.shape), dtype=np.uint8), blank)
    source = placed.file.read(Window(left, top, right - left, bottom - top))
    return resample(source, down=placed.down.weights(*rows), across=placed.across.weights(*columns))
