"""A country is data: a Belgian village with the law and the territory of two YAML files."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyproj
import pytest
from affine import Affine
from shapely import box
from shapely.geometry import Polygon

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance

Vigibati = Callable[..., Any]
BELGIAN_LAMBERT = pyproj.CRS.from_epsg(3812)
WEST, NORTH, GSD_M, SIDE_PX = 660_000.0, 670_000.0, 0.2, 400
# Column, row, width and height in pixels; all even, because the network halves the picture once.
SEEN_AND_RECORDED = ((60, 50, 60, 50), (280, 300, 80, 60))
SEEN_ALONE = (290, 70, 60, 40)
RECORDED_ALONE = (100, 190, 50, 50)


def on_the_ground(place: tuple[int, int, int, int]) -> Polygon:
    column, row, width, height = place
    left, top = WEST + column * GSD_M, NORTH - row * GSD_M
    return box(left, top - height * GSD_M, left + width * GSD_M, top)


@dataclass(frozen=True)
class Village:
    """Files of the village: two houses that are recorded, one that is not, and one that is gone."""

    ortho: Path
    footprints: Path
    cadastre: tuple[object, ...]
    rules: Path


@pytest.fixture
def village(
    write_ortho: Callable[..., Path], checkpoint: Path, vigibati: Vigibati, root: Path, tmp_path: Path
) -> Village:
    def write(name: str, places: list[tuple[int, int, int, int]], **columns: Any) -> Path:
        outlines = [on_the_ground(place) for place in places]
        gpd.GeoDataFrame(columns, geometry=outlines, crs=BELGIAN_LAMBERT).to_file(tmp_path / name)
        return tmp_path / name

    half = SIDE_PX // 2
    ortho = write_ortho(
        tmp_path / "ortho.tif",
        *SEEN_AND_RECORDED,
        SEEN_ALONE,
        crs="EPSG:3812",
        transform=Affine(GSD_M, 0, WEST, 0, -GSD_M, NORTH),
    )
    permits = tmp_path / "permits.csv"
    permits.write_text(
        "parcel_id;permit;permit_type;date\n21305b0002/00_000;2021/17;OMV;2021-05-10\n", encoding="utf-8"
    )
    cadastre = (
        *("--records", write("records.gpkg", [*SEEN_AND_RECORDED, RECORDED_ALONE])),
        *(
            "--parcels",
            write(
                "parcels.gpkg",
                [(0, 0, half, SIDE_PX), (half, 0, half, SIDE_PX)],
                parcel_id=["21305A0001/00A000", "21305B0002/00_000"],
            ),
        ),
        *("--permits", permits),
    )
    probabilities, footprints = tmp_path / "p.tif", tmp_path / "f.gpkg"
    for words in (
        ("segment", ortho, "--checkpoint", checkpoint, "--out", probabilities),
        ("vectorise", probabilities, "--out", footprints),
    ):
        assert vigibati(*words, "--quiet").code == 0
    return Village(ortho, footprints, cadastre, root / "tests" / "configs" / "data" / "belgium.yaml")


def test_its_law_and_its_parcels_make_the_cases(
    village: Village, vigibati: Vigibati, checkpoint: Path, tmp_path: Path
) -> None:
    cases, whole = tmp_path / "cases.gpkg", tmp_path / "whole.gpkg"
    given = (*village.cadastre, "--rules", village.rules, "--lang", "en", "--json")
    for words in (
        ("compare", village.footprints, *given, "--out", cases),
        ("detect", village.ortho, "--checkpoint", checkpoint, *given, "--out", whole),
    ):
        ran = vigibati(*words)
        assert (ran.code, ran.err) == (0, ""), words
    for out in (cases, whole):
        found = gpd.read_file(out, layer="cases")
        assert found.crs == BELGIAN_LAMBERT
        # The record that is gone is smaller than what this preset lists.
        (case,) = found.to_dict(orient="records")
        assert case["kind"] == "new_building"
        assert (case["size_band"], case["formality"]) == (">80", "permit")
        assert (case["parcel_id"], case["commune"]) == ("21305B0002/00_000", "21305")
        assert (case["permit"], case["status"]) == ("OMV 2021/17 (2021-05-10)", "authorised")
        assert case["priority"] == pytest.approx(case["p_case"] * 0.9 * 0.5 * 0.2, abs=1e-6)
        assert "usually a building permit (Example art. 3, to be verified by the service)" in case["reasons"]
        assert set(gpd.read_file(out, layer="records")["sheet_id"]) == {"21305A", "21305B"}
        with closing(sqlite3.connect(out)) as database:
            query = "SELECT styleQML FROM layer_styles WHERE f_table_name = 'parcels'"
            ((style,),) = database.execute(query).fetchall()
        assert "substr(&quot;parcel_id&quot;, 6, 1)" in style
    rules = read_provenance(whole)["rules"]
    assert (rules["name"], rules["territory"]["legal_crs"]) == ("belgium-example", [3812])
    assert rules["cases"]["not_seen_min_m2"] == 120


def test_web_mercator_gives_way_to_the_crs_of_its_territory(
    village: Village, vigibati: Vigibati, tmp_path: Path
) -> None:
    mercator, out = tmp_path / "mercator.gpkg", tmp_path / "cases.gpkg"
    gpd.read_file(village.footprints).to_crs(3857).to_file(mercator, layer="footprints")
    ran = vigibati("compare", mercator, *village.cadastre, "--rules", village.rules, "--out", out)
    assert (ran.code, ran.err) == (0, "")
    assert gpd.read_file(out, layer="cases").crs == BELGIAN_LAMBERT
    sheets = vigibati(
        "register", mercator, *village.cadastre[:4], "--rules", village.rules, "--out", tmp_path / "o.gpkg"
    )
    assert {sheet["sheet_id"] for sheet in json.loads(sheets.out)} == {"21305A", "21305B"}
