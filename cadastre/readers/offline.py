"""Nothing is fetched, whatever a file asks for."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from vigibati.cadastre.gdal_settings import gdal_settings

# No schema for GML; for all else a proxy that cannot be: GDAL has no switch for its network, and GeoJSON may
# name its CRS by an address.
_SETTINGS: Final = {"GML_DOWNLOAD_SCHEMA": "NO", "GDAL_HTTP_PROXY": "none://", "GDAL_HTTPS_PROXY": "none://"}

_POINTERS: Final = (b"<OGRVRTDataSource", b"gdal_streamed_alg")
_HEAD_BYTES: Final = 4096


def offline() -> AbstractContextManager[None]:
    """Keep GDAL from asking servers until the block ends."""
    return gdal_settings(_SETTINGS)


def points_elsewhere(path: Path) -> bool:
    """Whether GDAL would take a file for one that only says where else to read.

    It looks for these words anywhere in the first kilobyte, even inside what begins as GeoJSON or EDIGEO.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    return any(pointer in head for pointer in _POINTERS)
