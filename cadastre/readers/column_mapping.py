"""Columns of many names become the columns of the records table, as a mapping says."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.readers.mojibake import readable
from vigibati.cadastre.repair import Repairs, noted
from vigibati.cadastre.tables import conform_records
from vigibati.configs.errors import RecordsError
from vigibati.configs.records_mapping import ANY_OTHER, RecordsMapping, plain_value

_MAPPED: Final = ("record_id", "created", "updated", "accuracy_m", "sheet_id")

_UNKNOWN_ACCURACY_M: Final = 9999
"""The "not known" of BD TOPO."""

_DATE: Final = r"^(\d{4})([-/]?)(\d{2})\2(\d{2})(?!\d)"
_FRENCH_DATE: Final = r"^(\d{2})([/.])(\d{2})\2(\d{4})(?!\d)"


def records_by(
    frame: gpd.GeoDataFrame, mapping: RecordsMapping, *, prefix: str, source: str, sheet_id: str | None = None
) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Give buildings or pools the columns of the records table.

    Args:
        frame: Source columns, any case.
        mapping: Which of them mean what; names that are not there are passed over.
        prefix: Start of the ids that are made where the source has no unique ones.
        source: Value of the column "source".
        sheet_id: Sheet of all of them; None if the mapping names it, or it is not known.

    Returns:
        The rows of ``frame`` in their order without those that the mapping skips, and which were skipped.
    """
    columns = lower_columns(frame)
    values = {
        "record_id": _ids(columns, mapping.record_id, prefix),
        "kind": _kinds(columns, mapping),
        "source": source,
        "sheet_id": _texts(columns, mapping.sheet_id) if sheet_id is None else sheet_id,
        "accuracy_m": _metres(columns, mapping.accuracy_m),
        "created": _dates(columns, mapping.created),
        "updated": _dates(columns, mapping.updated),
    }
    known = gpd.GeoDataFrame(values, index=frame.index, geometry=frame.geometry.array, crs=frame.crs)
    skipped = known["kind"] == "skip"
    return conform_records(known[~skipped]), noted(known["record_id"][skipped], "left_out")


def check_mapping(frame: gpd.GeoDataFrame, mapping: RecordsMapping, path: Path) -> None:
    """Refuse a mapping of the user that does not fit the file: nothing is guessed in its place.

    Raises:
        RecordsError: A column that it names is not there, or does not identify the records.
    """
    columns = lower_columns(frame)
    wanted = [(field, getattr(mapping, field)) for field in _MAPPED]
    wanted += [("kind", (rule.column,)) for rule in mapping.kind]
    for field, names in wanted:
        if names and not _found(columns, names):
            near = get_close_matches(names[0].lower(), [str(each) for each in columns], n=1)
            cure = f"did you mean '{near[0]}'?" if near else f"its columns are {listed(columns)}"
            raise RecordsError(path, f"has no column '{names[0]}', which the mapping gives as {field}", cure)
    for name in _found(columns, mapping.record_id)[:1]:
        if not _identifies(columns[name]):
            cause = f"its column '{name}' is empty or the same for several records"
            raise RecordsError(path, cause, "leave record_id out of the mapping: ids are then made")


def lower_columns(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the attributes alone, their names in lower case; of two that then agree, the first.

    What is neither text nor number, such as the lists of GeoJSON, becomes text: it could not be compared.
    """
    attributes = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    attributes.columns = pd.Index([str(name).lower() for name in attributes.columns])
    attributes = attributes.loc[:, ~attributes.columns.duplicated()]
    mixed = [name for name in attributes if attributes[name].dtype == "object"]
    return attributes.assign(
        **{str(name): attributes[name].map(_plain_text, na_action="ignore") for name in mixed}
    )


def _plain_text(value: object) -> str:
    # GDAL makes lists of all values of a column in which one is a list.
    return ", ".join(map(str, value)) if isinstance(value, (list, np.ndarray)) else str(value)


def listed(columns: pd.DataFrame) -> str:
    """Return the names of columns for an error."""
    return ", ".join(map(str, columns)) or "none"


def _found(columns: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    return [name.lower() for name in names if name.lower() in columns]


def _identifies(values: pd.Series[str]) -> bool:
    return bool(values.notna().all() and values.is_unique)


def _ids(columns: pd.DataFrame, names: tuple[str, ...], prefix: str) -> pd.Series[str]:
    for name in _found(columns, names):
        if _identifies(columns[name]):
            return columns[name].astype("str")
    return pd.Series([f"{prefix}{number:05d}" for number in range(1, len(columns) + 1)], index=columns.index)


def _kinds(columns: pd.DataFrame, mapping: RecordsMapping) -> pd.Series[str]:
    kinds = pd.Series([None] * len(columns), index=columns.index, dtype="str")
    for rule in mapping.kind:
        for name in _found(columns, (rule.column,)):
            given = columns[name]
            meanings = rule.values  # noqa: PD011  (a field of the schema, not of a frame)
            other = meanings.get(ANY_OTHER)
            known = {
                value: meanings.get(plain_value(readable(str(value))), other)
                for value in given.dropna().unique()
            }
            kinds = kinds.fillna(given.map(known).astype("str"))
    return kinds.fillna(mapping.other_kind)


def _texts(columns: pd.DataFrame, names: tuple[str, ...]) -> pd.Series[str]:
    for name in _found(columns, names):
        return columns[name].astype("str")
    return pd.Series([None] * len(columns), index=columns.index, dtype="str")


def _metres(columns: pd.DataFrame, names: tuple[str, ...]) -> pd.Series[float]:
    for name in _found(columns, names):
        metres = pd.to_numeric(columns[name], errors="coerce")
        return metres.where(metres.between(0, _UNKNOWN_ACCURACY_M, inclusive="left"))
    return pd.Series(np.nan, index=columns.index, dtype="float64")


def _dates(columns: pd.DataFrame, names: tuple[str, ...]) -> pd.Series[str]:
    text = _texts(columns, names)
    iso, french = text.str.extract(_DATE), text.str.extract(_FRENCH_DATE)
    dates = (iso[0] + "-" + iso[2] + "-" + iso[3]).fillna(french[3] + "-" + french[2] + "-" + french[0])
    # Digits that are in another order, or count milliseconds, make no date of any calendar.
    real = pd.to_datetime(dates, format="%Y-%m-%d", errors="coerce").notna()
    return dates.where(real).astype("str")
