"""The canonical tables of the cadastre: the one form that every reader gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.repair import Repairs

RECORD_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "record_id": "str",
        "kind": "str",
        "source": "str",
        "sheet_id": "str",
        "sheet_quality": "str",
        "sheet_scale": "float64",
        "accuracy_m": "float64",
        "created": "str",
        "updated": "str",
    }
)
"""Attributes of a record (a building or pool that the cadastre knows) and their types.

``kind`` is one of ``durable``, ``light``, ``pool``, ``unknown``; ``sheet_quality`` is
"QUPL/COPL" as coded by the DGFiP; ``sheet_scale`` the denominator of the scale;
``accuracy_m`` the tolerance of the sheet in metres; ``created`` and ``updated`` are ISO
dates, and tell of the drawing, not of the building. What is not known is null.
"""

PARCEL_COLUMNS: Mapping[str, str] = MappingProxyType({"parcel_id": "str", "area_declared_m2": "float64"})
"""Attributes of a parcel: 14 characters INSEE5 + prefix3 + section2 + number4 in France."""

SHEET_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"sheet_id": "str", "sheet_quality": "str", "sheet_scale": "float64", "accuracy_m": "float64"}
)
"""Attributes of a cadastral sheet: 12 characters INSEE5 + prefix3 + section2 + number2."""

ZONE_COLUMNS: Mapping[str, str] = MappingProxyType({"zone": "str", "zone_kind": "str"})
"""Attributes of a planning zone: local label, and one of U, AU, A, N (null if not known)."""

SECTOR_COLUMNS: Mapping[str, str] = MappingProxyType({"sector": "str"})
"""Attributes of a zone of a risk plan or of a protected sector: its name, never null."""

PERMIT_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"parcel_key": "str", "permit_number": "str", "permit_type": "str", "permit_date": "str"}
)
"""Columns of a permit, one row per parcel that it names; a plain table without geometry.

``parcel_key`` has 14 characters as a parcel's identifier, or 11 (INSEE5 + section2 + number4) where the
source does not say the prefix; ``permit_type`` is PC, DP, PA, PD or null;
``permit_date`` is an ISO date or null.
"""


def conform(frame: gpd.GeoDataFrame, columns: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Bring a frame into one of the canonical forms.

    Args:
        frame: Polygons with any of the ``columns``; others are dropped.
        columns: RECORD_COLUMNS, PARCEL_COLUMNS, SHEET_COLUMNS, ZONE_COLUMNS or SECTOR_COLUMNS.

    Returns:
        A new frame with exactly ``columns`` and "geometry", in that order, with their
        types; missing columns are null; the index runs from 0; the CRS is kept.
    """
    values = {
        name: _typed(frame[name], dtype) if name in frame else _nulls(len(frame), dtype)
        for name, dtype in columns.items()
    }
    return gpd.GeoDataFrame(values, geometry=frame.geometry.array, crs=frame.crs)


def conform_records(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring a frame into the form of the records table, see :func:`conform`."""
    return conform(frame, RECORD_COLUMNS)


@dataclass(frozen=True, slots=True, eq=False)
class RecordSet:
    """What one path holds of the cadastre, in one projected CRS.

    Attributes:
        records: RECORD_COLUMNS and valid 2D Polygon or MultiPolygon geometry, never empty.
        parcels: PARCEL_COLUMNS and geometry; None where the source holds none.
        sheets: SHEET_COLUMNS and geometry; None where the source holds none.
        source_format: A format of `readers.hints.FORMATS`, or the OGR driver, such as "GPKG".
        repairs: What was mended and dropped on the way.
        paths: Every file that was read.
        source_crs: Name of the CRS in which the source is.
        crs_origin: In words, who says so.
    """

    records: gpd.GeoDataFrame
    parcels: gpd.GeoDataFrame | None
    sheets: gpd.GeoDataFrame | None
    source_format: str
    repairs: Repairs
    paths: tuple[Path, ...]
    source_crs: str
    crs_origin: str


def _typed(values: pd.Series, dtype: str) -> pd.Series:
    if dtype == "float64":
        return pd.to_numeric(values, errors="coerce").astype("float64").reset_index(drop=True)
    return values.astype("str").reset_index(drop=True)


def _nulls(length: int, dtype: str) -> pd.Series:
    return pd.Series([None] * length, dtype=dtype)
