"""Nothing is fetched, whatever a file asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyogrio

# No schema for GML; for all else a proxy that cannot be: GDAL has no switch for its network, and GeoJSON may
# name its CRS by an address.
_SETTINGS: Final = {"GML_DOWNLOAD_SCHEMA": "NO", "GDAL_HTTP_PROXY": "none://", "GDAL_HTTPS_PROXY": "none://"}

_POINTERS: Final = (b"<OGRVRTDataSource", b"gdal_streamed_alg")
_HEAD_BYTES: Final = 4096


@contextmanager
def offline() -> Iterator[None]:
    """Keep GDAL from asking servers until the block ends."""
    before = {name: pyogrio.get_gdal_config_option(name) for name in _SETTINGS}
    pyogrio.set_gdal_config_options(_SETTINGS)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def points_elsewhere(path: Path) -> bool:
    """Whether GDAL would take a file for one that only says where else to read.

    It looks for these words anywhere in the first kilobyte, even inside what begins as GeoJSON or EDIGEO.
    """
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    return any(pointer in head for pointer in _POINTERS)
