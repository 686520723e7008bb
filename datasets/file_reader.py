"""An open orthophoto file: blocks decoded into arrays of the caller, each of them once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from vigibati.configs.errors import RasterError
from vigibati.datasets.cells import black_cells, cell_ceil, cell_floor
from vigibati.datasets.grid import PixelGrid, Pixels, Window
from vigibati.datasets.raster_checks import open_checked, shielded


@dataclass(frozen=True, slots=True)
class Hidden:
    """How a file says that a pixel is no image; one way at most.

    Attributes:
        side: TIFF beside the file whose first band is the mask, 0 = no image.
        side_driver: GDAL driver of that file.
        alpha: Number of the alpha band, 0 = no image.
        inside: The file holds a mask of its own.
        nodata: One value a band; a pixel that has it in all of them is no image.
    """

    side: Path | None = None
    side_driver: str = "GTiff"
    alpha: int | None = None
    inside: bool = False
    nodata: tuple[float, ...] | None = None

    def __bool__(self) -> bool:
        return bool(self.side or self.alpha or self.inside or self.nodata)


class FileReader:
    """Reads one file; not to be used by two threads at once.

    Args:
        path: File.
        driver: Its GDAL driver.
        bands: Numbers of the bands to read, from 1.
        hidden: How it says that a pixel is no image.
        grid: Its pixels.
        block_px: Rows and columns of its blocks.

    Raises:
        RasterError: The file cannot be opened, or has another size than before.
    """

    def __init__(
        self,
        path: Path,
        driver: str,
        bands: tuple[int, ...],
        hidden: Hidden,
        grid: PixelGrid,
        block_px: tuple[int, int],
    ) -> None:
        self._path, self._bands, self._hidden = path, bands, hidden
        self._grid, self._block_px = grid, block_px
        self._mask: Any | None = None
        self._dataset = open_checked(path, driver)
        if (self._dataset.width, self._dataset.height) != (grid.width, grid.height):
            self._dataset.close()
            raise RasterError(path, "was replaced while it was read", "start again")
        if hidden.side is not None:
            try:
                self._mask = open_checked(hidden.side, hidden.side_driver)
            except RasterError:
                self._dataset.close()
                raise

    def close(self) -> None:
        """Close the file and its mask."""
        self._dataset.close()
        if self._mask is not None:
            self._mask.close()

    def read(self, window: Window) -> Pixels:
        """Read a window that lies within the file.

        Cells of 64 x 64 pixels, counted from the file's corner, that are wholly (0, 0, 0) are no
        image; so is what the mask, alpha or nodata value leaves out.

        Raises:
            RasterError: A block under the window is damaged.
        """
        col, row = cell_floor(window.col), cell_floor(window.row)
        width = min(cell_ceil(window.col + window.width), self._grid.width) - col
        height = min(cell_ceil(window.row + window.height), self._grid.height) - row
        values = np.empty((len(self._bands), height, width), dtype=np.uint8)
        valid = np.ones((height, width), dtype=np.bool_)
        self.decode(Window(col, row, width, height), values, valid)
        for cell in black_cells(values):
            valid[cell] = False
        rows = slice(window.row - row, window.row - row + window.height)
        columns = slice(window.col - col, window.col - col + window.width)
        values, valid = values[:, rows, columns], valid[rows, columns]
        if not valid.all():
            values *= valid
        return Pixels(values, valid)

    def decode(self, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> None:
        """Decode a window that lies within the file, as it is stored.

        Args:
            window: Pixels of the file.
            values: (bands, H, W), is filled.
            valid: (H, W), is filled where the file says that pixels are no image; may be None where
                it never does.

        Raises:
            RasterError: A block under the window is damaged.
        """
        try:
            self._decode(window, values, valid)
        except RasterioError as error:
            raise RasterError(self._path, _damage(window, error), "replace the file") from error

    def decode_blocks(
        self, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None
    ) -> list[tuple[Window, str]]:
        """Decode a window of whole blocks; of those that are damaged nothing is kept, of others all.

        Args:
            window: Pixels of the file, from the corner of a block.
            values: (bands, H, W), is filled; 0 in damaged blocks.
            valid: As for `decode`.

        Returns:
            The damaged blocks, and what is wrong with each.
        """
        try:
            self._decode(window, values, valid)
        except RasterioError:
            return self._decode_each(window, values, valid)
        return []

    def _decode(self, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None) -> None:
        part = rasterio.windows.Window(window.col, window.row, window.width, window.height)
        with shielded():
            shown = self._decode_part(part, values)
        if valid is not None and shown is not None:
            valid[...] = shown

    def _decode_part(
        self, part: rasterio.windows.Window, values: NDArray[np.uint8]
    ) -> NDArray[np.bool_] | None:
        hidden = self._hidden
        if hidden.alpha is not None:
            # One call for all bands, so that pixel-interleaved blocks are decoded once.
            stored = self._dataset.read((*self._bands, hidden.alpha), window=part)
            values[...] = stored[:-1]
            return np.asarray(stored[-1] > 0)
        self._dataset.read(self._bands, window=part, out=values)
        if self._mask is not None:
            return np.asarray(self._mask.read(1, window=part) > 0)
        if hidden.inside:
            return np.asarray(self._dataset.read_masks(self._bands[0], window=part) > 0)
        if hidden.nodata is not None:
            pairs = zip(values, hidden.nodata, strict=True)
            return np.asarray(np.logical_or.reduce([band != nodata for band, nodata in pairs]))
        return None

    def _decode_each(
        self, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None
    ) -> list[tuple[Window, str]]:
        damaged = []
        height, width = self._block_px
        for row in range(0, window.height, height):
            for col in range(0, window.width, width):
                rows, columns = slice(row, row + height), slice(col, col + width)
                inner = values[:, rows, columns]
                block = Window(window.col + col, window.row + row, inner.shape[2], inner.shape[1])
                try:
                    self._decode(block, inner, None if valid is None else valid[rows, columns])
                except RasterioError as error:
                    inner[...] = 0
                    damaged.append((block, f"{self._path}: {_damage(block, error)}"))
        return damaged


def _damage(window: Window, error: RasterioError) -> str:
    cause = " ".join(str(error.__cause__ or error).split())
    return f"is damaged near column {window.col}, row {window.row} ({cause})"
