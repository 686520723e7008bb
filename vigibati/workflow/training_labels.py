"""Footprint layers, cadastral or drawn, as the classes of training masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.configs.errors import RecordsError, SettingsError

_POOL = "pool"


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """Outlines by class, and where they are complete.

    Attributes:
        outlines: Polygons by class, in the order of the classes.
        cover: Where the first layer was drawn: its sheets, else its parcels, else the hull of its
            outlines and 25 m around.
    """

    outlines: dict[str, gpd.GeoDataFrame]
    cover: shapely.Geometry


def read_labels(
    paths: Sequence[Path], class_names: Sequence[str], *, crs: pyproj.CRS, declared_crs: str | None = None
) -> Labels:
    """Read one footprint layer for each class name; a name that comes again adds to its class.

    Layers are read as cadastral records are. Of a layer that tells pools from buildings, the class
    "pool" takes the pools and every other class the rest.

    Args:
        paths: Any source of records.
        class_names: Class of each path.
        crs: Projected CRS of the result.
        declared_crs: CRS that overrides what the sources say.

    Raises:
        SettingsError: There are not as many classes as layers.
        RecordsError: A layer cannot be read, or holds nothing of its class.
    """
    if len(class_names) != len(paths):
        cause = f"there are {len(paths)} footprint layers and {len(class_names)} classes"
        raise SettingsError("--class", cause, "give one --class for each --footprints, in the same order")
    parts: dict[str, list[gpd.GeoDataFrame]] = {}
    covers: list[shapely.Geometry] = []
    for path, name in zip(paths, class_names, strict=True):
        read = read_records(path, crs=crs, hints=RecordsHints(declared_crs=declared_crs))
        covers.append(records_cover(read.records, parcels=read.parcels, sheets=read.sheets))
        parts.setdefault(name, []).append(_of_class(read.records, name, path))
    outlines = {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}
    return Labels(outlines, covers[0])


def _of_class(records: gpd.GeoDataFrame, name: str, path: Path) -> gpd.GeoDataFrame:
    pools = records["kind"] == _POOL
    if name == _POOL and not pools.any():
        # A layer of pools alone seldom says that they are.
        pools = records["kind"] == "unknown"
    chosen = records[pools] if name == _POOL else records[~pools]
    if chosen.empty:
        kinds = ", ".join(sorted(records["kind"].unique()))
        raise RecordsError(path, f"holds nothing of class '{name}' (kinds: {kinds})", "give another layer")
    return chosen[["geometry"]]
