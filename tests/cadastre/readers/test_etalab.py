from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_parcels, read_records
from vigibati.cadastre.readers.hints import RecordsHints
from vigibati.configs.errors import RecordsError

LAMBERT = pyproj.CRS.from_epsg(2154)
HOUSE = {"type": "01", "nom": None, "commune": "13030"}
WEST, SOUTH = 866000, 6277000


def box(east: float, north: float, width: float, height: float) -> shapely.Polygon:
    return shapely.box(WEST + east, SOUTH + north, WEST + east + width, SOUTH + north + height)


def write(path: Path, rows: list[tuple[Mapping[str, object], shapely.Polygon]]) -> Path:
    outlines = gpd.GeoSeries([outline for _, outline in rows], crs=LAMBERT).to_crs(4326)
    features = [
        {"type": "Feature", "properties": dict(row), "geometry": shapely.geometry.mapping(outline)}
        for (row, _), outline in zip(rows, outlines, strict=True)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture
def commune(tmp_path: Path) -> Path:
    dates = {"created": "2012-01-27", "updated": "2018-06-11"}
    write(
        tmp_path / "cadastre-13029-batiments.json.gz",
        [
            ({"type": "01", "nom": None, "commune": "13029", **dates}, box(10, 10, 12, 9)),
            ({"type": "02", "nom": None, "commune": "13029", **dates}, box(130, 40, 4, 3)),
        ],
    )
    parcel = {"commune": "13029", "prefixe": "000", "section": "A", "arpente": False, **dates}
    write(
        tmp_path / "cadastre-13029-parcelles.json.gz",
        [
            ({"id": "130290000A0001", "numero": "1", "contenance": 10020, **parcel}, box(0, 0, 100, 100)),
            ({"id": "130290000B0012", "numero": "12", "contenance": 9980, **parcel}, box(100, 0, 100, 100)),
        ],
    )
    sheet = {"commune": "13029", "prefixe": "000", "numero": "01", **dates}
    write(
        tmp_path / "cadastre-13029-feuilles.json",
        [
            (
                {"id": "130290000A01", "qualite": "01", "modeConfection": "02", "echelle": 2500, **sheet},
                box(0, 0, 100, 100),
            ),
            (
                {"id": "130290000B01", "qualite": "03", "modeConfection": "05", "echelle": 500, **sheet},
                box(100, 0, 100, 100),
            ),
        ],
    )
    write(
        tmp_path / "cadastre-13029-tsurf.json.gz",
        [({"SYM": "34", **dates}, box(50, 50, 20, 20)), ({"SYM": "65", **dates}, box(30, 30, 8, 4))],
    )
    return tmp_path


def test_the_buildings_bring_their_siblings(commune: Path) -> None:
    found = read_records(commune / "cadastre-13029-batiments.json.gz", crs=LAMBERT)
    records = found.records
    assert found.source_format == "etalab"
    assert len(found.paths) == 4
    assert records["record_id"].tolist() == ["13029-b00001", "13029-b00002", "13029-p00001"]
    assert records["kind"].tolist() == ["durable", "light", "pool"]
    assert records["sheet_id"].tolist() == ["130290000A01", "130290000B01", "130290000A01"]
    assert records["sheet_quality"].tolist() == ["01/02", "03/05", "01/02"]
    assert records["sheet_scale"].tolist() == [2500.0, 500.0, 2500.0]
    assert records["accuracy_m"].tolist() == pytest.approx([1.0, 0.2, 1.0])
    assert records["created"].tolist() == ["2012-01-27"] * 3
    assert records.area.tolist() == pytest.approx([108, 12, 32], rel=1e-3)
    assert records.crs.to_epsg() == 2154
    assert found.parcels is not None
    assert found.parcels["area_declared_m2"].tolist() == [10020.0, 9980.0]


def test_the_folder_reads_the_same(commune: Path) -> None:
    one = read_records(commune / "cadastre-13029-batiments.json.gz", crs=LAMBERT)
    assert read_records(commune, crs=LAMBERT).records.equals(one.records)


def test_pools_as_the_dgfip_names_them_come_too(commune: Path) -> None:
    (commune / "cadastre-13029-tsurf.json.gz").rename(commune / "pci-13029-tsurf.json.gz")
    for path in (commune, commune / "cadastre-13029-batiments.json.gz"):
        assert read_records(path, crs=LAMBERT).records["kind"].tolist() == ["durable", "light", "pool"]


def test_columns_may_be_spelt_in_any_case(commune: Path) -> None:
    for file in commune.iterdir():
        frame = gpd.read_file(f"/vsigzip/{file}" if file.suffix == ".gz" else file, engine="pyogrio")
        spelt = str.lower if "tsurf" in file.name else str.upper
        frame = frame.rename(columns={name: spelt(name) for name in frame.columns if name != "geometry"})
        file.unlink()
        frame.to_file(file.with_name(f"{file.name.split('.')[0]}.json"), driver="GeoJSON", engine="pyogrio")
    found = read_records(commune, crs=LAMBERT)
    assert found.records["kind"].tolist() == ["durable", "light", "pool"]
    assert found.records["sheet_quality"].tolist() == ["01/02", "03/05", "01/02"]
    parcels = read_parcels(commune / "cadastre-13029-parcelles.json", crs=LAMBERT)
    assert parcels["parcel_id"].tolist() == ["130290000A0001", "130290000B0012"]


def test_etalab_is_known_by_its_columns(commune: Path) -> None:
    alone = (commune / "cadastre-13029-batiments.json.gz").rename(commune / "town.json.gz")
    found = read_records(alone, crs=LAMBERT)
    assert (found.source_format, len(found.paths), len(found.records)) == ("etalab", 1, 2)
    assert found.records["record_id"].tolist() == ["town-b00001", "town-b00002"]


def test_a_name_of_etalab_alone_does_not_make_it_etalab(tmp_path: Path) -> None:
    path = write(tmp_path / "cadastre-13029-batiments.json", [({"dur": "01"}, box(0, 0, 5, 6))])
    assert read_records(path, crs=LAMBERT).source_format == "GeoJSON"
    with pytest.raises(RecordsError, match=r"is not etalab \(columns: dur\); leave --records-format out"):
        read_records(path, hints=RecordsHints(source_format="etalab"))


def test_a_commune_without_pools_has_an_empty_file(commune: Path) -> None:
    write(commune / "cadastre-13029-tsurf.json.gz", [])
    assert read_records(commune, crs=LAMBERT).records["kind"].tolist() == ["durable", "light"]


def test_the_buildings_alone_are_one_sheet(commune: Path) -> None:
    for name in ("parcelles.json.gz", "feuilles.json", "tsurf.json.gz"):
        (commune / f"cadastre-13029-{name}").unlink()
    found = read_records(commune / "cadastre-13029-batiments.json.gz")
    assert found.records["sheet_id"].tolist() == ["all", "all"]
    assert found.parcels is None


def test_parcels_make_up_for_missing_sheets(commune: Path) -> None:
    (commune / "cadastre-13029-feuilles.json").unlink()
    records = read_records(commune, crs=LAMBERT).records
    assert records["sheet_id"].tolist() == ["130290000A", "130290000B", "130290000A"]


def test_parcels_of_a_file_or_of_the_folder(commune: Path) -> None:
    for path in (commune, commune / "cadastre-13029-parcelles.json.gz"):
        parcels = read_parcels(path, crs=LAMBERT)
        assert parcels["parcel_id"].tolist() == ["130290000A0001", "130290000B0012"]
        assert parcels.area.tolist() == pytest.approx([10000, 10000], rel=1e-3)


def test_several_communes_of_a_folder_come_together(commune: Path) -> None:
    write(
        commune / "cadastre-13030-batiments.json",
        [(HOUSE, box(300, 0, 5, 6)), (HOUSE, box(10, 10, 12, 9))],
    )
    found = read_records(commune, crs=LAMBERT)
    assert found.records["record_id"].tolist() == [
        "13029-b00001",
        "13029-b00002",
        "13029-p00001",
        "13030-b00001",
    ]
    assert found.repairs.counts == {"repeated": 1}


@pytest.mark.parametrize(("layer", "end"), [("parcelles", "json.gz"), ("feuilles", "json")])
def test_other_layers_are_no_records(commune: Path, layer: str, end: str) -> None:
    message = rf"holds {layer}, where batiments are asked for; give cadastre-13029-batiments.json.gz"
    with pytest.raises(RecordsError, match=message):
        read_records(commune / f"cadastre-13029-{layer}.{end}", crs=LAMBERT)


def test_buildings_are_no_parcels(commune: Path) -> None:
    with pytest.raises(RecordsError, match="holds batiments, where parcelles are asked for"):
        read_parcels(commune / "cadastre-13029-batiments.json.gz", crs=LAMBERT)


def test_a_folder_without_buildings_is_refused(commune: Path) -> None:
    for name in ("batiments.json.gz", "tsurf.json.gz"):
        (commune / f"cadastre-13029-{name}").unlink()
    with pytest.raises(RecordsError, match="holds no polygon of a building"):
        read_records(commune, crs=LAMBERT)


def test_a_layer_that_is_there_twice_is_refused(commune: Path) -> None:
    write(commune / "cadastre-13029-batiments.json", [({"type": "01"}, box(0, 0, 5, 6))])
    with pytest.raises(RecordsError, match=r"a second time as cadastre-13029-batiments.json; remove one"):
        read_records(commune, crs=LAMBERT)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(RecordsError, match=r"neither EDIGEO bundles .* nor Etalab files"):
        read_records(tmp_path, crs=LAMBERT)


@pytest.mark.parametrize(
    ("layer", "missing"), [("feuilles.json", "qualite, modeConfection, echelle"), ("tsurf.json.gz", "SYM")]
)
def test_missing_columns_are_named(commune: Path, layer: str, missing: str) -> None:
    write(commune / f"cadastre-13029-{layer}", [({"id": "130290000A01"}, box(0, 0, 100, 100))])
    with pytest.raises(RecordsError, match=f"lacks the column {missing}"):
        read_records(commune, crs=LAMBERT)


@pytest.mark.shared
def test_parcels_as_etalab_publishes_them(shared_data: Path) -> None:
    path = shared_data / "cadastre" / "etalab" / "cadastre-91216-parcelles.json.gz"
    parcels = read_parcels(path, crs=LAMBERT)
    assert len(parcels) == 4241
    assert parcels["parcel_id"].str.fullmatch(r"91216000[0-9A-Z]{2}\d{4}").all()
    assert (parcels.area / parcels["area_declared_m2"]).median() == pytest.approx(1.0, abs=0.01)
    with pytest.raises(RecordsError, match="holds parcelles"):
        read_records(path, crs=LAMBERT)
