"""Where each record goes: from its place in the cadastre to its place in the image."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from vigibati.cadastre.overlap import Geometries, as_array

ARROW_COLUMNS = (
    "sheet_id",
    "own_dx_m",
    "own_dy_m",
    "support",
    "residual_m",
    "tolerance_m",
    "overhang_m",
    "method",
    "geometry",
)
"""Shift of a record beside its sheet's; walls of its block that agree; what is left of these; all local."""

_SAME_PLACE_M = 0.001


def no_arrows(crs: pyproj.CRS | None = None) -> gpd.GeoDataFrame:
    """Return a table without rows."""
    return gpd.GeoDataFrame(columns=list(ARROW_COLUMNS), geometry="geometry", crs=crs)


def arrow_rows(
    arrows: gpd.GeoDataFrame, geometries: Geometries, sheets: NDArray[np.object_]
) -> NDArray[np.intp]:
    """Return the row of each record's arrow, which starts at its middle, on its sheet; -1 without one."""
    if len(arrows) == 0 or len(geometries) == 0:
        return np.full(len(geometries), -1, dtype=np.intp)
    starts = shapely.get_coordinates(as_array(arrows))[::2]
    distance, row = KDTree(starts).query(middles(geometries), distance_upper_bound=_SAME_PLACE_M)
    found = np.isfinite(distance)
    row = np.where(found, row, 0)
    same = found & (arrows["sheet_id"].to_numpy(dtype=object)[row] == sheets)
    rows: NDArray[np.intp] = np.where(same, row, -1)
    return rows


def middles(geometries: Geometries) -> NDArray[np.float64]:
    """Return the (n, 2) middles of the bounding boxes, by which a record is known again; 0 where empty."""
    bounds = np.nan_to_num(shapely.bounds(geometries))
    middle: NDArray[np.float64] = (bounds[:, :2] + bounds[:, 2:]) / 2
    return middle
