"""Raster files are opened here and nowhere else: by what they are, not by what they are called."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from vigibati.configs.errors import RasterError

_DRIVERS = {
    b"II*\x00": "GTiff",
    b"MM\x00*": "GTiff",
    b"II+\x00": "GTiff",
    b"MM\x00+": "GTiff",
    b"\x00\x00\x00\x0cjP  \r\n\x87\n": "JP2OpenJPEG",
    b"\xff\x4f\xff\x51": "JP2OpenJPEG",
}
# GDAL takes these for the network or an archive; Path turns "s3://" into "s3:/".
_REMOTE = re.compile(r"/vsi|[a-z][a-z0-9+.\-]+:/", re.IGNORECASE)
# Some blocks of every file that is being read; rasterio takes bytes where GDAL takes megabytes.
_CACHE_BYTES = 64 * 2**20
# One block must fit into memory many times over.
_MAX_BLOCK_BYTES = 512 * 2**20
# A real image never reaches it; a file of a few kilobytes that declares a continent does.
_MAX_PIXELS_PER_BYTE = 100_000


@contextmanager
def shielded() -> Iterator[None]:
    """Keep GDAL from opening files that lie beside the one it was given (masks, overviews, world files).

    Needed around every open and read, because GDAL looks for some of them late. Its cache of blocks,
    a twentieth of the machine's memory otherwise, is kept small too: who needs rows again keeps them.
    """
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", CPL_DEBUG=False, GDAL_CACHEMAX=_CACHE_BYTES):
        yield


def open_raster(path: Path) -> Any:  # noqa: ANN401 - rasterio has no types
    """Open a GeoTIFF or JPEG 2000 file for reading, with the driver that its first bytes call for.

    A VRT is refused under any name: it can make GDAL read every file of the machine, or the network.

    Returns:
        An open rasterio dataset.

    Raises:
        RasterError: The file is missing, remote, empty, of another format, damaged, cut short or
            declares sizes that no image has.
    """
    driver = _driver(path)
    dataset = open_checked(path, driver)
    try:
        _check_sizes(path, dataset)
        if driver == "GTiff":
            _check_whole(path, dataset)
    except RasterError:
        dataset.close()
        raise
    return dataset


def open_checked(path: Path, driver: str) -> Any:  # noqa: ANN401
    """Open a file again that `open_raster` has checked, with the driver that it found.

    Raises:
        RasterError: The file is gone or damaged.
    """
    try:
        with shielded(), warnings.catch_warnings():
            # Whoever needs to know where the pixels lie asks, and says so in an error.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path, driver=driver)
    except RasterioError as error:
        raise RasterError(path, f"cannot be opened ({error})", "replace the file, it is damaged") from error


def _driver(path: Path) -> str:
    if _REMOTE.match(str(path)):
        raise RasterError(path, "is not a file of this machine", "download it first")
    if path.is_dir():
        raise RasterError(path, "is a folder", f"name its files, such as {path / '*.tif'}")
    try:
        with path.open("rb") as handle:
            start = handle.read(64)
    except OSError as error:
        raise RasterError(path, f"cannot be read ({error.strerror})", "give an existing file") from error
    if not start:
        raise RasterError(path, "is empty (0 bytes)", "download it again")
    for magic, driver in _DRIVERS.items():
        if start.startswith(magic):
            return driver
    text = start.lstrip()
    if text.startswith(b"<VRTDataset"):
        raise RasterError(path, "is a VRT, which can point to any file", "give the tiles that it names")
    shown = text.split(b">")[0].split(b"\n")[0][:16].decode("ascii", errors="backslashreplace").split(" ")[0]
    raise RasterError(path, f"not a GeoTIFF or JPEG 2000 (starts with '{shown}')", "give the image itself")


def _check_sizes(path: Path, dataset: Any) -> None:  # noqa: ANN401
    pixels = dataset.width * dataset.height
    size = path.stat().st_size
    if pixels > _MAX_PIXELS_PER_BYTE * size:
        cause = f"declares {dataset.width} x {dataset.height} pixels in {size} bytes"
        raise RasterError(path, cause, "replace the file, it holds no image")
    rows, columns = dataset.block_shapes[0]
    block = rows * columns * dataset.count
    if block > _MAX_BLOCK_BYTES:
        cause = f"has blocks of {columns} x {rows} pixels, {block // 2**20} MiB each (at most 512)"
        raise RasterError(path, cause, "rewrite it in tiles: gdal_translate -of COG")


def _check_whole(path: Path, dataset: Any) -> None:  # noqa: ANN401
    """Compare the end of the file with the end of its last block, in memory of the header alone."""
    rows, columns = dataset.block_shapes[0]
    across, down = -(-dataset.width // columns), -(-dataset.height // rows)
    size, needed = path.stat().st_size, 0
    for row in range(down):
        # Writers lay blocks out from either end of a row: both ends stand for it.
        for column in {0, across - 1}:
            for band in {1, dataset.count}:
                offset, length = (
                    dataset.get_tag_item(f"BLOCK_{name}_{column}_{row}", "TIFF", bidx=band)
                    for name in ("OFFSET", "SIZE")
                )
                needed = max(needed, int(offset or 0) + int(length or 0))
    if needed > size:
        raise RasterError(path, f"is cut short: {size} bytes, its blocks need {needed}", "download it again")
