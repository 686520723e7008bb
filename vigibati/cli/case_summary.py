"""What a person is told of a list of cases."""

from __future__ import annotations

import geopandas as gpd
from rich.console import Console
from rich.table import Table

from vigibati.cadastre.cases.budget import BudgetReport
from vigibati.cadastre.choices import AUTHORISED
from vigibati.cadastre.comparison.compare import ComparisonReport

_FIRST = 10
# Fewer than one in four are expected to be real, of so many that it is no chance of a few.
_DOUBTFUL = 0.25
_MANY = 10


def show_cases(
    console: Console,
    cases: gpd.GeoDataFrame,
    *,
    comparison: ComparisonReport,
    budget: BudgetReport,
    offsets: gpd.GeoDataFrame,
) -> None:
    """Print the first cases, how many there are, what the list leaves out and how the records were moved.

    Args:
        console: To print on.
        cases: By rank.
        comparison: Its counts.
        budget: What the planned visits buy.
        offsets: One row per sheet.
    """
    console.print(_table(cases))
    counts = ", ".join(f"{count} {kind}" for kind, count in cases["kind"].value_counts().items())
    console.print(f"{len(cases)} cases: {counts or 'none'}")
    if budget.expected_precision is not None:
        what = f"the {budget.cases} cases of the budget" if budget.budget else "all of them"
        console.print(f"expected precision of {what}: {budget.expected_precision:.0%}")
    for line in _doubts(cases):
        console.print(line)
    explained = int((cases["status"] == AUTHORISED).sum())
    if explained:
        console.print(f"{explained} cases lie on a parcel with a permit: counted as authorised for now")
    _show_left_out(console, comparison)
    for row in offsets.itertuples():
        console.print(
            f"sheet {row.sheet_id}: moved by ({row.dx_m:+.2f}, {row.dy_m:+.2f}) m, "
            f"{row.support} blocks agree, tolerance {row.tolerance_m:.2f} m ({row.method})"
        )


def _doubts(cases: gpd.GeoDataFrame) -> list[str]:
    return [
        f"of {len(chance)} {kind} cases {chance.sum():.0f} are expected to be real: either many really "
        "changed here, or the model does not know these roofs; look at the first of them, "
        "and see `vigibati adapt`"
        for kind, chance in cases.groupby("kind")["p_case"]
        if len(chance) >= _MANY and chance.mean() < _DOUBTFUL
    ]


def _show_left_out(console: Console, comparison: ComparisonReport) -> None:
    if comparison.footprints_outside_cover:
        console.print(
            f"{comparison.footprints_outside_cover} footprints lie where the records do not speak: "
            "unknown, not listed"
        )
    if comparison.footprints_unsure:
        console.print(
            f"{comparison.footprints_unsure} outlines beside no record are too unsure to be listed; "
            "they are in the layer footprints"
        )
    if comparison.cases["pool"] and not comparison.pool_records:
        console.print("the records hold no pool (Etalab batiments never do): every pool seen is listed")


def _table(cases: gpd.GeoDataFrame) -> Table:
    table = Table(title=f"First {min(_FIRST, len(cases))} of {len(cases)} cases")
    for name in ("rank", "kind", "area m²", "p", "why"):
        table.add_column(name, justify="right" if name in {"rank", "area m²", "p"} else "left")
    for row in cases.head(_FIRST).itertuples():
        table.add_row(
            str(row.rank),
            str(row.kind),
            f"{row.area_m2:.0f}",
            f"{row.p_case:.2f}",
            # The reasons name the parcel and the zone, so that these need no columns of their own.
            str(row.reasons),
        )
    return table
