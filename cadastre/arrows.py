"""Where each record goes: from its place in the cadastre to its place in the image."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from vigibati.cadastre.blocks import BlockFits
from vigibati.cadastre.pairing import Geometries, as_array
from vigibati.configs.rules import RegistrationRules

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
_SAME_PLACE_M = 0.001
_HELPED = (2.0, 0.25)
_ALONE = (4.0, 0.6)


def no_arrows() -> gpd.GeoDataFrame:
    """Return a table without rows."""
    return gpd.GeoDataFrame(columns=list(ARROW_COLUMNS), geometry="geometry")


def middles(geometries: Geometries) -> NDArray[np.float64]:
    """Return the (n, 2) middles of the bounding boxes, by which a record is known again."""
    bounds = shapely.bounds(geometries)
    return (bounds[:, :2] + bounds[:, 2:]) / 2


def block_arrows(
    sheet_id: str,
    drawn_m: NDArray[np.float64],
    field_m: NDArray[np.float64],
    block: NDArray[np.intp],
    fits: BlockFits,
    rules: RegistrationRules,
    aside_m: NDArray[np.float64],
    *,
    alone: bool,
) -> pd.DataFrame:
    walls, share = _ALONE if alone else _HELPED
    believed = (fits.support >= walls) & (fits.share >= share)
    tolerance = np.clip(rules.residual_factor * fits.residual_m, rules.tolerance_floor_m, rules.unregistered_tolerance_m)
    of = block[believed[block]]
    rows = believed[block]
    drawn_m, field_m = drawn_m[rows], field_m[rows]
    ends = np.stack([drawn_m, drawn_m + field_m + fits.own_m[of]], axis=1)
    return pd.DataFrame(
        {
            "sheet_id": sheet_id,
            "own_dx_m": aside_m[0] + fits.own_m[of, 0],
            "own_dy_m": aside_m[1] + fits.own_m[of, 1],
            "support": fits.support[of],
            "residual_m": fits.residual_m[of],
            "tolerance_m": tolerance[of],
            "overhang_m": fits.overhang_m[of],
            "method": "block",
            "geometry": shapely.linestrings(ends) if len(ends) else np.zeros(0, dtype=object),
        }
    )


def joined_arrows(parts: Sequence[pd.DataFrame], crs: pyproj.CRS) -> gpd.GeoDataFrame:
    if not parts:
        return no_arrows()
    return gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=crs)


def arrow_of(arrows: gpd.GeoDataFrame, geometries: Geometries, sheets: NDArray[np.object_]) -> NDArray[np.intp]:
    if len(arrows) == 0 or len(geometries) == 0:
        return np.full(len(geometries), -1, dtype=np.intp)
    starts = shapely.get_coordinates(as_array(arrows)).reshape(-1, 2, 2)[:, 0]
    distance, row = KDTree(starts).query(middles(geometries), distance_upper_bound=_SAME_PLACE_M)
    row = np.where(np.isfinite(distance), row, 0)
    same = np.isfinite(distance) & (arrows["sheet_id"].to_numpy(dtype=object)[row] == sheets)
    return np.where(same, row, -1)
