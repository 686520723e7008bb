from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from vigibati.cadastre.cases.decisions import decided

HERE, THERE = shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)


def case(kind: str, status: str, **columns: object) -> gpd.GeoDataFrame:
    values = {"kind": [kind], "status": [status], **{name: [value] for name, value in columns.items()}}
    return gpd.GeoDataFrame(values, geometry=[HERE], crs=2154)


@pytest.mark.parametrize("status", ["confirmed", "recorded_elsewhere", "exempt"])
@pytest.mark.parametrize(
    ("kind", "name"), [("new_building", "building"), ("extension", "building"), ("pool", "pool")]
)
def test_what_stands_is_present(kind: str, name: str, status: str) -> None:
    known = decided(case(kind, status))
    assert known.of(name, present=True).tolist() == [HERE]
    assert known.of(name, present=False).empty


@pytest.mark.parametrize("status", ["to_review", "unclear", "", None])
def test_what_is_open_says_nothing(status: str) -> None:
    assert decided(case("new_building", status)).table.empty


def test_a_permit_alone_is_no_decision() -> None:
    assert decided(case("new_building", "authorised", decided_by=None)).table.empty
    assert decided(case("new_building", "authorised", decided_by="mairie")).table["present"].tolist() == [
        True
    ]


def test_a_record_that_is_gone_is_absent_and_one_that_is_settled_says_nothing() -> None:
    assert decided(case("not_seen", "confirmed")).of("building", present=False).tolist() == [HERE]
    assert decided(case("not_seen", "recorded_elsewhere")).table.empty


def test_what_is_no_building_is_absent() -> None:
    assert decided(case("pool", "not_a_building")).of("pool", present=False).tolist() == [HERE]


def test_a_list_without_verdicts_decides_nothing() -> None:
    bare = gpd.GeoDataFrame({"kind": ["durable", "light"]}, geometry=[HERE, THERE], crs=2154)
    assert decided(bare).table.empty
    assert decided(bare).table.crs == bare.crs
