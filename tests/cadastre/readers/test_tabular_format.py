"""BD TOPO, INSPIRE and OpenStreetMap: small files with the columns that their producers give them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_parcels, read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.configs.errors import RecordsError, SettingsError
from vigibati.configs.records_mapping import RecordsMapping

LAMBERT = pyproj.CRS.from_epsg(2154)


def write(path: Path, **columns: list[object]) -> Path:
    count = len(next(iter(columns.values())))
    outlines = [shapely.box(700_000 + 20 * i, 6_600_000, 700_010 + 20 * i, 6_600_008) for i in range(count)]
    frame = gpd.GeoDataFrame(columns, geometry=outlines, crs=LAMBERT)
    (frame.to_crs(4326) if path.suffix == ".geojson" else frame).to_file(path, engine="pyogrio")
    return path


BDTOPO = {
    "cleabs": ["BATIMENT1", "BATIMENT2", "BATIMENT3", "BATIMENT4", "BATIMENT5"],
    "nature": ["Indifférenciée", "Indifférenciée", "Serre", "Indifférenciée", "Indifférenciée"],
    "usage_1": ["Résidentiel", "Annexe", "Agricole", "Indifférencié", "Résidentiel"],
    "construction_legere": [False, True, False, False, False],
    "etat_de_l_objet": ["En service", "En service", "En service", "En ruine", "En projet"],
    "date_creation": ["2018-09-25T13:17:57.081Z"] * 5,
    "date_modification": ["2022-06-08T18:54:39.411Z"] * 5,
    "date_d_apparition": [None] * 5,
    "precision_planimetrique": [5.0, 2.5, 3.0, 3.0, 9999.0],
}
SHORT = {
    "cleabs": "ID",
    "nature": "NATURE",
    "usage_1": "USAGE1",
    "construction_legere": "LEGER",
    "etat_de_l_objet": "ETAT",
    "date_creation": "DATE_CREAT",
    "date_modification": "DATE_MAJ",
    "date_d_apparition": "DATE_APP",
    "precision_planimetrique": "PREC_PLANI",
}


@pytest.mark.parametrize("name", ["batiment.gpkg", "batiment.geojson", "BATIMENT.shp", "saved.shp"])
def test_bd_topo_with_long_and_with_short_names(tmp_path: Path, name: str) -> None:
    columns = BDTOPO
    if name == "saved.shp":
        # As QGIS cuts them.
        columns = {key[:10]: values for key, values in BDTOPO.items()}
    if name == "BATIMENT.shp":
        columns = {SHORT[key]: values for key, values in BDTOPO.items()}
        columns["LEGER"] = ["Non", "Oui", "Non", "Non", "Non"]
        columns["DATE_CREAT"] = ["2018-09-25 13:17:57"] * 5
    found = read_records(write(tmp_path / name, **columns), crs=LAMBERT)
    records = found.records
    assert found.source_format == "bdtopo"
    # The greenhouse is light, the ruin is left out, and what is planned is known.
    assert records["record_id"].tolist() == ["BATIMENT1", "BATIMENT2", "BATIMENT3", "BATIMENT5"]
    assert records["kind"].tolist() == ["durable", "light", "light", "durable"]
    assert records["accuracy_m"].fillna(-1).tolist() == [5.0, 2.5, 3.0, -1]
    assert records["created"].tolist() == ["2018-09-25"] * 4
    assert records["updated"].tolist() == ["2022-06-08"] * 4
    assert found.repairs.counts == {"left_out": 1}
    assert found.repairs.lines() == ["1 ruins, or no building by their own words, left out (BATIMENT4)"]


@pytest.mark.parametrize("source_format", [None, "bdtopo"])
def test_a_mapping_that_only_names_the_layer_leaves_the_format_to_the_columns(
    tmp_path: Path, source_format: str | None
) -> None:
    path = write(tmp_path / "BDT.gpkg", **BDTOPO)
    gpd.GeoDataFrame({"cleabs": ["R1"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=LAMBERT).to_file(
        path, layer="reservoir", engine="pyogrio"
    )
    hints = RecordsHints(source_format=source_format, mapping=RecordsMapping(layer="BDT"))
    found = read_records(path, hints=hints)
    assert found.source_format == "bdtopo"
    assert found.records["kind"].tolist() == ["durable", "light", "light", "durable"]
    assert found.repairs.counts == {"left_out": 1}
    with pytest.raises(
        SettingsError, match="does not go with the format edigeo, which has no layers to choose"
    ):
        RecordsHints(source_format="edigeo", mapping=RecordsMapping(layer="BDT"))


def test_parcels_behind_a_mapping_that_only_names_the_layer_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "pci.gpkg", id=["130290000A0001"], contenance=[80])
    hints = RecordsHints(mapping=RecordsMapping(layer="pci"))
    with pytest.raises(RecordsError, match=r"seems to hold parcels, not buildings \(column 'contenance'\)"):
        read_records(path, hints=hints)


def test_buildings_of_bd_topo_are_no_parcels(tmp_path: Path) -> None:
    path = write(tmp_path / "BATIMENT.shp", **{SHORT[key]: values for key, values in BDTOPO.items()})
    message = r"holds buildings \(bdtopo\), where parcels are asked for; give it as records, and the parcels"
    with pytest.raises(RecordsError, match=message):
        read_parcels(path, crs=LAMBERT)


@pytest.mark.parametrize("name", ["overpass.geojson", "town.gpkg"])
def test_openstreetmap(tmp_path: Path, name: str) -> None:
    columns = {
        "@id": [f"way/{number}" for number in range(1, 9)],
        "building": ["yes", "house", "shed", "garage", "no", "ruins", None, None],
        "leisure": [None] * 6 + ["swimming_pool", "park"],
        "@timestamp": ["2021-05-02T10:00:00Z"] * 8,
    }
    found = read_records(write(tmp_path / name, **columns), crs=LAMBERT)
    assert found.source_format == "osm"
    kinds = dict(zip(found.records["record_id"], found.records["kind"], strict=True))
    assert kinds == {
        "way/1": "unknown",
        "way/2": "durable",
        "way/3": "light",
        "way/4": "light",
        "way/7": "pool",
    }
    assert set(found.records["updated"]) == {"2021-05-02"}
    assert found.repairs.examples == {"left_out": ("way/5", "way/6", "way/8")}


def test_amenity_is_an_older_tag_of_pools(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", building=["yes", None], amenity=[None, "swimming_pool"])
    assert read_records(path).records["kind"].tolist() == ["unknown", "pool"]


def test_a_column_named_building_alone_is_no_openstreetmap(tmp_path: Path) -> None:
    path = write(tmp_path / "town.gpkg", building=["Mairie", None])
    found = read_records(path)
    assert (found.source_format, len(found.records)) == ("GPKG", 2)
    forced = RecordsHints(source_format="osm")
    with pytest.raises(
        RecordsError, match=r"is not osm: it lacks the column building.* \(columns: building\)"
    ):
        read_records(path, hints=forced)


GML = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!--Conjunto de datos INSPIRE-->
<gml:FeatureCollection xmlns:base="urn:x-inspire:specification:gmlas:BaseTypes:3.2"
 xmlns:bu-core2d="http://inspire.jrc.ec.europa.eu/schemas/bu-core2d/2.0"
 xmlns:bu-ext2d="http://inspire.jrc.ec.europa.eu/schemas/bu-ext2d/2.0"
 xmlns:cp="http://inspire.ec.europa.eu/schemas/cp/4.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" gml:id="ES.SDGC.BU">
{members}</gml:FeatureCollection>"""

RING = (
    '<gml:exterior><gml:LinearRing><gml:posList srsDimension="2" count="5">{west} 4470000 {west} 4470008 '
    "{east} 4470008 {east} 4470000 {west} 4470000</gml:posList></gml:LinearRing></gml:exterior>"
)

BUILDING = """<gml:featureMember><bu-ext2d:Building gml:id="ES.SDGC.BU.{name}">
<bu-core2d:beginLifespanVersion>2014-12-01T00:00:00</bu-core2d:beginLifespanVersion>
<bu-core2d:conditionOfConstruction>{condition}</bu-core2d:conditionOfConstruction>
<bu-core2d:endLifespanVersion xsi:nil="true" nilReason="other:unpopulated"></bu-core2d:endLifespanVersion>
<bu-core2d:inspireId><base:Identifier><base:localId>{name}</base:localId>
<base:namespace>ES.SDGC.BU</base:namespace></base:Identifier></bu-core2d:inspireId>
<bu-ext2d:geometry><bu-core2d:BuildingGeometry><bu-core2d:geometry>
<gml:Surface gml:id="S_{name}" srsName="urn:ogc:def:crs:EPSG::25830"><gml:patches><gml:PolygonPatch>{ring}
</gml:PolygonPatch></gml:patches></gml:Surface></bu-core2d:geometry>
<bu-core2d:horizontalGeometryEstimatedAccuracy uom="m">0.1</bu-core2d:horizontalGeometryEstimatedAccuracy>
</bu-core2d:BuildingGeometry></bu-ext2d:geometry>
<bu-ext2d:currentUse>1_residential</bu-ext2d:currentUse>
</bu-ext2d:Building></gml:featureMember>"""

POOL = """<gml:featureMember><bu-ext2d:OtherConstruction gml:id="ES.SDGC.BU.{name}">
<bu-core2d:beginLifespanVersion>2014-12-01T00:00:00</bu-core2d:beginLifespanVersion>
<bu-core2d:conditionOfConstruction xsi:nil="true" nilReason="other:unpopulated"/>
<bu-core2d:inspireId><base:Identifier><base:localId>{name}</base:localId>
<base:namespace>ES.SDGC.BU</base:namespace></base:Identifier></bu-core2d:inspireId>
<bu-ext2d:constructionNature>openAirPool</bu-ext2d:constructionNature>
<bu-ext2d:geometry><gml:Polygon gml:id="P_{name}" srsName="urn:ogc:def:crs:EPSG::25830">{ring}</gml:Polygon>
</bu-ext2d:geometry></bu-ext2d:OtherConstruction></gml:featureMember>"""

PARCEL = """<gml:featureMember><cp:CadastralParcel gml:id="ES.SDGC.CP.{name}">
<cp:areaValue uom="m2">142</cp:areaValue>
<cp:beginLifespanVersion>2015-07-29T00:00:00</cp:beginLifespanVersion>
<cp:geometry><gml:MultiSurface gml:id="M_{name}" srsName="http://www.opengis.net/def/crs/EPSG/0/25830">
<gml:surfaceMember><gml:Surface gml:id="S_{name}"><gml:patches><gml:PolygonPatch>{ring}</gml:PolygonPatch>
</gml:patches></gml:Surface></gml:surfaceMember></gml:MultiSurface></cp:geometry>
<cp:label>01</cp:label><cp:nationalCadastralReference>{name}</cp:nationalCadastralReference>
</cp:CadastralParcel></gml:featureMember>"""


def gml(path: Path, *members: str) -> Path:
    path.write_text(GML.format(members="".join(members)), encoding="latin-1")
    return path


def ring(west: int) -> str:
    return RING.format(west=440_000 + west, east=440_010 + west)


def test_inspire_buildings(tmp_path: Path) -> None:
    path = gml(
        tmp_path / "building.gml",
        BUILDING.format(name="0001TN77B", condition="functional", ring=ring(0)),
        BUILDING.format(name="0002TN77B", condition="ruin", ring=ring(20)),
        BUILDING.format(name="0003TN77B", condition="declined", ring=ring(40)),
    )
    found = read_records(path)
    assert found.source_format == "inspire"
    assert found.records.crs.to_epsg() == 25830
    assert found.records["record_id"].tolist() == ["ES.SDGC.BU.0001TN77B", "ES.SDGC.BU.0003TN77B"]
    assert found.records.area.tolist() == [80, 80]
    assert found.records["accuracy_m"].tolist() == [0.1, 0.1]
    assert found.records["created"].tolist() == ["2014-12-01"] * 2
    assert found.repairs.examples == {"left_out": ("ES.SDGC.BU.0002TN77B",)}
    assert [file.name for file in tmp_path.iterdir()] == ["building.gml"], "nothing is written beside it"


def test_inspire_other_constructions_are_pools(tmp_path: Path) -> None:
    found = read_records(gml(tmp_path / "other.gml", POOL.format(name="0001_PI.1", ring=ring(0))))
    assert found.records["kind"].tolist() == ["pool"]
    assert found.records["created"].tolist() == ["2014-12-01"]


def test_inspire_parcels(tmp_path: Path) -> None:
    path = gml(tmp_path / "parcel.gml", PARCEL.format(name="0001TN77B", ring=ring(0)))
    parcels = read_parcels(path, crs=pyproj.CRS.from_epsg(25830))
    assert parcels["parcel_id"].tolist() == ["0001TN77B"]
    assert parcels["area_declared_m2"].tolist() == [142]
    assert parcels.area.tolist() == [80]
    with pytest.raises(RecordsError, match=r"seems to hold parcels, not buildings \(column 'areavalue'\)"):
        read_records(path)


def test_a_description_beside_a_gml_is_not_believed(tmp_path: Path) -> None:
    path = gml(tmp_path / "other.gml", POOL.format(name="0001_PI.1", ring=ring(0)))
    (tmp_path / "other.gfs").write_text(
        "<GMLFeatureClassList><GMLFeatureClass><Name>x</Name>", encoding="utf-8"
    )
    assert len(read_records(path).records) == 1


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "count"), [("building.gml", 19), ("buildingpart.gml", 25), ("cons.gpkg", 378)]
)
def test_the_cadastre_of_spain(shared_data: Path, name: str, count: int) -> None:
    found = read_records(shared_data / "cadastre" / "inspire" / name)
    assert found.source_format == "inspire"
    assert len(found.records) == count
    assert found.records.crs.to_epsg() == 32628
    assert set(found.records["accuracy_m"].dropna()) == {0.1}
    # Every outline of cons.gpkg but 34 is there twice; two of the 16 buildings have several parts.
    repairs = {"cons.gpkg": {"repeated": 344}, "building.gml": {"apart": 2}}
    assert found.repairs.counts == repairs.get(name, {})


@pytest.mark.shared
def test_the_parcels_of_spain(shared_data: Path) -> None:
    path = shared_data / "cadastre" / "inspire" / "parcel.gpkg"
    parcels = read_parcels(path, crs=pyproj.CRS.from_epsg(32628))
    assert len(parcels) == 186
    assert (parcels.area / parcels["area_declared_m2"]).median() == pytest.approx(1, abs=0.02)
