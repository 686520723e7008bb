"""How good the list is down to any place in it, and which cases fit a number of visits."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np

from vigibati.cadastre.permits import OPEN


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """What a number of visits buys.

    Attributes:
        budget: Cases that can be looked at; None where nobody said how many.
        cases: Cases that are marked.
        expected_precision: Share of them that is really there, by the calibrated probabilities; cases
            without one (not seen) do not count; None where there is none.
    """

    budget: int | None
    cases: int
    expected_precision: float | None


def with_budget(cases: gpd.GeoDataFrame, budget: int | None) -> gpd.GeoDataFrame:
    """Mark the first cases that are still to be reviewed, and say how precise the list is down to each.

    Args:
        cases: Sorted by rank, with ``p_building`` and, where known, ``status``.
        budget: Number of cases to mark; none when None.

    Returns:
        A copy with ``in_budget`` and ``expected_precision``: the mean of ``p_building`` of all cases down to
        this one, null until the first that has one.
    """
    chance = cases["p_building"].to_numpy(dtype=float)
    counted = np.cumsum(~np.isnan(chance))
    total = np.cumsum(np.nan_to_num(chance))
    precision = np.divide(total, counted, out=np.full(len(cases), np.nan), where=counted > 0)
    to_review = (cases["status"] == OPEN).to_numpy() if "status" in cases else np.ones(len(cases), dtype=bool)
    marked = to_review & (np.cumsum(to_review) <= (budget or 0))
    return cases.assign(in_budget=marked, expected_precision=np.round(precision, 6))


def budget_report(cases: gpd.GeoDataFrame, budget: int | None) -> BudgetReport:
    """Return what is said of a budget in summary and provenance; of the whole list when None."""
    chosen = cases if budget is None else cases[cases["in_budget"]]
    chance = chosen["p_building"].dropna()
    return BudgetReport(budget, len(chosen), None if chance.empty else round(float(chance.mean()), 4))
