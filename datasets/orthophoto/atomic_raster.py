"""Rasters that appear whole or not at all, although GDAL does not tell of every disk that fills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import OutputError, RasterError
from vigibati.datasets.orthophoto.safe_open import open_raster


@contextmanager
def whole_raster(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` only if the block leaves a whole GeoTIFF there.

    Args:
        path: Final file; its folder is made when it is missing.

    Raises:
        OutputError: The file cannot be written, or what was written is cut short.
    """
    try:
        with whole_file(path) as part:
            yield part
            # GDAL writes the last blocks when it closes a file, and what fails then is only logged.
            _check_whole(part, path)
    # The last one is what rasterio lets through where it copies.
    except (RasterioError, OSError, CPLE_BaseError) as error:
        raise _no_room(path, error) from error


def _check_whole(part: Path, path: Path) -> None:
    try:
        open_raster(part).close()
    except RasterError as error:
        raise _no_room(path, error) from error


def _no_room(path: Path, error: Exception) -> OutputError:
    return OutputError(path, f"cannot be written ({error})", "see that the disk has room, and run again")
