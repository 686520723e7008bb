from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_zones
from vigibati.configs.errors import RecordsError

LAMBERT = pyproj.CRS.from_epsg(2154)


def write(path: Path, **columns: list[str | None]) -> Path:
    count = len(next(iter(columns.values())))
    outlines = [shapely.box(700000 + 100 * i, 6600000, 700090 + 100 * i, 6600050) for i in range(count)]
    gpd.GeoDataFrame(columns, geometry=outlines, crs=LAMBERT).to_file(path, engine="pyogrio")
    return path


def test_labels_and_kinds_in_any_case(tmp_path: Path) -> None:
    path = write(
        tmp_path / "zone_urba.gpkg",
        libelle=["Ua", "1AUb", "2AU", "Ah", "Nh", "ZC", "A", None],
        TypeZone=["U", "AUc", "AUs", "Ah", "Nh", "carte", "a ", None],
    )
    zones = read_zones(path, crs=LAMBERT)
    assert list(zones.columns) == ["zone", "zone_kind", "geometry"]
    assert zones["zone"].tolist()[:3] == ["Ua", "1AUb", "2AU"]
    assert zones["zone_kind"].fillna("-").tolist() == ["U", "AU", "AU", "A", "N", "-", "A", "-"]
    assert zones.area.tolist() == [4500.0] * 8


@pytest.mark.parametrize(
    ("label", "readable"),
    [
        ("BÃ¢ti dispersÃ©", "Bâti dispersé"),
        ("Ã\u00a0 urbaniser", "à urbaniser"),
        ("Bâti ÂGÉ", "Bâti ÂGÉ"),
        ("Uh", "Uh"),
    ],
)
def test_mojibake_becomes_readable_and_the_rest_stays(tmp_path: Path, label: str, readable: str) -> None:
    zones = read_zones(write(tmp_path / "z.gpkg", LIBELLE=[label], TYPEZONE=["U"]), crs=LAMBERT)
    assert zones["zone"].tolist() == [readable]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "z.gpkg", name=["a"], LIBELLE=["b"])
    with pytest.raises(RecordsError, match=r"lacks the column TYPEZONE \(columns: NAME, LIBELLE"):
        read_zones(path, crs=LAMBERT)


def test_no_zone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "z.geojson"
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null, '
        '"properties": {"LIBELLE": "U", "TYPEZONE": "U"}}]}'
    )
    with pytest.raises(RecordsError, match="holds no"):
        read_zones(path, crs=LAMBERT)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("30014_PLU_20171013/30014_ZONE_URBA_20171013.shp", {"A": 50, "AU": 2, "N": 22, "U": 16}),
        ("41175_PLU_20140603/ZONE_URBA.shp", {"A": 49, "AU": 8, "N": 37, "U": 24}),
    ],
)
def test_real_plans(shared_data: Path, name: str, kinds: dict[str, int]) -> None:
    zones = read_zones(shared_data / "cadastre" / "plu" / name, crs=LAMBERT)
    assert zones["zone_kind"].value_counts().to_dict() == kinds
    assert zones["zone"].notna().all()
    assert shapely.is_valid(zones.geometry.array).all()
    if name.startswith("41175"):
        assert zones.loc[zones["zone"].str.startswith("Nh"), "zone_kind"].tolist() == ["N"] * 29
