"""The published GeoPackage, read without QGIS."""

from __future__ import annotations

import io
import logging
import re
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from shapely.geometry import Polygon, box

from vigibati.cadastre.choices import CHOICES
from vigibati.cadastre.publishing.columns import LAYOUTS
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.configs.errors import OutputError

CRS = "EPSG:2154"
LAYERS = ["cases", "footprints", "records", "parcels"]


def table(outlines: list[Polygon], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=CRS)


def tables() -> dict[str, gpd.GeoDataFrame]:
    house, shed = box(700_010, 6_600_020, 700_020, 6_600_028), box(700_040, 6_600_050, 700_043, 6_600_052)
    return {
        "cases": table(
            [shed, house],
            case_id=["b", "a"],
            rank=[2, 1],
            kind=["new_building", "not_seen"],
            area_m2=[6.0, 80.0],
            reasons=['=HYPERLINK("http://x")', "<script>[% 1 %]</script>"],
            status=["confirmed", None],
        ),
        "footprints": table([shed], footprint_id=[1], kind=["building"], probability=[0.8], at_edge=[False]),
        "records": table([house], record_id=["r1"], kind=["durable"], offset_m=[1.5]),
        "parcels": table([box(700_000, 6_600_000, 700_100, 6_600_100)], parcel_id=["13029000AB0001"]),
    }


def rows(path: Path, query: str, *values: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query, values).fetchall()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("publish") / "cas à l’étude.gpkg"
    publish(out, **tables(), provenance={"run_id": "t1"})
    return out


def test_four_layers_of_multipolygons_in_one_sound_file(published: Path) -> None:
    assert [path.name for path in published.parent.iterdir()] == [published.name]
    assert rows(published, "PRAGMA integrity_check") == [("ok",)]
    assert rows(published, "PRAGMA journal_mode") == [("delete",)]
    assert rows(published, "PRAGMA application_id") == [(0x47504B47,)]
    assert rows(published, "PRAGMA user_version") == [(10200,)]
    named = "SELECT table_name, column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns"
    assert rows(published, named) == [(layer, "geom", "MULTIPOLYGON", 2154) for layer in LAYERS]
    for layer in LAYERS:
        shapes = gpd.read_file(published, layer=layer).geometry
        assert rows(published, f'SELECT count(*) FROM "rtree_{layer}_geom"') == [(len(shapes),)]  # noqa: S608 fixed names
        assert shapes.is_valid.all()


def test_contents_speak_plainly(published: Path) -> None:
    found = dict(rows(published, "SELECT table_name, identifier FROM gpkg_contents"))
    assert found["cases"] == "Cas à examiner"
    assert all(
        text
        for (text,) in rows(published, "SELECT description FROM gpkg_contents WHERE data_type='features'")
    )


def test_cases_come_by_rank_complete_and_verbatim(published: Path) -> None:
    cases = gpd.read_file(published, layer="cases")
    assert list(cases["rank"]) == [1, 2]
    assert list(cases["status"]) == ["to_review", "confirmed"]
    assert list(cases["control"]) == ["none", "none"]
    assert list(cases["reasons"]) == ["<script>[% 1 %]</script>", '=HYPERLINK("http://x")']
    assert [column.name for column in LAYOUTS["cases"]] == list(cases.columns[:-1])
    assert cases["decided_at"].dtype.kind == "M"
    assert cases["decided_at"].isna().all()


def test_further_columns_are_kept_and_reserved_names_avoided(tmp_path: Path) -> None:
    given = tables()
    given["records"] = given["records"].assign(fid=[7], GEOM=["text"], ogc_fid=[3])
    publish(tmp_path / "x.gpkg", **given, provenance={})
    records = gpd.read_file(tmp_path / "x.gpkg", layer="records")
    assert list(records[["offset_m", "fid_", "GEOM_", "ogc_fid_"]].iloc[0]) == [1.5, 7, "text", 3]


def test_decisions_of_an_earlier_run_keep_their_hour(tmp_path: Path) -> None:
    given = tables()
    given["cases"]["decided_at"] = pd.to_datetime(["2024-05-06T07:08:09+02:00", None], utc=True)
    given["cases"]["decided_by"] = ["mdupont", None]
    publish(tmp_path / "x.gpkg", **given, provenance={})
    cases = gpd.read_file(tmp_path / "x.gpkg", layer="cases")
    assert cases["decided_at"].iloc[1] == pd.Timestamp("2024-05-06T05:08:09Z")
    assert cases["decided_by"].iloc[1] == "mdupont"
    assert cases["decided_at"].isna().iloc[0]


def test_an_outline_that_crosses_itself_is_mended_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    given = tables()
    bow_tie = Polygon([(700_000, 0), (700_004, 4), (700_004, 0), (700_000, 4)])
    given["footprints"] = table([bow_tie], footprint_id=[9], kind=["building"])
    with caplog.at_level(logging.WARNING):
        publish(tmp_path / "x.gpkg", **given, provenance={})
    mended = gpd.read_file(tmp_path / "x.gpkg", layer="footprints").geometry
    assert mended.is_valid.all()
    assert mended.area.sum() == pytest.approx(8.0)
    assert "footprints" in caplog.text


def test_empty_layers_keep_columns_types_and_geometry(tmp_path: Path) -> None:
    nothing = gpd.GeoDataFrame(geometry=[], crs=CRS)
    out = tmp_path / "x.gpkg"
    publish(out, cases=nothing, footprints=nothing, records=nothing, parcels=None, provenance={})
    for layer in LAYERS:
        info = pyogrio.read_info(out, layer=layer)
        assert (info["features"], info["geometry_type"], info["crs"]) == (0, "MultiPolygon", CRS)
        assert list(info["fields"]) == [column.name for column in LAYOUTS[layer]]
    types = dict(rows(out, "SELECT name, type FROM pragma_table_info('cases')"))
    assert (types["rank"], types["area_m2"], types["status"], types["decided_at"]) == (
        "MEDIUMINT",
        "REAL",
        "TEXT",
        "DATETIME",
    )


def test_each_layer_has_a_default_style_that_qgis_finds(published: Path) -> None:
    found = rows(
        published,
        "SELECT f_table_name, f_table_schema, f_geometry_column, useAsDefault FROM layer_styles ORDER BY id",
    )
    assert found == [(layer, "", "geom", 1) for layer in LAYERS]
    registered = rows(
        published, "SELECT data_type, srs_id FROM gpkg_contents WHERE table_name = 'layer_styles'"
    )
    assert registered == [("attributes", 0)]


@pytest.mark.parametrize("layer", LAYERS)
def test_a_style_runs_no_code_and_fetches_nothing(published: Path, layer: str) -> None:
    ((text,),) = rows(published, "SELECT styleQML FROM layer_styles WHERE f_table_name = ?", layer)
    style = ET.fromstring(text)  # noqa: S314 our own text
    fields = [field.get("name") for field in style.findall("fieldConfiguration/field")]
    assert fields == [column.name for column in LAYOUTS[layer]]
    assert style.find("attributeactions") is None
    assert style.find("editforminitcode") is None
    assert not style.findtext("mapTip")
    body = text.split("\n", 1)[1]
    assert not re.search(r"https?:|file:|/home/|eval\(|\.svg", body)
    for element in style.iter("layer"):
        options = {item.get("name"): item.get("value") for item in element.findall("Option/Option")}
        assert options == {item.get("k"): item.get("v") for item in element.findall("prop")}


def test_allowed_values_are_registered(published: Path) -> None:
    lists = rows(
        published,
        "SELECT column_name, value, c.description FROM gpkg_data_columns JOIN gpkg_data_column_constraints c "
        "USING (constraint_name) WHERE table_name = 'cases' AND constraint_type = 'enum'",
    )
    expected = {
        (column, value, phrase.fr)
        for column, name in ((each.name, each.choices) for each in LAYOUTS["cases"])
        if name is not None
        for value, phrase in CHOICES[name].items()
    }
    assert set(lists) == expected
    extensions = rows(
        published, "SELECT extension_name, table_name FROM gpkg_extensions WHERE column_name IS NULL"
    )
    assert set(extensions) == {
        ("gpkg_schema", "gpkg_data_columns"),
        ("gpkg_schema", "gpkg_data_column_constraints"),
        ("gpkg_metadata", "gpkg_metadata"),
        ("gpkg_metadata", "gpkg_metadata_reference"),
    }


def test_one_project_with_relative_layers(published: Path) -> None:
    ((name, content),) = rows(published, "SELECT name, content FROM qgis_projects")
    with zipfile.ZipFile(io.BytesIO(bytes.fromhex(content))) as archive:
        (member,) = archive.namelist()
        project = ET.fromstring(archive.read(member))  # noqa: S314 our own text
    assert (name, member) == ("revue", "revue.qgs")
    layers = project.findall("projectlayers/maplayer")
    assert [layer.findtext("datasource") for layer in layers] == [
        f"./{published.name}|layername={layer}" for layer in LAYERS
    ]
    identifiers = [layer.findtext("id") for layer in layers]
    assert all(len(identifier or "") > 10 for identifier in identifiers)
    assert identifiers == [node.get("id") for node in project.findall("layer-tree-group/layer-tree-layer")]
    assert project.findtext("projectCrs/spatialrefsys/authid") == CRS
    assert str(published.parent) not in ET.tostring(project, encoding="unicode")


def test_english_words(tmp_path: Path) -> None:
    publish(tmp_path / "x.gpkg", **tables(), provenance={}, lang="en")
    assert dict(rows(tmp_path / "x.gpkg", "SELECT table_name, identifier FROM gpkg_contents"))["cases"] == (
        "Cases to review"
    )


def test_the_same_input_gives_the_same_file_but_for_the_clock(tmp_path: Path) -> None:
    dumps = []
    for folder in ("a", "b"):
        out = tmp_path / folder / "x.gpkg"
        publish(out, **tables(), provenance={"run_id": "t1"})
        with closing(sqlite3.connect(out)) as database:
            dumps.append(
                re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "CLOCK", "\n".join(database.iterdump()))
            )
    assert dumps[0] == dumps[1]


def test_replacing_leaves_an_open_earlier_file_whole(tmp_path: Path) -> None:
    out = tmp_path / "x.gpkg"
    publish(out, **tables(), provenance={})
    with closing(sqlite3.connect(out)) as reader:
        given = tables()
        given["cases"] = given["cases"][:1]
        publish(out, **given, provenance={})
        assert reader.execute("SELECT count(*) FROM cases").fetchone() == (2,)
    assert rows(out, "SELECT count(*) FROM cases") == [(1,)]


def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "x.gpkg"
    publish(out, **tables(), provenance={"run": 1})
    before = out.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        publish(out, **tables(), provenance={"energy_kwh": float("nan")})
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.gpkg"]


@pytest.mark.parametrize("companion", ["x.gpkg-wal", "x.gpkg-journal"])
def test_a_file_that_is_being_edited_is_not_replaced(tmp_path: Path, companion: str) -> None:
    (tmp_path / companion).touch()
    with pytest.raises(OutputError, match=f"open in another program.*{companion}"):
        publish(tmp_path / "x.gpkg", **tables(), provenance={})


def test_places_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.gpkg").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        publish(tmp_path / "folder.gpkg", **tables(), provenance={})
    with pytest.raises(OutputError, match=r"end the name in \.gpkg"):
        publish(tmp_path / "x.shp", **tables(), provenance={})
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        publish(tmp_path / "file" / "x.gpkg", **tables(), provenance={})


def test_layers_must_share_one_projected_crs(tmp_path: Path) -> None:
    given = tables()
    given["parcels"] = given["parcels"].to_crs(3857)
    with pytest.raises(OutputError, match="layer parcels is in EPSG:3857, the cases in EPSG:2154"):
        publish(tmp_path / "x.gpkg", **given, provenance={})
    with pytest.raises(OutputError, match="not in metres"):
        publish(tmp_path / "x.gpkg", **{k: v.to_crs(4326) for k, v in tables().items()}, provenance={})
    assert list(tmp_path.iterdir()) == []
