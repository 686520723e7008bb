"""What a reader finds, and how parcels and sheets of several sources get their canonical columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from vigibati.cadastre.readers.column_mapping import listed, lower_columns
from vigibati.cadastre.repair import Repairs
from vigibati.cadastre.tables import PARCEL_COLUMNS, SHEET_COLUMNS, conform
from vigibati.configs.errors import RecordsError

# "id" is the parcel's in Etalab's files, elsewhere it may count rows.
_PARCEL_IDS: Final = (
    "parcel_id", "geo_parcelle", "idu", "id_parcelle", "nationalcadastralreference", "localid", "id",
)  # fmt: skip
_PARCEL_AREAS: Final = ("area_declared_m2", "contenance", "supf", "areavalue")

_METRES_PER_SCALE: Final = 0.0004
"""Tolerance of a gridded sheet: 0.04 E cm, so 40 cm at 1:1000 (BOFiP BOI-ANNX-000395)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Canonical columns, but geometry and CRS as in the source; None = not in the source.

    Attributes:
        records: Buildings and pools.
        parcels: Parcels.
        sheets: Sheets.
        source_format: Name of the format, or of the OGR driver where columns were guessed or mapped.
        paths: Every file that was read.
        crs: Of all tables.
        crs_origin: In words, who says the CRS.
        repairs: What was left out already.
    """

    records: gpd.GeoDataFrame | None
    parcels: gpd.GeoDataFrame | None
    sheets: gpd.GeoDataFrame | None
    source_format: str
    paths: tuple[Path, ...]
    crs: pyproj.CRS
    crs_origin: str
    repairs: Repairs = field(default_factory=Repairs)


def parcels_from(frame: gpd.GeoDataFrame, *, path: Path, insee: str | None = None) -> gpd.GeoDataFrame:
    """Give parcels the columns of the parcels table.

    Args:
        frame: Source columns, any case.
        path: Named in the error.
        insee: Code of the commune that replaces the first three characters of each id,
            for EDIGEO, whose ids know no département.

    Raises:
        RecordsError: No column holds the parcel's id.
    """
    columns = lower_columns(frame)
    id_column = next((name for name in _PARCEL_IDS if name in columns), None)
    if id_column is None:
        raise RecordsError(
            path,
            f"has no column with the parcel's identifier (columns: {listed(columns)})",
            "name it 'id' or 'parcel_id'",
        )
    ids = columns[id_column].astype("str")
    area_column = next((name for name in _PARCEL_AREAS if name in columns), None)
    known = pd.DataFrame({"parcel_id": ids if insee is None else insee + ids.str[3:]})
    known["area_declared_m2"] = np.nan if area_column is None else columns[area_column]
    return conform(gpd.GeoDataFrame(known, geometry=frame.geometry.array, crs=frame.crs), PARCEL_COLUMNS)


def sheets_from(
    frame: gpd.GeoDataFrame, *, ids: pd.Series[str], quality: str, making: str, scale: str
) -> gpd.GeoDataFrame:
    """Give sheets the columns of the sheets table.

    Args:
        frame: Source columns.
        ids: Identifier of each sheet.
        quality: Column of QUPL, the quality of the plan.
        making: Column of COPL, how the plan was made.
        scale: Column of EOR, the denominator of the scale.
    """
    known = pd.DataFrame({"sheet_id": ids.astype("str")}, index=frame.index)
    known["sheet_quality"] = frame[quality].astype("str") + "/" + frame[making].astype("str")
    known["sheet_scale"] = pd.to_numeric(frame[scale], errors="coerce")
    known["accuracy_m"] = known["sheet_scale"] * _METRES_PER_SCALE
    return conform(gpd.GeoDataFrame(known, geometry=frame.geometry.array, crs=frame.crs), SHEET_COLUMNS)
