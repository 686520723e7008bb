"""What a reader finds, and how columns of many names become the canonical ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.tables import PARCEL_COLUMNS, SHEET_COLUMNS, conform, conform_records
from vigibati.configs.errors import RecordsError

# Codes of DUR (EDIGEO) and type (Etalab), and words met in files of towns.
_KINDS: Final = {
    **dict.fromkeys(("01", "1", "dur", "durable", "bâti dur", "bati dur"), "durable"),
    **dict.fromkeys(("02", "2", "léger", "leger", "light", "bâti léger", "bati leger"), "light"),
    **dict.fromkeys(("pool", "piscine", "swimming_pool"), "pool"),
}
_LIGHT_FLAGS: Final = ("construction_legere", "leger")
_KIND_COLUMNS: Final = ("kind", "dur", "type", "nature", "leisure")
_RECORD_IDS: Final = ("record_id", "cleabs", "localid", "gml_id", "id", "osm_id")
_PARCEL_IDS: Final = (
    "parcel_id", "geo_parcelle", "idu", "id_parcelle", "id", "nationalcadastralreference", "localid",
)  # fmt: skip
_PARCEL_AREAS: Final = ("area_declared_m2", "contenance", "supf", "areavalue")
_CREATED: Final = ("created", "creat_date", "date_creation", "beginlifespanversion")
_UPDATED: Final = ("updated", "update_date", "date_modification")
_ACCURACY: Final = ("accuracy_m", "precision_planimetrique", "horizontalgeometryestimatedaccuracy")

_METRES_PER_SCALE: Final = 0.0004
"""Tolerance of a gridded sheet: 0.04 E cm, so 40 cm at 1:1000 (BOFiP BOI-ANNX-000395)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Canonical columns, but geometry and CRS as in the source; None = not in the source."""

    records: gpd.GeoDataFrame | None
    parcels: gpd.GeoDataFrame | None
    sheets: gpd.GeoDataFrame | None
    source_format: str
    paths: tuple[Path, ...]


def records_from(
    frame: gpd.GeoDataFrame, *, prefix: str, source: str, kind: str | None = None, sheet_id: str | None = None
) -> gpd.GeoDataFrame:
    """Give buildings or pools the columns of the records table.

    Args:
        frame: Source columns, any case.
        prefix: Start of the ids that are made where the source has no unique ones.
        source: Value of the column "source".
        kind: Kind of all of them; None to find it in the columns.
        sheet_id: Sheet of all of them; None if not known.

    Returns:
        One row per row of ``frame``, in its order.
    """
    columns = _lower(frame)
    values = {
        "record_id": _record_ids(columns, prefix),
        "kind": _kinds(columns) if kind is None else kind,
        "source": source,
        "sheet_id": sheet_id,
        "accuracy_m": _accuracy(columns),
        "created": _dates(columns, _CREATED),
        "updated": _dates(columns, _UPDATED),
    }
    known = pd.DataFrame(values, index=frame.index)
    return conform_records(gpd.GeoDataFrame(known, geometry=frame.geometry.array, crs=frame.crs))


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
    columns = _lower(frame)
    id_column = next((name for name in _PARCEL_IDS if name in columns), None)
    if id_column is None:
        raise RecordsError(
            path,
            f"has no column with the parcel's identifier (columns: {', '.join(map(str, columns))})",
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


def _lower(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    attributes.columns = pd.Index([str(name).lower() for name in attributes.columns])
    return attributes.loc[:, ~attributes.columns.duplicated()]


def _record_ids(columns: pd.DataFrame, prefix: str) -> pd.Series[str]:
    for name in _RECORD_IDS:
        if name in columns and columns[name].notna().all() and columns[name].is_unique:
            return columns[name].astype("str")
    return pd.Series([f"{prefix}{number:05d}" for number in range(1, len(columns) + 1)], index=columns.index)


def _kinds(columns: pd.DataFrame) -> pd.Series[str]:
    for name in _LIGHT_FLAGS:
        if name in columns and columns[name].isin([True, False, 0, 1]).any():
            light = columns[name].isin([True, 1])
            return light.map({True: "light", False: "durable"}).where(columns[name].notna(), "unknown")
    for name in _KIND_COLUMNS:
        if name in columns:
            kinds = columns[name].astype("str").str.strip().str.lower().map(_KINDS)
            if kinds.notna().any():
                return kinds.fillna("unknown")
    return pd.Series("unknown", index=columns.index, dtype="str")


def _accuracy(columns: pd.DataFrame) -> pd.Series[float]:
    for name in _ACCURACY:
        if name in columns:
            metres = pd.to_numeric(columns[name], errors="coerce")
            # 9999 is the producer's "not known".
            return metres.where(metres < 9999)  # noqa: PLR2004
    return pd.Series(np.nan, index=columns.index, dtype="float64")


def _dates(columns: pd.DataFrame, names: tuple[str, ...]) -> pd.Series[str]:
    for name in names:
        if name in columns:
            text = (
                columns[name]
                .astype("str")
                .str.replace(r"^(\d{4})(\d{2})(\d{2})(\.0)?$", r"\1-\2-\3", regex=True)
            )
            return text.str.slice(0, 10)
    return pd.Series(np.nan, index=columns.index, dtype="str")
