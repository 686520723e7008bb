"""An open orthophoto file: blocks decoded into arrays of the caller, each of them once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.black_cells import black_cells, cell_ceil, cell_floor
from vigibati.datasets.orthophoto.header import OrthoFile
from vigibati.datasets.orthophoto.safe_open import open_checked, shielded


class FileReader:
    """Reads one file; not to be used by two threads at once.

    Args:
        file: File.

    Raises:
        RasterError: The file cannot be opened, or has another size than before.
    """

    def __init__(self, file: OrthoFile) -> None:
        self._file = file
        hidden, grid = file.hidden, file.grid
        self._mask: Any | None = None
        self._dataset = open_checked(file.path, file.driver)
        if (self._dataset.width, self._dataset.height) != (grid.width, grid.height):
            self._dataset.close()
            raise RasterError(file.path, "was replaced while it was read", "start again")
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
        width = min(cell_ceil(window.col + window.width), self._file.grid.width) - col
        height = min(cell_ceil(window.row + window.height), self._file.grid.height) - row
        values = np.empty((len(self._file.bands), height, width), dtype=np.uint8)
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
            raise RasterError(self._file.path, _damage(window, error), "replace the file") from error

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
        file, hidden = self._file, self._file.hidden
        stored = values
        if hidden.alpha is None and file.scale is None:
            self._dataset.read(file.bands, window=part, out=values)
        else:
            # One call for all bands, so that pixel-interleaved blocks are decoded once.
            bands = file.bands if hidden.alpha is None else (*file.bands, hidden.alpha)
            stored = self._dataset.read(bands, window=part)
            values[...] = _scaled(stored[: len(file.bands)], file.scale)
        if self._mask is not None:
            return np.asarray(self._mask.read(1, window=part) > 0)
        if hidden.alpha is not None:
            return np.asarray(stored[-1] > 0)
        if hidden.inside:
            return np.asarray(self._dataset.read_masks(file.bands[0], window=part) > 0)
        if hidden.nodata is not None:
            return _differs(stored, hidden.nodata)
        return None

    def _decode_each(
        self, window: Window, values: NDArray[np.uint8], valid: NDArray[np.bool_] | None
    ) -> list[tuple[Window, str]]:
        damaged = []
        height, width = self._file.block_px
        for row in range(0, window.height, height):
            for col in range(0, window.width, width):
                rows, columns = slice(row, row + height), slice(col, col + width)
                inner = values[:, rows, columns]
                block = Window(window.col + col, window.row + row, inner.shape[2], inner.shape[1])
                try:
                    self._decode(block, inner, None if valid is None else valid[rows, columns])
                except RasterioError as error:
                    inner[...] = 0
                    damaged.append((block, f"{self._file.path}: {_damage(block, error)}"))
        return damaged


def _damage(window: Window, error: RasterioError) -> str:
    cause = " ".join(str(error.__cause__ or error).split())
    return f"is damaged near column {window.col}, row {window.row} ({cause})"


def _scaled(stored: NDArray[Any], scale: tuple[float, float] | None) -> NDArray[Any]:
    """Map ``scale`` to 0-255, to the nearest number, and clip what lies beyond; NaN becomes 0."""
    if scale is None:
        return stored
    low, high = scale
    scaled = (stored.astype(np.float32) - low) * (255 / (high - low))
    np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
    scaled[np.isnan(scaled)] = 0
    return scaled


def _differs(stored: NDArray[Any], nodata: tuple[float, ...]) -> NDArray[np.bool_]:
    """Tell which pixels have another value than nodata, which may be NaN, in some band."""
    differs = [
        ~np.isnan(band) if math.isnan(value) else band != value
        for band, value in zip(stored, nodata, strict=True)
    ]
    return np.asarray(np.logical_or.reduce(differs))
