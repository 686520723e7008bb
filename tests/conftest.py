from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely

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


@pytest.fixture(scope="session")
def village() -> gpd.GeoDataFrame:
    """Sixty-four houses of 12 m by 9 m, 25 m apart in rows, each second one with a shed of 4 m by 3 m."""
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(8), np.arange(8)))
    west, south = 700_000 + 25.0 * column, 6_600_000 + 22.0 * row
    houses = shapely.box(west, south, west + 12, south + 9)
    sheds = shapely.box(west + 12, south, west + 16, south + 3)[::2]
    table = {
        "record_id": [f"h{number:02d}" for number in range(64)] + [f"s{number:02d}" for number in range(32)],
        "kind": ["durable"] * 64 + ["light"] * 32,
        "sheet_id": np.where(np.concatenate([row, row[::2]]) < 4, "south", "north"),
    }
    return gpd.GeoDataFrame(table, geometry=np.concatenate([houses, sheds]), crs=2154)
