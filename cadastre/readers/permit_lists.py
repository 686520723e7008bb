"""Building permits by parcel: Sitadel lists, and any table that names permit and parcel."""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from vigibati.cadastre.tables import PERMIT_COLUMNS
from vigibati.configs.errors import RecordsError
from vigibati.configs.territory import ParcelNames, Territory, usual_territory

_LOG: Final = logging.getLogger(__name__)
_HEAD_BYTES: Final = 65_536
# Sitadel writes a title line before the header.
_HEADER_WITHIN: Final = 10
_SEPARATORS: Final = (";", ",", "\t", "|")
_SECTIONS: Final = tuple((f"SEC_CADASTRE{n}", f"NUM_CADASTRE{n}") for n in ("1", "2", "3"))
_PARCEL: Final = ("PARCEL_ID", "ID_PARCELLE", "IDU", "PARCELLE", "REF_CADASTRALE")
_COMMUNE: Final = ("COMM", "CODE_INSEE", "INSEE", "COMMUNE")
_NUMBER: Final = ("NUM_DAU", "NUM_PERMIS", "NUMERO", "PERMIT_NUMBER", "PERMIT")
_TYPE: Final = ("TYPE_DAU", "TYPE_PERMIS", "TYPE", "PERMIT_TYPE")
_DATE: Final = ("DATE_REELLE_AUTORISATION", "DATE_AUTORISATION", "DATE_DECISION", "DATE", "PERMIT_DATE")
_STATE: Final = ("ETAT_DAU", "ETAT")
# Sitadel's 4, and the words of towns for what was refused, withdrawn, or has lapsed.
_CANCELLED: Final = r"4|(ann|abandon|cadu|irrecev|p[ée]rim|ref|rejet|retir|retrait).*|.*sans suite.*"
_DATE_FORMATS: Final = ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d")
_CURE: Final = "give Sitadel's list of permits, or a CSV with the columns num_dau and parcel_id"


def read_permits(path: Path, *, territory: Territory | None = None) -> pd.DataFrame:
    """Read a CSV of permits; what was cancelled or refused is left out, and what names no parcel is counted.

    Separator (``;`` ``,`` tab ``|``) and encoding (UTF-8, UTF-16 with its mark, else cp1252) are found
    out, as is a title line before the header. Columns are known in any case: Sitadel's (COMM,
    SEC_CADASTRE1-3, NUM_CADASTRE1-3, NUM_DAU, TYPE_DAU, ETAT_DAU, DATE_REELLE_AUTORISATION), or a
    parcel identifier beside a number.

    Args:
        path: The list.
        territory: Whose parcels they are; those of France when None.

    Returns:
        `PERMIT_COLUMNS`, one row per permit and parcel, sorted by parcel, the newest first.

    Raises:
        RecordsError: The file is missing, empty, no text, lacks columns, or names no parcel.
    """
    encoding, separator, skipped, header = _layout_of(path)
    columns = {name.strip().upper(): name for name in header}
    _check_columns(columns, path)
    table = _table(path, encoding, separator, skipped)
    if table.empty:
        raise RecordsError(path, "holds no permit", "leave it out or give another file")
    known = {name: _plain(table[column]) for name, column in columns.items() if column in table}
    state = _first(known, _STATE)
    granted = pd.Series(data=True, index=table.index)
    if state is not None:
        granted = ~state.fillna("").str.fullmatch(_CANCELLED, case=False)
    permits = pd.DataFrame(
        {
            "permit_number": _first(known, _NUMBER),
            "permit_type": _types(known),
            "permit_date": _dates(_first(known, _DATE), table.index),
        }
    )
    rows = [
        permits.assign(parcel_key=key)[granted & key.notna() & permits["permit_number"].notna()]
        for key in _keys(known, (territory or usual_territory()).parcel)
    ]
    listed = pd.concat(rows)
    if listed.empty:
        cause = f"none of its {len(table)} rows names a permit in force and a parcel"
        raise RecordsError(path, cause, _CURE)
    if lost := int(granted.sum()) - listed.index.nunique():
        _LOG.warning(
            "%s: %d of %d permits name no number or no known parcel, left out", path, lost, granted.sum()
        )
    listed = listed.drop_duplicates(["parcel_key", "permit_number"])
    listed = listed.sort_values(["parcel_key", "permit_date", "permit_number"], ascending=[True, False, True])
    return listed[list(PERMIT_COLUMNS)].astype(dict(PERMIT_COLUMNS)).reset_index(drop=True)


def _layout_of(path: Path) -> tuple[str, str, int, list[str]]:
    """Return encoding, separator, lines before the header, and the header."""
    if not path.is_file():
        raise RecordsError(path, "is no file" if path.exists() else "is not there", "give a CSV")
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    if not head.strip():
        raise RecordsError(path, "is empty", "download it again")
    wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if (not wide and b"\x00" in head) or head.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise RecordsError(path, "is no text (a zip or a table of an office program?)", "save it as CSV")
    encoding = "utf-16" if wide else "utf-8-sig"
    # Cut at a line, so that no character is cut in two.
    lines = head[: len(head) // 2 * 2].decode(encoding, errors="replace").splitlines()[:_HEADER_WITHIN]
    best = max(
        ((row, separator) for row in range(len(lines)) for separator in _SEPARATORS),
        key=lambda at: (len(_wanted_in(next(csv.reader([lines[at[0]]], delimiter=at[1]), []))), -at[0]),
    )
    return encoding, best[1], best[0], next(csv.reader([lines[best[0]]], delimiter=best[1]), [])


def _wanted_in(header: Sequence[str]) -> set[str]:
    sections = {name for pair in _SECTIONS for name in pair}
    known = {*_PARCEL, *_COMMUNE, *_NUMBER, *_TYPE, *_DATE, *_STATE, *sections}
    return {name.strip().upper() for name in header} & known


def _check_columns(columns: Mapping[str, str], path: Path) -> None:
    by_section = {"COMM", *_SECTIONS[0]} - ({"COMM"} if columns.keys() & set(_COMMUNE) else set())
    lacking = [] if columns.keys() & set(_PARCEL) else sorted(by_section - columns.keys())
    if not columns.keys() & set(_NUMBER):
        lacking.append("NUM_DAU")
    if lacking:
        shown = ", ".join(list(columns)[:12])
        raise RecordsError(path, f"lacks the columns {', '.join(lacking)} (columns: {shown})", _CURE)


def _table(path: Path, encoding: str, separator: str, skipped: int) -> pd.DataFrame:
    sections = {name for pair in _SECTIONS for name in pair}
    known = {*_PARCEL, *_COMMUNE, *_NUMBER, *_TYPE, *_DATE, *_STATE, *sections}
    for tried in (encoding, "cp1252"):
        try:
            return pd.read_csv(
                path,
                sep=separator,
                skiprows=skipped,
                dtype="str",
                encoding=tried,
                usecols=lambda name: name.strip().upper() in known,
                compression=None,
                # NA is a section, not a lack of one.
                keep_default_na=False,
                na_values=[""],
            )
        except UnicodeDecodeError as error:
            if tried != encoding or encoding == "utf-16":
                raise RecordsError(
                    path, f"is in an unknown encoding ({error})", "save it as UTF-8"
                ) from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            raise RecordsError(path, f"cannot be read as CSV ({error})", "save it again as CSV") from error
    return pd.DataFrame()


def _plain(cells: pd.Series[str]) -> pd.Series[str]:
    """Return cells without blanks around them, null where nothing is left."""
    # A spreadsheet makes decimals of a column of numbers in which a cell is empty.
    text = cells.str.strip().str.removesuffix(".0")
    return text.where(text != "")


def _first(known: Mapping[str, pd.Series[str]], names: Sequence[str]) -> pd.Series[str] | None:
    return next((known[name] for name in names if name in known), None)


def _types(known: Mapping[str, pd.Series[str]]) -> pd.Series[str]:
    """Return the type, or what a number such as ``PC 013 029 21 K0012`` begins with."""
    told, number = _first(known, _TYPE), _first(known, _NUMBER)
    of_number = number.str.upper().str.extract(r"^(PC|DP|PA|PD)", expand=False)  # type: ignore[union-attr]
    return of_number if told is None else told.str.upper().fillna(of_number)


def _dates(text: pd.Series[str] | None, index: pd.Index[int]) -> pd.Series[str]:
    found = pd.Series(pd.NaT, index=index, dtype="datetime64[ns]")
    if text is None:
        return found.astype("str").where(found.notna())
    for form in _DATE_FORMATS:
        found = found.fillna(pd.to_datetime(text.str.slice(0, 10), format=form, errors="coerce"))
    dates: pd.Series[str] = found.dt.strftime("%Y-%m-%d")
    return dates


def _keys(known: Mapping[str, pd.Series[str]], names: ParcelNames) -> list[pd.Series[str]]:
    whole = _first(known, _PARCEL)
    keys = []
    if whole is not None:
        written = whole.str.upper()
        plain = written.str.replace(r"[^0-9A-Z]", "", regex=True)
        keys.append(_named(written, names).fillna(_named(plain, names)))
    commune = _first(known, _COMMUNE)
    if commune is None or names.short_pattern is None:
        return keys
    for section_name, number_name in _SECTIONS:
        if section_name not in known or number_name not in known:
            continue
        section = known[section_name].str.upper().str.zfill(2)
        # "72p" is a part of parcel 72.
        number = known[number_name].str.extract(r"^0*([0-9]{1,4})[pP]?$", expand=False).str.zfill(4)
        key = commune.str.upper().str.zfill(5) + section + number
        keys.append(key.where(key.str.fullmatch(names.short_pattern).fillna(value=False)))
    return keys


def _named(ids: pd.Series[str], names: ParcelNames) -> pd.Series[str]:
    """Return identifiers that have the form of the territory, with or without prefix; null for others."""
    patterns = [names.pattern] if names.short_pattern is None else [names.pattern, names.short_pattern]
    return ids.where(ids.str.fullmatch("|".join(patterns)).fillna(value=False))
