"""What people decided about cases, as what is there and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS, RECORD_KINDS
from vigibati.cadastre.cases.permits import AUTHORISED

_PRESENT: Final = frozenset({"confirmed", "recorded_elsewhere", AUTHORISED, "exempt"})
_ABSENT: Final = "not_a_building"
_CLASS: Final = {kind: spec.class_name for kind, spec in CASE_KIND_SPECS.items()}


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
    the image. "Not a building" says that nothing stands. What a permit alone has turned to
    "authorised" was decided by nobody.

    Args:
        cases: With ``kind``; without ``status`` nothing is decided.
    """
    if "status" not in cases:
        return Decided(_table(cases.iloc[:0], pd.Series(dtype=bool)))
    status = cases["status"].fillna("")
    unsigned = cases["decided_by"].fillna("") == "" if "decided_by" in cases else True
    by_permit = (status == AUTHORISED) & unsigned
    gone = cases["kind"].isin(RECORD_KINDS)
    present = status.isin(_PRESENT) & ~by_permit & ~gone
    absent = (status == _ABSENT) | (gone & (status == "confirmed"))
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
