from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.cadastre.readers.summary import describe_records
from vigibati.cadastre.repair import Repairs
from vigibati.cadastre.tables import SHEET_COLUMNS, RecordSet, conform, conform_records


def test_what_was_understood_is_told(tmp_path: Path) -> None:
    outlines = [shapely.box(700_000 + 20 * i, 6_600_000, 700_010 + 20 * i, 6_600_008) for i in range(3)]
    outlines.append(outlines[0])
    columns = {
        "id": ["a", "b", "c", "d"],
        "type": ["01", "02", None, "01"],
        "created": ["2011-01-01", "2015-01-01", None, None],
        "accuracy_m": [0.5, 2.0, None, None],
    }
    path = tmp_path / "town.gpkg"
    gpd.GeoDataFrame(columns, geometry=outlines, crs=2154).to_file(path, engine="pyogrio")
    told = describe_records(read_records(path, hints=RecordsHints(declared_crs="EPSG:3949")))
    json.dumps(told)
    assert told == {
        "format": "GPKG",
        "files": ["town.gpkg"],
        "crs": "RGF93 v1 / CC49",
        "source_crs": "RGF93 v1 / CC49",
        "crs_from": "declared as EPSG:3949",
        "records": 3,
        "kinds": {"durable": 1, "light": 1, "unknown": 1},
        "area_m2": 240.0,
        "bounds": [700_000, 6_600_000, 700_050, 6_600_008],
        "created": ["2011-01-01", "2015-01-01"],
        "updated": None,
        "accuracy_m": [0.5, 2.0],
        "parcels": None,
        "sheet_count": None,
        "sheets": None,
        "repairs": ["1 exact repetitions, dropped (d)"],
    }


def test_what_is_not_known_of_a_sheet_is_not_told() -> None:
    outlines = [shapely.box(700_000, 6_600_000, 700_010, 6_600_008)]
    facts = {"sheet_id": ["A"], "sheet_quality": [None], "sheet_scale": [None], "accuracy_m": [0.4]}
    sheets = conform(gpd.GeoDataFrame(facts, geometry=outlines, crs=2154), SHEET_COLUMNS)
    records = conform_records(gpd.GeoDataFrame({"sheet_id": ["A"]}, geometry=outlines, crs=2154))
    found = RecordSet(records, None, sheets, "etalab", Repairs(), (), "Lambert-93", "stated by the file")
    assert describe_records(found)["sheets"] == ["A: ±0.4 m, 1 records"]


@pytest.mark.shared
def test_sheets_are_told_with_their_quality(shared_data: Path) -> None:
    told = describe_records(read_records(shared_data / "cadastre" / "edigeo"))
    assert told["sheet_count"] == 7
    assert isinstance(told["sheets"], list)
    assert told["sheets"][0] == "130290000A01: quality 01/01, 1:2500, ±1 m, 276 records"
    assert told["crs_from"] == "LAMB93 in the GEO file of the bundle"
    assert told["created"] == ["1999-12-08", "2019-10-28"]


def test_geojson_says_where_its_degrees_come_from(tmp_path: Path) -> None:
    house = shapely.box(2.35, 48.85, 2.3501, 48.8501)
    gpd.GeoDataFrame(geometry=[house], crs=4326).to_file(tmp_path / "a.geojson", engine="pyogrio")
    told = describe_records(read_records(tmp_path / "a.geojson"))
    assert told["crs"] == "RGF93 v1 / Lambert-93"
    assert told["source_crs"] == "WGS 84"
    assert told["crs_from"] == "GeoJSON is in longitude and latitude unless it says otherwise"
