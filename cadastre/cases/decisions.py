"""What people did in a list of cases: what they touched, what that says of the ground, what must stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS, RECORD_KINDS
from vigibati.cadastre.choices import AUTHORISED, STANDS, UNTOUCHED
from vigibati.configs.atomic_files import check_geopackage
from vigibati.configs.errors import OutputError

_PRESENT: Final = frozenset(verdict for verdict, stands in STANDS.items() if stands)
_ABSENT: Final = frozenset(verdict for verdict, stands in STANDS.items() if stands is False)
_CLASS: Final = {kind: spec.class_name for kind, spec in CASE_KIND_SPECS.items()}
_COLUMNS: Final = ("case_id", *UNTOUCHED)


def touched_mask(cases: pd.DataFrame) -> pd.Series[bool]:
    """Return which cases of a list a person has touched.

    A case is touched if a column of a decision holds something else than in `UNTOUCHED`: a verdict, a
    follow-up, a comment, a signature. So is one without a number, which was drawn by hand. What a permit
    alone has turned to "authorised" was touched by nobody; without a permit a person has said it.

    Args:
        cases: Any part of the columns of a list; those that are absent say nothing.

    Returns:
        On the index of the cases.
    """
    touched = cases["case_id"].isna() if "case_id" in cases else pd.Series(data=False, index=cases.index)
    for name, untouched in UNTOUCHED.items():
        if name in cases:
            held = cases[name].astype("object").where(cases[name].notna(), untouched)
            if name == "status" and "permit" in cases:
                held = held.mask((held == AUTHORISED) & cases["permit"].notna(), untouched)
            touched |= held != untouched
    return touched


def refuse_to_lose_decisions(out: Path) -> None:
    """Make sure that a list can be written to ``out``, and destroys nothing there that a person did.

    Args:
        out: GeoPackage that is to be written; nothing is checked when there is none yet.

    Raises:
        OutputError: ``out`` holds cases that a person has touched, is some other file, or cannot take a
            GeoPackage.
    """
    check_geopackage(out)
    if not out.exists():
        return
    try:
        cases = pyogrio.read_dataframe(out, layer="cases", columns=[*_COLUMNS, "permit"], read_geometry=False)
    except (DataLayerError, DataSourceError) as error:
        raise OutputError(out, "exists and is no list of cases", "give another name to --out") from error
    if missing := set(_COLUMNS) - set(cases.columns):
        cause = f"exists and is no list of cases of this tool (no column {', '.join(sorted(missing))})"
        raise OutputError(out, cause, "give another name to --out")
    if count := int(touched_mask(cases).sum()):
        cause = f"holds {count} cases that a person has decided or drawn"
        raise OutputError(out, cause, "give another name to --out")


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Decided cases in which something is known to be there, or not to be.

    Attributes:
        table: ``class_name`` ("building" or "pool"), ``present`` (bool), geometry.
    """

    table: gpd.GeoDataFrame

    def of(self, class_name: str, *, present: bool) -> gpd.GeoSeries:
        """Return the outlines of a class in which it is there, or is not."""
        chosen = (self.table["class_name"] == class_name) & (self.table["present"] == present)
        return self.table.geometry[chosen]


def decided(cases: gpd.GeoDataFrame) -> Decided:
    """Return what the decisions of a list of cases say about the ground.

    "Confirmed", "recorded elsewhere", "authorised" and "exempt" all say that the thing stands; of a
    record that is not seen, "confirmed" says that it is gone, and the three others say nothing about
    the image. "Not a building" says that nothing stands. What nobody has touched, see `touched_mask`,
    says nothing either.

    Args:
        cases: With ``kind``; without ``status`` nothing is decided.
    """
    if "status" not in cases:
        return Decided(_table(cases.iloc[:0], pd.Series(dtype=bool)))
    status, touched = cases["status"], touched_mask(cases)
    is_record = cases["kind"].isin(RECORD_KINDS)
    present = touched & status.isin(_PRESENT) & ~is_record
    absent = touched & (status.isin(_ABSENT) | (is_record & (status == "confirmed")))
    known = (present | absent) & cases["kind"].isin(_CLASS)
    return Decided(_table(cases[known], present[known]))


def _table(cases: gpd.GeoDataFrame, present: pd.Series) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "class_name": cases["kind"].map(_CLASS).to_numpy(),
            "present": np.asarray(present, dtype=bool),
        },
        geometry=cases.geometry.to_numpy(),
        crs=cases.crs,
    )
