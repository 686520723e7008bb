from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import box

from vigibati.cadastre.cases.budget import BudgetReport, budget_report
from vigibati.cadastre.cases.context import enrich
from vigibati.cadastre.cases.ids import case_ids
from vigibati.cadastre.cases.rank import rank
from vigibati.cadastre.size_bands import band_labels, size_bands
from vigibati.cadastre.words import Language
from vigibati.configs.errors import RecordsError
from vigibati.configs.legal import CASE_KINDS
from vigibati.configs.rules import load_rules

RULES = load_rules()


def cases_of(**columns: object) -> gpd.GeoDataFrame:
    """Three cases from large to small, 10 m apart; ``columns`` replace the defaults."""
    values = {
        "case_id": ["N-1", "N-2", "N-3"],
        "kind": "new_building",
        "area_m2": [84.0, 36.0, 9.0],
        "area_low_m2": [75.0, 30.0, 6.0],
        "area_high_m2": [93.0, 42.0, 12.0],
        "size_band": [">60", "20-40", "5-20"],
        "p_building": [0.9, 0.9, 0.9],
        "covered": 0.0,
        "offset_m": 1.2,
        "tolerance_m": 0.7,
    }
    values |= columns
    values.setdefault("p_case", values["p_building"])
    shapes = [box(0, 0, 7, 12), box(20, 0, 26, 6), box(40, 0, 43, 3)]
    return gpd.GeoDataFrame(values, geometry=shapes, crs=2154)


def zones_of(*kinds: str) -> gpd.GeoDataFrame:
    shapes = [box(20 * i - 5, -5, 20 * i + 15, 50) for i in range(len(kinds))]
    return gpd.GeoDataFrame({"zone": list(kinds), "zone_kind": list(kinds)}, geometry=shapes, crs=2154)


def ranked(cases: gpd.GeoDataFrame, *kinds: str, lang: Language = "fr") -> gpd.GeoDataFrame:
    return rank(
        enrich(cases, parcels=None, zones=zones_of(*kinds) if kinds else None), rules=RULES, lang=lang
    )


def test_priority_is_the_product_of_three_factors() -> None:
    result = ranked(cases_of(), "A", "U", "N")
    assert result["priority"].tolist() == pytest.approx([0.9 * 1.0 * 1.0, 0.9 * 0.8 * 0.7, 0.9 * 0.5 * 1.0])
    assert result["rank"].tolist() == [1, 2, 3]


def test_ranks_are_unique_and_ties_are_settled() -> None:
    alike = cases_of(area_m2=[84.0, 84.0, 90.0])
    result = ranked(alike.iloc[[1, 0, 2]])
    assert result["case_id"].tolist() == ["N-3", "N-1", "N-2"]
    assert result["rank"].tolist() == [1, 2, 3]
    assert len(set(result["priority"])) == 1


def test_the_chance_that_a_case_is_real_counts_and_is_said_where_it_is_small() -> None:
    result = ranked(cases_of(kind="not_seen", p_building=np.nan, p_case=0.25))
    assert result["priority"].iloc[0] == pytest.approx(0.25 * 0.3 * RULES.priority.zone_weight[""])
    assert "nan" not in result["reasons"].iloc[0]
    assert "parmi les cas semblables de cette liste, environ 25 % seraient réels" in result["reasons"].iloc[0]


def test_the_longest_name_of_a_zone_decides() -> None:
    weights = RULES.priority.zone_weight
    result = ranked(cases_of(area_m2=84.0), "AUc", "Nh", "X")
    expected = [0.9 * weights["AU"], 0.9 * weights["N"], 0.9 * weights[""]]
    assert sorted(result["priority"]) == pytest.approx(sorted(expected))


def test_reasons_name_facts_in_the_reader_s_language() -> None:
    parcels = gpd.GeoDataFrame({"parcel_id": ["99007000AC0012"]}, geometry=[box(-5, -5, 60, 60)], crs=2154)
    cases = enrich(cases_of(), parcels=parcels, zones=zones_of("A"))
    assert rank(cases, rules=RULES, lang="fr")["reasons"].iloc[0] == (
        "Bâtiment de 84 m² (de 75 à 93) absent du cadastre ; d’ordinaire un permis de construire (R.421-1, à "
        "vérifier par le service) ; zone A ; parcelle 99007000AC0012"
    )
    assert rank(cases, rules=RULES, lang="en")["reasons"].iloc[0] == (
        "Building of 84 m² (75 to 93) not in the records; usually a building permit (R.421-1, to be verified "
        "by the service); zone A; parcel 99007000AC0012"
    )


def test_reasons_say_what_makes_a_case_doubtful() -> None:
    case = ranked(cases_of(p_building=[0.9, 0.55, 0.9], tolerance_m=[0.7, 2.0, 0.7])).set_index("case_id")
    assert "de part et d’autre de 40 m²" in case.loc["N-2", "reasons"]
    assert "sûr qu’à 55 %" in case.loc["N-2", "reasons"]
    assert "2.0 m" in case.loc["N-2", "reasons"]
    assert "de part et d’autre" not in case.loc["N-1", "reasons"]


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("kind", CASE_KINDS)
def test_no_reason_is_a_verdict(kind: str, lang: Language) -> None:
    said = " ".join(
        ranked(cases_of(kind=kind, tolerance_m=3.0, p_building=0.1), "A", lang=lang)["reasons"]
    ).lower()
    for word in ("illég", "illeg", "infraction", "fraud", "offence", "unlawful"):
        assert word not in said
    assert len(said) > 60


def test_a_case_belongs_to_the_parcel_that_holds_most_of_it() -> None:
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["99007000AB0001", "99007000AB0002"]},
        geometry=[box(-50, -50, 2, 50), box(2, -50, 30, 50)],
        crs=2154,
    )
    result = enrich(cases_of(), parcels=parcels, zones=None)
    assert result["parcel_id"].iloc[:2].tolist() == ["99007000AB0002", "99007000AB0002"]
    assert result["commune"].iloc[0] == "99007"
    assert result[["parcel_id", "commune"]].iloc[2].isna().all()
    assert result[["zone", "zone_kind"]].isna().all(axis=None)


def test_zones_in_another_crs_are_refused() -> None:
    with pytest.raises(RecordsError, match="zones"):
        enrich(cases_of(), parcels=None, zones=zones_of("U").set_crs(2975, allow_override=True))


def sectors_of(*names: str, start: float = -5) -> gpd.GeoDataFrame:
    shapes = [box(20 * i + start, -5, 20 * i + 15, 50) for i in range(len(names))]
    return gpd.GeoDataFrame({"sector": list(names)}, geometry=shapes, crs=2154)


def test_risk_and_protected_sectors_weigh_and_are_named() -> None:
    # The second plan reaches the first case alone, the third only with a twentieth of it.
    risk = (sectors_of("R", "B"), sectors_of("expl."), sectors_of("edge", start=6.7))
    cases = enrich(
        cases_of(), parcels=None, zones=zones_of("U", "U", "U"), risk=risk, protected=[sectors_of("AC1")],
        least_share=RULES.priority.context_share,
    )  # fmt: skip
    assert cases["risk_zone"].fillna("-").tolist() == ["R + expl.", "B", "-"]
    assert cases["protected"].fillna("-").tolist() == ["AC1", "-", "-"]
    result = rank(cases, rules=RULES, lang="fr").set_index("case_id")
    assert result["priority"].to_dict() == pytest.approx(
        {"N-1": 0.9 * 1.0 * 1.0, "N-2": 0.9 * 0.8 * 1.0, "N-3": 0.9 * 0.5 * 0.7}
    )
    assert "zone U ; zone de risque R + expl. ; secteur protégé AC1" in result.loc["N-1", "reasons"]


def test_a_permit_and_a_passed_delay_weigh() -> None:
    cases = enrich(cases_of(), parcels=None, zones=None).assign(
        permit=["PC 1", "PC 2", None],
        status=["authorised", "to_review", "to_review"],
        first_seen=pd.array([None, 2013, 2014], dtype="Int32"),
        last_not_seen=pd.array([None] * 3, dtype="Int32"),
    )
    result = rank(cases, rules=RULES, lang="fr", image_year=2024).set_index("case_id")
    usual = 0.9 * RULES.priority.zone_weight[""]
    assert result["priority"].to_dict() == pytest.approx(
        {"N-1": usual * 1.0 * 0.2, "N-2": usual * 0.8 * 0.5, "N-3": usual * 0.5}
    )
    assert "autorisation sur la parcelle : PC 1, comptée comme explication" in result.loc["N-1", "reasons"]
    assert result.loc["N-2", "reasons"].endswith("autorisation sur la parcelle : PC 2")
    assert (
        "déjà là en 2013, action pénale : 6 ans (CPP art. 8), soit 2019 au plus tard"
        in result.loc["N-2", "reasons"]
    )


def test_the_best_cases_of_a_budget_and_how_precise_the_list_is() -> None:
    cases = cases_of(p_building=[0.9, np.nan, 0.5], p_case=[0.9, 0.4, 0.5])
    cases = enrich(cases, parcels=None, zones=None)
    cases = cases.assign(status=["authorised", "to_review", "to_review"], permit=["PC 1", None, None])
    result = rank(cases, rules=RULES, budget=1)
    assert result["case_id"].tolist() == ["N-2", "N-3", "N-1"]
    assert result["expected_precision"].tolist() == pytest.approx([0.4, 0.45, 0.6])
    assert result["in_budget"].tolist() == [True, False, False]
    assert budget_report(result, 1) == BudgetReport(budget=1, cases=1, expected_precision=0.4)
    assert budget_report(rank(cases, rules=RULES, budget=9), 9) == BudgetReport(9, 2, 0.45)
    assert budget_report(rank(cases, rules=RULES), None) == BudgetReport(None, 3, 0.6)


def test_the_limits_of_a_pool_are_its_own() -> None:
    pool = cases_of(kind="pool", area_m2=40.0, area_low_m2=35.0, area_high_m2=45.0)
    assert "de part et d’autre" not in ranked(pool)["reasons"].iloc[0]
    wide = cases_of(kind="pool", area_m2=96.0, area_low_m2=85.0, area_high_m2=107.0)
    assert "de part et d’autre de 100 m²" in ranked(wide)["reasons"].iloc[0]


def test_no_case_at_all_goes_through() -> None:
    result = ranked(cases_of()[:0], "U")
    assert len(result) == 0
    assert {"rank", "priority", "reasons", "parcel_id", "zone_kind"} <= set(result.columns)


def test_a_bound_belongs_to_the_band_below_it() -> None:
    assert band_labels((5, 20, 40, 60)) == ("<5", "5-20", "20-40", "40-60", ">60")
    assert size_bands([4.9, 5.0, 5.1, 20.0, 20.1, 40.0, 60.0, 60.1], (5, 20, 40, 60)) == [
        "<5", "<5", "5-20", "5-20", "20-40", "20-40", "40-60", ">60",
    ]  # fmt: skip


def test_case_ids_are_found_again_and_never_collide() -> None:
    shapes = np.array([box(0, 0, 4, 4), box(1, 1, 3, 3), box(-8, 0, -4, 4), box(0, 0, 4, 4)], dtype=object)
    kinds = ["new_building", "new_building", "extension", "pool"]
    assert case_ids(kinds, shapes) == ["N-0-0", "N-0-0-2", "E--10-0", "P-0-0"]
    assert case_ids(kinds[::-1], shapes[::-1]) == ["P-0-0", "E--10-0", "N-0-0-2", "N-0-0"]
    redrawn = np.array([box(0.2, -0.2, 4.3, 4.1)], dtype=object)
    assert case_ids(["new_building"], redrawn) == ["N-0-0"]
    assert pd.Series(case_ids(["pool"] * 50, np.repeat(shapes[:1], 50))).is_unique
