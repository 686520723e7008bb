from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_parcels, read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.cadastre.sheets import check_overlap
from vigibati.configs.errors import RecordsError
from vigibati.configs.records_mapping import RecordsMapping

LAMBERT = pyproj.CRS.from_epsg(2154)
OUTLINES = (shapely.box(700000, 6600000, 700012, 6600008), shapely.box(700030, 6600000, 700036, 6600005))


def write(path: Path, *, crs: str | None = "EPSG:2154", **columns: object) -> Path:
    frame = gpd.GeoDataFrame(columns, geometry=list(OUTLINES), crs=crs)
    frame.to_file(path, engine="pyogrio")
    return path


def geojson(path: Path, *shapes: shapely.Geometry, crs: str | None = None) -> Path:
    features = [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(s)} for s in shapes
    ]
    collection: dict[str, object] = {"type": "FeatureCollection", "features": features}
    if crs is not None:
        collection["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(collection))
    return path


def test_buildings_drawn_as_one_are_taken_apart(tmp_path: Path) -> None:
    one = shapely.MultiPolygon([*OUTLINES])
    table = gpd.GeoDataFrame({"name": ["both", "alone"]}, geometry=[one, shapely.box(0, 0, 9, 9)], crs=2154)
    table.to_file(tmp_path / "town.gpkg", engine="pyogrio")
    found = read_records(tmp_path / "town.gpkg")
    assert found.records["record_id"].tolist() == ["town-00001#1", "town-00001#2", "town-00002"]
    assert found.records.area.round(3).tolist() == [96.0, 30.0, 81.0]
    assert found.repairs.counts == {"apart": 1}
    assert found.repairs.altered == 0


@pytest.mark.parametrize("name", ["town.gpkg", "town.shp", "town.fgb", "town.geojson"])
def test_every_format_gives_the_same_records(tmp_path: Path, name: str) -> None:
    found = read_records(write(tmp_path / name, type=["01", "02"]), crs=LAMBERT)
    records = found.records.sort_values("kind")
    assert records["kind"].tolist() == ["durable", "light"]
    assert records.area.round(3).tolist() == [96.0, 30.0]
    assert set(records["record_id"]) == {"town-00001", "town-00002"}
    assert set(records["sheet_id"]) == {"all"}
    assert found.parcels is None
    assert found.sheets is None
    assert found.repairs.altered == 0


def test_packed_geojson_is_unpacked(tmp_path: Path) -> None:
    plain = geojson(tmp_path / "town.geojson", *OUTLINES, crs="EPSG:2154")
    packed = tmp_path / "packed.geojson.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    found = read_records(packed)
    assert found.source_format == "GeoJSON"
    assert found.paths == (packed,)
    assert len(found.records) == 2


@pytest.mark.parametrize(
    ("column", "values", "kinds"),
    [
        ("construction_legere", [False, True], ["durable", "light"]),
        ("DUR", ["02", "01"], ["light", "durable"]),
        ("type", ["01", "99"], ["durable", "unknown"]),
        ("nature", ["Piscine", "Serre"], ["pool", "unknown"]),
        ("height", [3, 4], ["unknown", "unknown"]),
    ],
)
def test_the_kind_comes_from_columns_of_many_names(
    tmp_path: Path, column: str, values: list[object], kinds: list[str]
) -> None:
    records = read_records(write(tmp_path / "town.gpkg", **{column: values})).records
    assert records["kind"].tolist() == kinds


def test_own_identifiers_are_kept_only_if_they_identify(tmp_path: Path) -> None:
    unique = read_records(write(tmp_path / "a.gpkg", cleabs=["B1", "B2"])).records
    assert unique["record_id"].tolist() == ["B1", "B2"]
    twice = read_records(write(tmp_path / "b.gpkg", cleabs=["B1", "B1"])).records
    assert twice["record_id"].tolist() == ["b-00001", "b-00002"]


def test_degrees_come_back_in_the_crs_asked_for_or_that_of_the_territory(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=list(OUTLINES), crs=LAMBERT).to_crs(4326)
    path = geojson(tmp_path / "town.geojson", *frame.geometry)
    for asked in (LAMBERT, None):
        records = read_records(path, crs=asked).records
        assert records.crs.to_epsg() == 2154
        assert records.area.tolist() == pytest.approx([96.0, 30.0], abs=0.05)


def test_lambert_numbers_without_crs_are_refused_until_declared(tmp_path: Path) -> None:
    path = geojson(tmp_path / "town.geojson", *OUTLINES)
    with pytest.raises(
        RecordsError, match=r"in degrees but holds .* 700012.0 6600000.0; .*--records-crs EPSG:2154"
    ):
        read_records(path, crs=LAMBERT)
    found = read_records(path, crs=LAMBERT, hints=RecordsHints(declared_crs="EPSG:2154"))
    assert found.records.area.tolist() == pytest.approx([96.0, 30.0])


def test_a_few_corners_off_the_globe_are_dropped_and_counted(tmp_path: Path) -> None:
    good = [shapely.box(2.30 + i / 1000, 48.8, 2.3005 + i / 1000, 48.8005) for i in range(4)]
    found = read_records(geojson(tmp_path / "town.geojson", *good, shapely.box(700000, 66, 700010, 67)))
    assert len(found.records) == 4
    assert found.records.crs == LAMBERT
    assert found.repairs.counts == {"coordinates": 1}
    assert found.repairs.examples == {"coordinates": ("town-00005",)}


def test_a_file_without_crs_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "town.shp", crs=None)
    with pytest.raises(RecordsError, match=r"does not say in which CRS.*--records-crs EPSG:2154"):
        read_records(path, crs=LAMBERT)
    assert len(read_records(path, crs=LAMBERT, hints=RecordsHints(declared_crs="EPSG:2154")).records) == 2


def test_an_unknown_declared_crs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"declared to be in 'Lambert', .*; write it as EPSG:2154"):
        read_records(write(tmp_path / "town.gpkg"), hints=RecordsHints(declared_crs="Lambert"))


def test_an_undefined_crs_of_a_geopackage_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg")
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE gpkg_geometry_columns SET srs_id = -1")
    with pytest.raises(RecordsError, match=r"does not say in which CRS.*--records-crs EPSG:2154"):
        read_records(path)
    with pytest.raises(RecordsError, match=r"'EPSG:5720' \(.*\), which says no place on the earth; write"):
        read_records(path, hints=RecordsHints(declared_crs="EPSG:5720"))
    found = read_records(path, hints=RecordsHints(declared_crs="EPSG:2154"))
    assert found.records.area.tolist() == [96.0, 30.0]


def test_several_polygon_layers_are_refused_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    for layer in ("houses", "sheds"):
        gpd.GeoDataFrame(geometry=list(OUTLINES), crs=LAMBERT).to_file(path, layer=layer, engine="pyogrio")
    with pytest.raises(RecordsError, match=r"several polygon layers: houses \(Polygon\), sheds \(Polygon\)"):
        read_records(path)
    with pytest.raises(
        RecordsError, match=r"else export one to a file of its own \(ogr2ogr one\.gpkg FILE NAME"
    ):
        read_parcels(path, crs=LAMBERT)


def test_other_layers_beside_the_polygons_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    write(path)
    gpd.GeoDataFrame(geometry=[shapely.Point(1, 1)], crs=LAMBERT).to_file(
        path, layer="trees", engine="pyogrio"
    )
    assert len(read_records(path).records) == 2


@pytest.mark.parametrize("shapes", [(), (shapely.Point(2, 48),), (shapely.Polygon(),)])
def test_records_without_a_polygon_are_refused(tmp_path: Path, shapes: tuple[shapely.Geometry, ...]) -> None:
    with pytest.raises(RecordsError, match=r"holds no polygon"):
        read_records(geojson(tmp_path / "town.geojson", *shapes), crs=LAMBERT)


def test_empty_records_say_what_would_happen(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    gpd.GeoDataFrame({"a": []}, geometry=gpd.GeoSeries([], crs=LAMBERT)).to_file(
        path, engine="pyogrio", geometry_type="Polygon"
    )
    with pytest.raises(RecordsError, match="everything in the image would look undeclared"):
        read_records(path, crs=LAMBERT)


def test_parcels_are_not_taken_for_buildings(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg", idu=["130290000A0001", "130290000A0002"], contenance=[96, 30])
    with pytest.raises(RecordsError, match=r"seems to hold parcels.*'contenance'.*--parcels"):
        read_records(path)
    parcels = read_parcels(path, crs=LAMBERT)
    assert parcels["parcel_id"].tolist() == ["130290000A0001", "130290000A0002"]
    assert parcels["area_declared_m2"].tolist() == [96.0, 30.0]


def test_a_number_of_the_row_is_no_parcel_where_something_else_is(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", id=[1, 2], nationalCadastralReference=["0001TN77B", "0002TN77B"])
    assert read_parcels(path, crs=LAMBERT)["parcel_id"].tolist() == ["0001TN77B", "0002TN77B"]


def test_parcels_of_which_none_can_be_used_say_why(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "p.geojson", shapely.box(700000, 6600000, 700010, 6600000.0001), crs="EPSG:2154"
    )
    text = json.loads(path.read_text())
    text["features"][0]["properties"] = {"id": "130290000A0001"}
    path.write_text(json.dumps(text))
    message = (
        r"holds no parcel that could be used \(1 without area \(under 1 dm²\), dropped \(130290000A0001\)\)"
    )
    with pytest.raises(RecordsError, match=message):
        read_parcels(path, crs=LAMBERT)


def test_parcels_of_ign_are_no_buildings(tmp_path: Path) -> None:
    names = ("IDU", "NUMERO", "FEUILLE", "SECTION", "CODE_DEP")
    path = write(tmp_path / "PARCELLE.shp", **{name: ["x1", "x2"] for name in names})
    with pytest.raises(
        RecordsError, match=r"not buildings \(column 'idu', 'numero', 'section'\); give it with"
    ):
        read_records(path)
    assert read_parcels(path, crs=LAMBERT)["parcel_id"].tolist() == ["x1", "x2"]


def test_lists_of_geojson_are_text(tmp_path: Path) -> None:
    path = geojson(tmp_path / "osm.geojson", *OUTLINES, crs="EPSG:2154")
    text = json.loads(path.read_text())
    given = ({"osmid": [1, 2], "type": ["dur", "x"]}, {"osmid": 3, "type": "dur"})
    for feature, properties in zip(text["features"], given, strict=True):
        feature["properties"] = properties
    path.write_text(json.dumps(text))
    assert read_records(path).records["kind"].tolist() == ["unknown", "durable"]
    mapping = RecordsMapping(record_id=("osmid",))
    records = read_records(path, hints=RecordsHints(mapping=mapping)).records
    assert records["record_id"].tolist() == ["1, 2", "3"]


def test_parcels_need_an_identifier(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg", owner=["x", "y"])
    with pytest.raises(RecordsError, match=r"no column with the parcel's identifier \(columns: owner\)"):
        read_parcels(path, crs=LAMBERT)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.gpkg", b"", "is empty"),
        ("a.geojson", b"<html><body>404", r"is no GeoPackage.*starts with '<html>"),
        ("a.shp", b'<OGRVRTDataSource><OGRVRTLayer name="gml">', "only says where else to read"),
        ("a.gml", b"<!DOCTYPE x><gml:FeatureCollection>", "is no GeoPackage"),
        ("a.geojson", b"PK\x03\x04", "is a zip archive; unpack it"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [{"type"', "cannot be read as GeoJSON"),
        ("a.gpkg", b"SQLite format 3\x00" + b"\x00" * 200, "cannot be read as GPKG"),
        ("a.json.gz", b"no gzip", "is no whole gzip file"),
        ("a.json.gz", gzip.compress(b"{" * 5000, mtime=0)[:-9], "is no whole gzip file"),
        ("a!b.geojson", b"{}", "has a '!' in its path"),
    ],
)
def test_what_is_no_vector_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(RecordsError, match=message):
        read_records(path, crs=LAMBERT)


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.geojson.gz"
    path.write_bytes(gzip.compress(b"{" + b" " * 40 * 1024**2))
    with pytest.raises(RecordsError, match="unpacks to more than 16 MiB"):
        read_records(path, crs=LAMBERT)


@pytest.mark.parametrize("path", ["/vsicurl/http://localhost/a.geojson", "missing.gpkg"])
def test_only_files_that_are_there_are_opened(path: str) -> None:
    with pytest.raises(RecordsError, match="is not there"):
        read_records(Path(path), crs=LAMBERT)


def test_a_shapefile_without_its_companions_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "town.shp")
    alone = tmp_path / "alone" / "town.shp"
    alone.parent.mkdir()
    shutil.copy(tmp_path / "town.shp", alone)
    with pytest.raises(RecordsError, match=r"cannot be read as ESRI Shapefile|does not say in which CRS"):
        read_records(alone, crs=LAMBERT)


def test_records_elsewhere_are_refused_with_both_extents(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg")
    records = read_records(path).records
    check_overlap(records, (699990, 6599990, 700001, 6600001), bounds_crs=LAMBERT, path=path)
    # Between the two buildings: inside the extent of the records, but on none of them.
    for west in (700013, 800000):
        message = rf"none of the 2 records.*x 700000 to 700036 .*image x {west} to {west + 10} "
        with pytest.raises(RecordsError, match=message):
            check_overlap(records, (west, 6600000, west + 10, 6600010), bounds_crs=LAMBERT, path=path)


def test_overlap_is_seen_across_crs(tmp_path: Path) -> None:
    records = read_records(write(tmp_path / "town.gpkg")).records
    to_mercator = pyproj.Transformer.from_crs(LAMBERT, 3857, always_xy=True)
    bounds = to_mercator.transform_bounds(*records.total_bounds)
    check_overlap(records, bounds, bounds_crs=pyproj.CRS.from_epsg(3857), path=tmp_path)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "count", "light"), [("bdtopo_for_test.gpkg", 6, 1), ("batiment.geojson.gz", 1398, 156)]
)
def test_bd_topo(shared_data: Path, name: str, count: int, light: int) -> None:
    found = read_records(shared_data / "cadastre" / "bdtopo" / name, crs=LAMBERT)
    assert len(found.records) == count
    assert (found.records["kind"] == "light").sum() == light
    assert found.records["record_id"].str.startswith("BATIMENT").all()
    assert found.records["created"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert found.records["accuracy_m"].dropna().between(0.5, 30).all()
    assert found.repairs.counts == {"flattened": count}
