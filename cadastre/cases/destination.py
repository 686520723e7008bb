"""What people did in a list of cases, and whether it may be written over."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from vigibati.cadastre.cases.permits import AUTHORISED, OPEN
from vigibati.configs.errors import OutputError

_NO_CONTROL = "none"
_COLUMNS = ("case_id", "status", "control", "comment", "decided_by", "decided_at")


def refuse_to_lose_decisions(out: Path) -> None:
    """Make sure that writing ``out`` anew destroys nothing that a person did.

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
    if count := touched(cases):
        cause = f"holds {count} cases that a person has decided or drawn"
        raise OutputError(out, cause, "give another name to --out")


def touched(cases: pd.DataFrame) -> int:
    """Return how many cases of a list a person has decided, commented on or drawn.

    A case that a permit alone has turned to "authorised" was touched by nobody; one without a number was
    drawn by hand.

    Args:
        cases: Table of a published list; 0 where it is not one, because it lacks the columns.
    """
    if not set(_COLUMNS) <= set(cases.columns):
        return 0
    done = cases["comment"].fillna("").ne("") | cases["decided_by"].fillna("").ne("")
    done |= cases["decided_at"].notna() | cases["case_id"].isna()
    status = cases["status"].fillna(OPEN)
    if "permit" in cases:
        status = status.mask(cases["permit"].notna() & (status == AUTHORISED), OPEN)
    done |= status.ne(OPEN) | cases["control"].fillna(_NO_CONTROL).ne(_NO_CONTROL)
    return int(done.sum())
