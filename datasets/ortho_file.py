"""One orthophoto file: checked at its header, read as red, green, blue and a mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.windows
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.raster_checks import open_raster, shielded
from vigibati.datasets.raster_crs import read_crs

_CELL_PX = 64


@dataclass(frozen=True, slots=True)
class OrthoFile:
    """An open file whose header holds.

    Attributes:
        path: File.
        grid: Its own pixels.
    """

    path: Path
    grid: PixelGrid
    _dataset: Any
    _mask: Any
    _bands: tuple[int, ...]

    def read(self, window: Window) -> Pixels:
        """Read a window that lies within the file.

        Cells of 64 x 64 pixels, counted from the file's corner, that are wholly (0, 0, 0) are no
        image; so is what the mask, alpha or nodata value leaves out.

        Raises:
            RasterError: A block under the window is damaged.
        """
        col, row = window.col // _CELL_PX * _CELL_PX, window.row // _CELL_PX * _CELL_PX
        right = min(_to_cell_end(window.col + window.width), self.grid.width)
        bottom = min(_to_cell_end(window.row + window.height), self.grid.height)
        pixels = self._read_cells(Window(col, row, right - col, bottom - row))
        rows = slice(window.row - row, window.row - row + window.height)
        columns = slice(window.col - col, window.col - col + window.width)
        return Pixels(pixels.values[:, rows, columns], pixels.valid[rows, columns])

    def close(self) -> None:
        """Close the file and its mask."""
        self._dataset.close()
        if self._mask is not None:
            self._mask.close()

    def _read_cells(self, window: Window) -> Pixels:
        part = rasterio.windows.Window(window.col, window.row, window.width, window.height)
        try:
            with shielded():
                values: NDArray[np.uint8] = self._dataset.read(self._bands, window=part)
                if self._mask is None:
                    mask = self._dataset.dataset_mask(window=part)
                else:
                    mask = self._mask.read(1, window=part)
        except RasterioError as error:
            cause = f"is damaged near column {window.col}, row {window.row} ({error.__cause__ or error})"
            raise RasterError(self.path, cause, "replace the file") from error
        valid: NDArray[np.bool_] = (mask > 0) & ~_black_cells(values)
        values[:, ~valid] = 0
        return Pixels(values, valid)


def open_ortho_file(path: Path, *, crs: str | None) -> OrthoFile:
    """Open an orthophoto file and check everything that its header tells.

    A mask beside the file (``name.tif.msk``) is honoured when it is a TIFF of the same size.

    Args:
        path: GeoTIFF or JPEG 2000.
        crs: CRS of a file that carries none.

    Raises:
        RasterError: The file cannot be used.
    """
    dataset = open_raster(path)
    try:
        bands = _colour_bands(path, dataset)
        _check_north_up(path, dataset)
        wkt = dataset.crs.to_wkt() if dataset.crs else None
        grid = PixelGrid(
            read_crs(wkt, fallback=crs, path=path), dataset.transform, dataset.width, dataset.height
        )
        return OrthoFile(path, grid, dataset, _open_mask(path, grid), bands)
    except RasterError:
        dataset.close()
        raise


def _colour_bands(path: Path, dataset: Any) -> tuple[int, ...]:  # noqa: ANN401
    found = dataset.colorinterp
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if ColorInterp.palette in found:
        raise RasterError(path, "holds a palette, not colours", "expand it: gdal_translate -expand rgb")
    if any(colour not in found for colour in wanted):
        names = ", ".join(colour.name for colour in found)
        cure = "give the colour image; if only the names are lost: gdal_translate -colorinterp red,green,blue"
        raise RasterError(path, f"lacks a red, green or blue band (it has {names})", cure)
    bands = tuple(found.index(colour) + 1 for colour in wanted)
    kinds = sorted({dataset.dtypes[band - 1] for band in bands})
    if kinds != ["uint8"]:
        cause = f"holds {', '.join(kinds)} values, 8-bit colours are needed"
        raise RasterError(path, cause, "convert it: gdal_translate -scale -ot Byte")
    return bands


def _check_north_up(path: Path, dataset: Any) -> None:  # noqa: ANN401
    transform = dataset.transform
    if transform.is_identity:
        cure = "give the file with its georeference, or set it: gdal_translate -a_ullr"
        raise RasterError(path, "says nowhere where it lies on the ground", cure)
    if transform.b or transform.d:
        raise RasterError(path, "is rotated or sheared", "turn it north up: gdalwarp in.tif out.tif")
    if transform.a <= 0 or transform.e >= 0:
        raise RasterError(path, "is not stored north up", "turn it: gdalwarp in.tif out.tif")


def _open_mask(path: Path, grid: PixelGrid) -> Any | None:  # noqa: ANN401
    side = path.with_name(f"{path.name}.msk")
    if not side.is_file():
        return None
    mask = open_raster(side)
    if (mask.width, mask.height) != (grid.width, grid.height) or mask.dtypes[0] != "uint8":
        mask.close()
        cause = f"is no 8-bit mask of {grid.width} x {grid.height} pixels"
        raise RasterError(side, cause, "remove or remake it")
    return mask


def _to_cell_end(pixel: int) -> int:
    return -(-pixel // _CELL_PX) * _CELL_PX


def _black_cells(values: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return, for whole cells from the upper left, (H, W) True where the pixel's cell is black."""
    height, width = values.shape[1:]
    lit = values.any(axis=0)
    lit = np.pad(lit, ((0, _to_cell_end(height) - height), (0, _to_cell_end(width) - width)))
    cells = lit.reshape(lit.shape[0] // _CELL_PX, _CELL_PX, lit.shape[1] // _CELL_PX, _CELL_PX)
    black = ~cells.any(axis=(1, 3))
    return black.repeat(_CELL_PX, axis=0).repeat(_CELL_PX, axis=1)[:height, :width]
