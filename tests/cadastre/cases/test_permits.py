from __future__ import annotations

import geopandas as gpd
import pandas as pd
from shapely import box

from vigibati.cadastre.cases.permits import with_permits
from vigibati.configs.rules import load_rules

RULES = load_rules()


def cases_of(**columns: object) -> gpd.GeoDataFrame:
    """One case each on parcels A 12, A 13 and one beside all parcels."""
    values = {
        "kind": "new_building",
        "parcel_id": ["130290000A0012", "130290000A0013", None],
        "area_low_m2": 12.0,
        "zone_kind": None,
        "protected": None,
    }
    return gpd.GeoDataFrame(
        values | columns, geometry=[box(i, 0, i + 1, 1) for i in range(3)], crs=2154
    ).astype({"parcel_id": "str"})


def permits_of(*rows: tuple[str, str, str, str | None]) -> pd.DataFrame:
    names = ["parcel_key", "permit_number", "permit_type", "permit_date"]
    return pd.DataFrame(rows, columns=names, dtype="str")


def joined(
    cases: gpd.GeoDataFrame, *rows: tuple[str, str, str, str | None], **given: object
) -> gpd.GeoDataFrame:
    parcels = given.get("parcels")
    return with_permits(cases, permits_of(*rows), parcels=parcels, rules=RULES)  # type: ignore[arg-type]


def test_a_permit_on_the_parcel_explains_until_a_person_decides() -> None:
    result = joined(cases_of(), ("130290A0012", "01302921K0012", "PC", "2021-05-10"))
    assert result["permit"].fillna("-").tolist() == ["PC 01302921K0012 (2021-05-10)", "-", "-"]
    assert result["status"].tolist() == ["authorised", "to_review", "to_review"]


def test_the_newest_permit_is_named_and_the_others_counted() -> None:
    rows = [
        ("130290000A0013", "DP 7", "DP", "2022-01-01"),
        ("130290000A0013", "5", "PC", "2019-01-01"),
        ("130290000A0013", "4", "PA", None),
    ]
    assert joined(cases_of(), *rows)["permit"].iloc[1] == "DP 7 (2022-01-01) + 2"


def test_a_declaration_is_named_but_explains_nothing_that_needs_a_permit() -> None:
    declared = ("130290000A0012", "7", "DP", "2022-01-01")
    granted = ("130290000A0012", "5", "PC", "2019-01-01")
    house, doubtful = cases_of(area_low_m2=100.0), cases_of(area_low_m2=19.0)
    result = joined(house, declared)
    assert (result["permit"].iloc[0], result["status"].iloc[0]) == ("DP 7 (2022-01-01)", "to_review")
    # It may be small enough.
    assert joined(doubtful, declared)["status"].iloc[0] == "authorised"
    result = joined(house, declared, granted)
    assert (result["permit"].iloc[0], result["status"].iloc[0]) == ("PC 5 (2019-01-01) + 1", "authorised")


def test_of_several_lists_the_order_does_not_matter_and_what_two_name_counts_once() -> None:
    old = ("130290000A0012", "old", "PC", "2005-01-01")
    new = ("130290000A0012", "new", "PC", "2022-01-01")
    for rows in ((old, new, old), (new, old, new)):
        result = joined(cases_of(last_not_seen=[2018] * 3), *rows)
        assert result["permit"].iloc[0] == "PC new (2022-01-01) + 1"
        assert result["status"].iloc[0] == "authorised"


def test_a_decision_of_a_person_stays() -> None:
    cases = cases_of(
        status=["not_a_building", "to_review", "to_review"], decided_by=["mdupont", "mdupont", None]
    )
    rows = [(f"130290000A001{n}", "1", "PC", "2021-05-10") for n in (2, 3)]
    result = joined(cases, *rows)
    assert result["status"].tolist() == ["not_a_building", "to_review", "to_review"]
    assert result["permit"].notna().tolist() == [True, True, False]


def test_a_demolition_explains_nothing_new_and_a_permit_nothing_gone() -> None:
    rows = [("130290000A0012", "1", "PD", "2021-05-10"), ("130290000A0013", "2", "PC", "2021-05-10")]
    new = joined(cases_of(), *rows)
    assert (new["permit"].notna().tolist(), new["status"].iloc[0]) == ([False, True, False], "to_review")
    gone = joined(cases_of(kind="not_seen"), *rows)
    assert gone["permit"].fillna("-").tolist() == ["PD 1 (2021-05-10)", "-", "-"]
    assert set(gone["status"]) == {"to_review"}


def test_a_permit_long_before_the_last_image_without_the_case_is_named_but_not_believed() -> None:
    years = pd.array([2018, 2017, None], dtype="Int32")
    rows = [(f"130290000A001{n}", "1", "PC", "2010-05-10") for n in (2, 3)]
    result = joined(cases_of(last_not_seen=years), *rows)
    assert result["permit"].notna().tolist() == [True, True, False]
    assert result["status"].tolist() == ["to_review", "authorised", "to_review"]


def test_a_reference_without_prefix_that_two_parcels_share_is_passed_over() -> None:
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["130290000A0012", "130291230A0012", "130290000A0013"]},
        geometry=[box(i, 0, i + 1, 1) for i in range(3)],
        crs=2154,
    )
    rows = [(f"130290A001{n}", "1", "PC", None) for n in (2, 3)]
    result = joined(cases_of(), *rows, parcels=parcels)
    assert result["permit"].fillna("-").tolist() == ["-", "PC 1", "-"]


def test_without_permits_every_case_is_to_review() -> None:
    result = with_permits(cases_of(), None, parcels=None, rules=RULES)
    assert set(result["status"]) == {"to_review"}
    assert result["permit"].isna().all()
    assert len(joined(cases_of()[:0], ("130290A0012", "1", "PC", None))) == 0
