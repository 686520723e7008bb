"""Zones of the local planning document (PLU), as the CNIG standard and its elders write them."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyproj

from vigibati.cadastre.readers.mojibake import readable
from vigibati.cadastre.readers.polygon_layer import read_polygons
from vigibati.cadastre.repair import repair_polygons
from vigibati.cadastre.tables import ZONE_COLUMNS, conform
from vigibati.configs.errors import RecordsError

_LOG: Final = logging.getLogger(__name__)
_KIND: Final = re.compile(r"\d*(AU|U|A|N)")


def read_zones(path: Path, *, crs: pyproj.CRS, declared_crs: str | None = None) -> gpd.GeoDataFrame:
    """Read a ZONE_URBA layer.

    Args:
        path: Shapefile, GeoPackage or GeoJSON with LIBELLE and TYPEZONE, in any case.
        crs: CRS to bring it to.
        declared_crs: CRS that overrides what the file says.

    Returns:
        ``zone`` is the local label, ``zone_kind`` the first letters of TYPEZONE: U, AU
        (AUc, AUs), A (Ah), N (Nh), null for anything else; overlapping zones stay as they are.

    Raises:
        RecordsError: The file cannot be read, lacks a column, or holds no zone.
    """
    frame = read_polygons(path, declared_crs=declared_crs).frame
    names = {str(name).upper(): name for name in frame.columns}
    missing = {"LIBELLE", "TYPEZONE"} - names.keys()
    if missing:
        cause = f"lacks the column {', '.join(sorted(missing))} (columns: {', '.join(names)})"
        raise RecordsError(path, cause, "give the ZONE_URBA layer of the planning document")
    labels = frame[names["LIBELLE"]].astype("str").map(readable, na_action="ignore")
    kinds = frame[names["TYPEZONE"]].astype("str").map(_kind, na_action="ignore")
    known = pd.DataFrame({"zone": labels, "zone_kind": kinds, "row": range(1, len(frame) + 1)})
    zones, repairs = repair_polygons(
        gpd.GeoDataFrame(known, geometry=frame.geometry.array, crs=frame.crs), ids="row", crs=crs
    )
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    if zones.empty:
        raise RecordsError(path, "holds no zone that could be used", "leave it out or give another file")
    return conform(zones, ZONE_COLUMNS)


def _kind(typezone: str) -> str | None:
    match = _KIND.match(typezone.strip().upper())
    return match[1] if match else None
