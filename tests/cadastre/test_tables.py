from __future__ import annotations

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.sheets import assign_sheets
from vigibati.cadastre.tables import PARCEL_COLUMNS, RECORD_COLUMNS, SHEET_COLUMNS, conform, conform_records

LAMBERT = pyproj.CRS.from_epsg(2154)


def box(west: float, south: float, side: float = 10) -> shapely.Polygon:
    return shapely.box(west, south, west + side, south + side)


def records_at(*places: tuple[float, float], **columns: object) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(columns, geometry=[box(*place) for place in places], crs=LAMBERT)
    return conform_records(frame)


def sheets_at(places: dict[str, tuple[float, float]]) -> gpd.GeoDataFrame:
    columns = {"sheet_id": list(places), "sheet_quality": "01/02", "sheet_scale": 1000, "accuracy_m": 0.4}
    frame = gpd.GeoDataFrame(
        columns, geometry=[box(*place, side=100) for place in places.values()], crs=LAMBERT
    )
    return conform(frame, SHEET_COLUMNS)


def test_conform_orders_types_and_fills() -> None:
    frame = gpd.GeoDataFrame(
        {"extra": [1], "sheet_scale": ["2500"], "record_id": [17]},
        geometry=[box(0, 0)],
        crs=LAMBERT,
        index=[8],
    )
    table = conform_records(frame)
    assert list(table.columns) == [*RECORD_COLUMNS, "geometry"]
    assert table.index.tolist() == [0]
    assert table.loc[0, "record_id"] == "17"
    assert table.loc[0, "sheet_scale"] == 2500.0
    assert table["created"].isna().all()
    assert {name: str(table[name].dtype) for name in RECORD_COLUMNS} == dict(RECORD_COLUMNS)
    assert table.crs == LAMBERT


def test_conform_keeps_nulls_null_and_empty_tables_typed() -> None:
    table = records_at((0, 0), (50, 0), kind=["light", None])
    assert table["kind"].isna().tolist() == [False, True]
    empty = conform_records(gpd.GeoDataFrame({"kind": []}, geometry=[], crs=LAMBERT))
    assert {name: str(empty[name].dtype) for name in RECORD_COLUMNS} == dict(RECORD_COLUMNS)


def test_a_record_takes_the_sheet_that_holds_it() -> None:
    sheets = sheets_at({"A": (0, 0), "B": (100, 0)})
    found = assign_sheets(records_at((20, 20), (130, 70)), sheets, None)
    assert found["sheet_id"].tolist() == ["A", "B"]
    assert found["sheet_quality"].tolist() == ["01/02", "01/02"]
    assert found["accuracy_m"].tolist() == [0.4, 0.4]


def test_a_record_beside_the_sheets_takes_the_nearest_within_fifty_metres() -> None:
    sheets = sheets_at({"A": (0, 0), "B": (100, 0)})
    # Centres at 25 m east of B, and 75 m.
    found = assign_sheets(records_at((220, 20), (270, 20)), sheets, None)
    assert found["sheet_id"].tolist() == ["B", "all"]
    assert found["accuracy_m"].isna().tolist() == [False, True]


def test_a_known_sheet_and_accuracy_stay() -> None:
    records = records_at((20, 20), (30, 30), sheet_id=["Z", "all"], accuracy_m=[3.0, None])
    found = assign_sheets(records, sheets_at({"A": (0, 0)}), None)
    assert found["sheet_id"].tolist() == ["Z", "A"]
    assert found["accuracy_m"].tolist() == [3.0, 0.4]


def test_without_sheets_the_section_of_the_parcel_serves() -> None:
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["13029000AB0001", "13029000ZC0107", None]},
        geometry=[box(0, 0, 50), box(50, 0, 50), box(500, 0, 50)],
        crs=LAMBERT,
    )
    parcels = conform(parcels, PARCEL_COLUMNS)
    found = assign_sheets(records_at((10, 10), (70, 20), (510, 10)), None, parcels)
    assert found["sheet_id"].tolist() == ["13029000AB", "13029000ZC", "all"]


@pytest.mark.parametrize("ids", [["7541401CS5274S"], ["17"]])
def test_parcels_of_other_countries_make_no_sheets(ids: list[str]) -> None:
    parcels = conform(
        gpd.GeoDataFrame({"parcel_id": ids}, geometry=[box(0, 0, 50)], crs=LAMBERT), PARCEL_COLUMNS
    )
    assert assign_sheets(records_at((10, 10)), None, parcels)["sheet_id"].tolist() == ["all"]


def test_the_records_given_are_not_changed() -> None:
    records = records_at((20, 20))
    assign_sheets(records, sheets_at({"A": (0, 0)}), None)
    assert records["sheet_id"].isna().all()
