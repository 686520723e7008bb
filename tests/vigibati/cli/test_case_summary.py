from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from rich.console import Console

from vigibati.cadastre.cases.budget import budget_report, with_budget
from vigibati.cadastre.comparison.compare import ComparisonReport
from vigibati.cli.case_summary import show_cases
from vigibati.configs.legal import CASE_KINDS

COUNTS = {name: 0 for name in ComparisonReport.__dataclass_fields__ if name != "cases"}
NOTHING = ComparisonReport(**COUNTS, cases=dict.fromkeys(CASE_KINDS, 0))


def told(chances: dict[str, list[float]]) -> str:
    rows = [(kind, chance) for kind, listed in chances.items() for chance in listed]
    cases = gpd.GeoDataFrame(
        {"kind": [kind for kind, _ in rows], "p_case": [chance for _, chance in rows]},
        geometry=[shapely.box(0, 0, 5, 5)] * len(rows),
        crs=2154,
    ).assign(rank=range(1, len(rows) + 1), area_m2=25.0, reasons="why", status="to_review")
    console = Console(width=400)
    listed = with_budget(cases, None)
    with console.capture() as shown:
        show_cases(
            console,
            listed,
            comparison=NOTHING,
            budget=budget_report(listed, None),
            offsets=gpd.GeoDataFrame({"geometry": []}, geometry="geometry", crs=2154),
        )
    return shown.get()


def test_a_kind_of_which_most_are_expected_to_be_wrong_is_named() -> None:
    text = told({"extension": [0.1] * 84, "new_building": [0.8] * 30})
    assert "of 84 extension cases 8 are expected to be real: either many really changed here" in text
    assert "new_building cases" not in text


@pytest.mark.parametrize("chances", [[0.3] * 84, [0.1] * 9])
def test_likely_kinds_and_a_few_cases_are_not(chances: list[float]) -> None:
    text = told({"extension": chances})
    assert f"{len(chances)} cases: {len(chances)} extension" in text
    assert "expected to be real" not in text
