"""Whether a list of cases may be written over an earlier one."""

from __future__ import annotations

from pathlib import Path

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from vigibati.cadastre.permits import AUTHORISED, OPEN
from vigibati.configs.errors import OutputError

_OPEN = {"status": OPEN, "control": "none"}
_COLUMNS = ("case_id", "status", "control", "comment", "decided_by", "decided_at")


def refuse_to_lose_decisions(out: Path) -> None:
    """Make sure that writing ``out`` anew destroys nothing that a person did.

    A case that a permit alone has turned to "authorised" was touched by nobody; one without a number was
    drawn by hand.

    Args:
        out: GeoPackage that is to be written; nothing is checked when there is none yet.

    Raises:
        OutputError: ``out`` holds cases that a person has touched, or is some other file.
    """
    if not out.exists():
        return
    try:
        cases = pyogrio.read_dataframe(out, layer="cases", columns=[*_COLUMNS, "permit"], read_geometry=False)
    except (DataLayerError, DataSourceError) as error:
        raise OutputError(out, "exists and is no list of cases", "give another name to --out") from error
    if missing := set(_COLUMNS) - set(cases.columns):
        cause = f"exists and is no list of cases of this tool (no column {', '.join(sorted(missing))})"
        raise OutputError(out, cause, "give another name to --out")
    touched = cases["comment"].fillna("").ne("") | cases["decided_by"].fillna("").ne("")
    touched |= cases["decided_at"].notna() | cases["case_id"].isna()
    if "permit" in cases:
        cases.loc[cases["permit"].notna() & (cases["status"] == AUTHORISED), "status"] = _OPEN["status"]
    for column, untouched in _OPEN.items():
        touched |= cases[column].fillna(untouched).ne(untouched)
    if touched.any():
        raise OutputError(
            out,
            f"holds {int(touched.sum())} cases that a person has decided or drawn",
            "give another name to --out",
        )
