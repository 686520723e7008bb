"""Whether a list of cases may be written where it is asked for."""

from __future__ import annotations

from pathlib import Path

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from vigibati.cadastre.permits import AUTHORISED, OPEN
from vigibati.configs.errors import OutputError
from vigibati.configs.files import check_writable

_OPEN = {"status": OPEN, "control": "none"}
_COLUMNS = ("status", "control", "comment", "decided_by", "decided_at")


def check_place(out: Path) -> None:
    """Make sure that a GeoPackage can stand at ``out``.

    Raises:
        OutputError: ``out`` is not the name of a GeoPackage, is open in another program, or lies in a
            folder that cannot be written to.
    """
    if out.suffix.lower() != ".gpkg":
        raise OutputError(out, "is not the name of a GeoPackage", "end the name in .gpkg")
    check_writable(out)
    for companion in (Path(f"{out}-wal"), Path(f"{out}-journal")):
        # SQLite would apply such a log to the new file, which it does not belong to.
        if companion.exists():
            raise OutputError(
                out,
                f"is open in another program ({companion.name} lies beside it)",
                "close it there, then run again",
            )


def refuse_to_lose_decisions(out: Path) -> None:
    """Make sure that writing ``out`` anew destroys nothing that a person did.

    A case that a permit alone has turned to "authorised" was touched by nobody.

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
    touched = cases["comment"].fillna("").ne("") | cases["decided_by"].fillna("").ne("")
    touched |= cases["decided_at"].notna()
    if "permit" in cases:
        cases.loc[cases["permit"].notna() & (cases["status"] == AUTHORISED), "status"] = _OPEN["status"]
    for column, untouched in _OPEN.items():
        touched |= cases[column].fillna(untouched).ne(untouched)
    if touched.any():
        raise OutputError(
            out, f"holds {int(touched.sum())} cases that a person has decided", "give another name to --out"
        )
