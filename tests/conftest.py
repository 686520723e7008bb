from __future__ import annotations

from pathlib import Path

import pyogrio
import pyproj
import pytest
import rasterio

ROOT = Path(__file__).parents[1]


def pytest_report_header() -> list[str]:
    versions = (
        f"rasterio {rasterio.__version__} with GDAL {rasterio.__gdal_version__}, "
        f"pyogrio {pyogrio.__version__} with GDAL {'.'.join(map(str, pyogrio.__gdal_version__))}, "
        f"PROJ {pyproj.proj_version_str}"
    )
    return [versions]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference imagery and records are not on this machine")
    return folder
