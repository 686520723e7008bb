"""How good the list is down to any place in it, and which cases fit a number of visits."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from vigibati.cadastre.choices import OPEN


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """What a number of visits buys.

    Attributes:
        budget: Cases that can be looked at; None where nobody said how many.
        cases: Cases that are marked.
        expected_precision: Share of them that is real, by ``p_case``; None where there is none.
    """

    budget: int | None
    cases: int
    expected_precision: float | None


def with_budget(cases: gpd.GeoDataFrame, budget: int | None) -> gpd.GeoDataFrame:
    """Mark the first cases that are still to be reviewed, and say how precise the list is down to each.

    Args:
        cases: Sorted by rank, with ``p_case`` and, where known, ``status``.
        budget: Number of cases to mark; none when None.

    Returns:
        A copy with ``in_budget`` and ``expected_precision``: the mean of ``p_case`` of all cases down to
        this one.
    """
    precision = np.cumsum(cases["p_case"].to_numpy(dtype=float)) / np.arange(1, len(cases) + 1)
    to_review = (cases["status"] == OPEN).to_numpy() if "status" in cases else np.ones(len(cases), dtype=bool)
    marked = to_review & (np.cumsum(to_review) <= (budget or 0))
    return cases.assign(in_budget=marked, expected_precision=np.round(precision, 6))


def budget_report(cases: gpd.GeoDataFrame, budget: int | None) -> BudgetReport:
    """Return what is said of a budget in summary and provenance; of the whole list when None."""
    chosen = cases if budget is None else cases[cases["in_budget"]]
    return BudgetReport(
        budget, len(chosen), None if chosen.empty else round(float(chosen["p_case"].mean()), 4)
    )
