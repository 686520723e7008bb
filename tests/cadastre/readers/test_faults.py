"""What records hold when something went wrong on the way: right, refused, or counted; never silent."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import sqlite3
import struct
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.cadastre.readers.polygon_layer import read_polygons
from vigibati.cadastre.sheets import check_overlap
from vigibati.configs.errors import RecordsError

LAMBERT = pyproj.CRS.from_epsg(2154)
DEGREES = pyproj.CRS.from_epsg(4326)
BUNDLE = "edigeo-130290000A01.tar.bz2"
OUTLINES = [shapely.box(700_000 + 20 * i, 6_600_000, 700_010 + 20 * i, 6_600_008) for i in range(3)]


def write(path: Path, *, layer: str | None = None, **columns: object) -> Path:
    frame = gpd.GeoDataFrame(columns, geometry=OUTLINES, crs=LAMBERT)
    frame.to_file(path, engine="pyogrio", **({} if layer is None else {"layer": layer}))
    return path


def collection(path: Path, *shapes: shapely.Geometry | None) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"id": f"r{number}"},
            "geometry": None if shape is None else shapely.geometry.mapping(shape),
        }
        for number, shape in enumerate(shapes)
    ]
    crs = {"type": "name", "properties": {"name": "EPSG:2154"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return path


def bundle(path: Path, *members: tarfile.TarInfo | tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:bz2", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


# Geometry: bow-ties, nothing, numbers out of this world, heights, collections, lines among polygons.


def test_every_repair_is_counted_and_named(tmp_path: Path) -> None:
    corners = [(700_100, 6_600_000), (700_110, 6_600_010), (700_110, 6_600_000), (700_100, 6_600_010)]
    path = collection(
        tmp_path / "town.geojson",
        OUTLINES[0],
        shapely.Polygon(corners),
        None,
        shapely.Polygon(),
        shapely.from_wkt("POLYGON ((700000 6600000, 1e20 6600000, 700010 6600010, 700000 6600000))"),
        shapely.box(700_000, 6_600_100, 700_020, 6_600_100.0001),
        shapely.force_3d(OUTLINES[1], z=3),
        shapely.GeometryCollection([OUTLINES[2], shapely.Point(700_000, 6_600_000)]),
        shapely.LineString([(700_000, 6_600_000), (700_010, 6_600_000)]),
        OUTLINES[0].reverse(),
    )
    found = read_records(path)
    assert found.repairs.lines() == [
        "1 heights dropped (r6)",
        "1 geometry collections reduced to their polygons (r7)",
        "1 invalid outlines mended (r1)",
        "2 without geometry, dropped (r2, r3)",
        "1 not polygons, dropped (r8)",
        "1 with impossible coordinates, dropped (r4)",
        "1 without area (under 1 dm²), dropped (r5)",
        "1 exact repetitions, dropped (r9)",
        "1 of several parts, each part taken by itself (r1)",
    ]
    # A bow-tie is mended into its two wings.
    assert found.records["record_id"].tolist() == ["r0", "r1#1", "r1#2", "r6", "r7"]
    assert found.records.area.tolist() == pytest.approx([80, 25, 25, 80, 80])


def test_curves_become_polygons(tmp_path: Path) -> None:
    arc = "700000 6600000 700005 6600005 700010 6600000 700005 6599995 700000 6600000"
    (tmp_path / "round.gml").write_text(
        '<ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml">'
        '<gml:featureMember><ogr:h fid="h.0"><ogr:geometryProperty><gml:Polygon srsName="EPSG:2154">'
        "<gml:exterior><gml:Ring><gml:curveMember><gml:Curve><gml:segments><gml:ArcString><gml:posList>"
        f"{arc}</gml:posList></gml:ArcString></gml:segments></gml:Curve></gml:curveMember></gml:Ring>"
        "</gml:exterior></gml:Polygon></ogr:geometryProperty></ogr:h></gml:featureMember>"
        "</ogr:FeatureCollection>"
    )
    # A circle of radius 5.
    assert read_records(tmp_path / "round.gml").records.area.tolist() == pytest.approx([78.5], abs=0.2)


def test_latitude_before_longitude_is_named(tmp_path: Path) -> None:
    swapped = gpd.GeoSeries(OUTLINES, crs=LAMBERT).to_crs(4326)
    frame = gpd.GeoDataFrame(geometry=shapely.transform(swapped.array, lambda xy: xy[:, ::-1]), crs=4326)
    path = tmp_path / "town.geojson"
    frame.to_file(path, engine="pyogrio")
    records = read_records(path, crs=LAMBERT).records
    cure = r"longitude and latitude swapped; swap the coordinates of the file \(in QGIS: Swap X and Y coord"
    with pytest.raises(RecordsError, match=rf"none of the 3 records lies on the image: .*{cure}"):
        check_overlap(records, (699_990, 6_599_990, 700_100, 6_600_100), bounds_crs=LAMBERT, path=path)
    with pytest.raises(RecordsError, match=r"both in RGF93 v1 / Lambert-93; give the records of the place"):
        check_overlap(records, (800_000, 6_599_990, 800_100, 6_600_100), bounds_crs=LAMBERT, path=path)


# Layers and files.


@pytest.mark.parametrize("layer", ['a"; DROP TABLE gpkg_contents;--', "o'brien", "x" * 300, "bâti 2024"])
def test_no_layer_name_does_harm(tmp_path: Path, layer: str) -> None:
    path = write(tmp_path / "town.gpkg", layer=layer)
    assert len(read_records(path).records) == 3
    assert len(read_polygons(path, layer=layer).frame) == 3
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("SELECT count(*) FROM gpkg_contents").fetchone() == (1,)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_geopackage_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    whole = write(tmp_path / "town.gpkg").read_bytes()
    path = tmp_path / "cut.gpkg"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(RecordsError, match=r"cut\.gpkg: cannot be read as GPKG \(.*\); give a whole file"):
        read_records(path)


def test_a_geopackage_that_is_open_elsewhere_can_be_read(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg")
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE gpkg_contents SET identifier = 'being edited'")
        assert len(read_records(path).records) == 3
        other.rollback()


def test_accents_survive_every_encoding_of_a_shapefile(tmp_path: Path) -> None:
    words = ["bâti léger", "Bâti dur", "Église"]
    for name, encoding, stated in (
        ("stated", "ISO-8859-1", True),
        ("silent", "ISO-8859-1", False),
        ("modern", "UTF-8", False),
    ):
        folder = tmp_path / name
        folder.mkdir()
        frame = gpd.GeoDataFrame({"nature": words}, geometry=OUTLINES, crs=LAMBERT)
        frame.to_file(folder / "town.shp", engine="pyogrio", encoding=encoding)
        if not stated:
            (folder / "town.cpg").unlink()
        kinds = read_records(folder / "town.shp").records["kind"].tolist()
        assert kinds == ["light", "durable", "unknown"], name


def test_an_encoding_that_is_stated_wrongly_is_named(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"nature": ["bâti", "a", "b"]}, geometry=OUTLINES, crs=LAMBERT)
    frame.to_file(tmp_path / "town.shp", engine="pyogrio", encoding="ISO-8859-1")
    (tmp_path / "town.cpg").write_text("UTF-8")
    message = (
        r"holds text that is not in the encoding that it states \(utf-8\); of a Shapefile, remove the \.cpg"
    )
    with pytest.raises(RecordsError, match=message):
        read_records(tmp_path / "town.shp")


# Archives.


def test_a_gzip_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = collection(tmp_path / "town.geojson", *OUTLINES)
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert len(read_records(path).records) == 3


@pytest.mark.parametrize("name", ["../escaped.THF", "/escaped.THF", "a/../../escaped.THF"])
def test_a_bundle_that_leads_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    path = bundle(tmp_path / BUNDLE, (name, b"x"))
    with pytest.raises(
        RecordsError, match=f"holds '{name}', which leads out of the archive; download the she"
    ):
        read_records(path)
    assert not list(tmp_path.parent.rglob("escaped.THF"))


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "../../etc/passwd"),
        (tarfile.FIFOTYPE, ""),
        (tarfile.CHRTYPE, ""),
    ],
)
def test_links_and_devices_in_a_bundle_are_refused(tmp_path: Path, kind: bytes, target: str) -> None:
    path = bundle(tmp_path / BUNDLE, special("E0000A01.THF", kind, target))
    with pytest.raises(
        RecordsError, match=r"holds 'E0000A01\.THF', which is no plain file; download the sheet"
    ):
        read_records(path)


def test_a_bundle_of_too_many_files_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / BUNDLE, *((f"{number}.VEC", b"") for number in range(101)))
    with pytest.raises(RecordsError, match="holds more than 100 files, a sheet has ten; download the sheet"):
        read_records(path)


def test_a_name_that_is_there_twice_in_a_bundle_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / BUNDLE, ("E0000A01.THF", b"a"), ("b/E0000A01.THF", b"b"))
    with pytest.raises(RecordsError, match=r"holds 'E0000A01\.THF' twice; download the sheet again"):
        read_records(path)


# tar would keep the whole of an extended header in memory.
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE], ids=["a file", "an extended header"])
def test_a_bundle_that_unpacks_to_too_much_is_refused(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 17 * 1024**2
    path = tmp_path / BUNDLE
    path.write_bytes(bz2.compress(info.tobuf() + bytes(info.size)))
    with pytest.raises(RecordsError, match="unpacks to more than 16 MiB; unpack it yourself if you trust it"):
        read_records(path)


def test_a_large_file_that_is_announced_but_not_there_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("E0000A01.VEC")
    header.size = 10**12
    path = tmp_path / BUNDLE
    path.write_bytes(bz2.compress(header.tobuf(tarfile.GNU_FORMAT)))
    with pytest.raises(RecordsError, match=r"is no whole tar\.bz2 archive \(.*\); download"):
        read_records(path)


def test_other_archives_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "town.zip", "w") as archive:
        archive.writestr("../escaped.geojson", "{}")
    with pytest.raises(RecordsError, match="is a zip archive; unpack it and give the file inside"):
        read_records(tmp_path / "town.zip")
    (tmp_path / "town.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(60))
    with pytest.raises(RecordsError, match="is no GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML"):
        read_records(tmp_path / "town.7z")
    assert not (tmp_path.parent / "escaped.geojson").exists()


# Formats that are forced.


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "edigeo",
            r"is no EDIGEO bundle \(neither a tar\.bz2 archive nor a folder with a THF file\); leave --rec",
        ),
        ("etalab", r"is not etalab \(columns: none\); leave --records-format out, or give another file"),
        (
            "bdtopo",
            r"is not bdtopo: it lacks the columns cleabs and construction_legere .* \(columns: none\)",
        ),
        ("inspire", r"is not inspire: it lacks the column beginLifespanVersion.* \(columns: none\)"),
        ("osm", r"is not osm: it lacks the column building.* \(columns: none\); leave --records-format out"),
    ],
)
def test_a_format_that_is_forced_must_fit(tmp_path: Path, name: str, message: str) -> None:
    path = write(tmp_path / "town.gpkg")
    with pytest.raises(RecordsError, match=message):
        read_records(path, hints=RecordsHints(source_format=name))
    assert len(read_records(path, hints=RecordsHints(source_format="vector")).records) == 3


def test_a_bundle_forced_to_be_another_format_is_refused(tmp_path: Path) -> None:
    path = bundle(tmp_path / BUNDLE, ("E0000A01.THF", b""))
    with pytest.raises(RecordsError, match=r"is no GeoPackage.* \(it starts with 'BZh"):
        read_records(path, hints=RecordsHints(source_format="etalab"))


def test_shapes_of_a_file_with_a_shapefile_s_first_bytes_alone_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "town.shp"
    path.write_bytes(struct.pack(">i", 9994) + bytes(96))
    with pytest.raises(RecordsError, match=r"town\.shp: (cannot be read|holds no|does not say)"):
        read_records(path)


# Territories.


@pytest.mark.parametrize(
    ("where", "longitude", "latitude", "code"),
    [
        ("Paris", 2.35, 48.85, 2154),
        ("Guadeloupe", -61.55, 16.25, 5490),
        ("Martinique", -61.0, 14.65, 5490),
        ("Guyane", -52.33, 4.93, 2972),
        ("La Réunion", 55.45, -20.9, 2975),
        ("Mayotte", 45.2, -12.8, 4471),
        ("Fidji, beyond the antimeridian", -179.9, -17.0, 32701),
        ("Fidji, before it", 179.9, -17.0, 32760),
    ],
)
def test_degrees_come_back_in_the_crs_of_the_territory(
    tmp_path: Path, where: str, longitude: float, latitude: float, code: int
) -> None:
    house = shapely.box(longitude, latitude, longitude + 1e-4, latitude + 1e-4)
    path = tmp_path / "town.geojson"
    gpd.GeoDataFrame(geometry=[house], crs=DEGREES).to_file(path, engine="pyogrio")
    found = read_records(path)
    assert found.records.crs.to_epsg() == code, where
    expected = abs(pyproj.Geod(ellps="GRS80").geometry_area_perimeter(house)[0])
    assert found.records.area.iloc[0] == pytest.approx(expected, rel=0.002)


def test_web_mercator_is_no_measure(tmp_path: Path) -> None:
    path = tmp_path / "town.gpkg"
    gpd.GeoDataFrame(geometry=OUTLINES, crs=LAMBERT).to_crs(3857).to_file(path, engine="pyogrio")
    found = read_records(path)
    assert found.records.crs.to_epsg() == 2154
    assert found.records.area.tolist() == pytest.approx([80] * 3, abs=0.1)
    assert (found.source_crs, found.crs_origin) == ("WGS 84 / Pseudo-Mercator", "stated by the file")
