"""What was understood of records, for a person who has not seen them yet."""

from __future__ import annotations

from typing import Final

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.tables import RecordSet

_LISTED: Final = 20


def describe_records(found: RecordSet) -> dict[str, object]:
    """Return format, CRS, counts, extent, dates, sheets and repairs, JSON-ready.

    Args:
        found: As read.

    Returns:
        ``crs`` is that of the areas and bounds, ``source_crs`` that of the source, ``crs_from`` says how it
        is known. ``sheets`` lists the first 20 of ``sheet_count``: None where the source holds no sheets.
        ``created`` and ``updated`` are the first and the last date, or None.
    """
    records = found.records
    return {
        "format": found.source_format,
        "files": [file.name for file in found.paths],
        "crs": records.crs.name,
        "source_crs": found.source_crs,
        "crs_from": found.crs_origin,
        "records": len(records),
        "kinds": {str(kind): int(count) for kind, count in records["kind"].value_counts().items()},
        "area_m2": round(float(records.area.sum()), 1),
        "bounds": [round(float(value), 1) for value in records.total_bounds],
        "created": _span(records["created"]),
        "updated": _span(records["updated"]),
        "accuracy_m": _range(records["accuracy_m"]),
        "parcels": None if found.parcels is None else len(found.parcels),
        "sheet_count": None if found.sheets is None else len(found.sheets),
        "sheets": None if found.sheets is None else _sheets(found.sheets, records),
        "repairs": found.repairs.lines(),
    }


def _span(dates: pd.Series[str]) -> list[str] | None:
    known = dates.dropna()
    return None if known.empty else [str(known.min()), str(known.max())]


def _range(metres: pd.Series[float]) -> list[float] | None:
    known = metres.dropna()
    return None if known.empty else [float(known.min()), float(known.max())]


def _sheets(sheets: gpd.GeoDataFrame, records: gpd.GeoDataFrame) -> list[str]:
    counts = records["sheet_id"].value_counts()
    listed = sheets.drop_duplicates("sheet_id").sort_values("sheet_id").head(_LISTED)
    told = []
    for row in listed.itertuples():
        facts = {
            f"quality {row.sheet_quality}": row.sheet_quality,
            f"1:{row.sheet_scale:.0f}": row.sheet_scale,
            f"±{row.accuracy_m:g} m": row.accuracy_m,
        }
        known = [words for words, fact in facts.items() if pd.notna(fact)]
        told.append(f"{row.sheet_id}: {', '.join((*known, f'{counts.get(row.sheet_id, 0)} records'))}")
    return told
