from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pyogrio
import pyproj
import pytest
import shapely

from vigibati.cadastre.readers import read_protected, read_risk_zones
from vigibati.configs.errors import RecordsError

LAMBERT = pyproj.CRS.from_epsg(2154)


def layer(crs: int | None = 2154, **columns: list[str | None]) -> gpd.GeoDataFrame:
    outlines = [shapely.box(700_000 + 100 * i, 6_600_000, 700_090 + 100 * i, 6_600_050) for i in range(2)]
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=crs)


def write(path: Path, **columns: list[str | None]) -> Path:
    layer(**columns).to_file(path, engine="pyogrio")
    return path


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (
            {"CodeZoneReglement": ["R", None], "LibelleZoneReglement": ["Rouge", "Bleue"]},
            ["R (Rouge)", "Bleue"],
        ),
        ({"codezone": ["R", "B"]}, ["R", "B"]),
        ({"NOM": ["inondation élevée", " "]}, ["inondation élevée", "risk"]),
        ({"code": ["R", "B"], "nom": ["R", None]}, ["R", "B"]),
    ],
)
def test_zones_are_named_by_code_and_text(
    tmp_path: Path, columns: dict[str, list[str | None]], names: list[str]
) -> None:
    (zones,) = read_risk_zones(write(tmp_path / "risk.gpkg", **columns), crs=LAMBERT)
    assert zones["sector"].tolist() == names


def test_of_a_risk_plan_the_layer_that_rules_building_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pprn.gpkg"
    for name, code in (("pprn_perimetre_s", "P"), ("PPRN_ZoneReglementaireUrba_S", "R")):
        pyogrio.write_dataframe(layer(codezonereglement=[code, code]), path, layer=name)
    (zones,) = read_risk_zones(path, crs=LAMBERT)
    assert set(zones["sector"]) == {"R"}


def test_of_several_risk_plans_in_a_file_each_is_a_table(tmp_path: Path) -> None:
    path = tmp_path / "plans.gpkg"
    lines = layer(codezonereglement=["L", "L"])
    pyogrio.write_dataframe(lines.set_geometry(lines.boundary), path, layer="zonereglementaireurba_l")
    for hazard, column in (("inondation", "codezonereglement"), ("feu", "CODEZONE")):
        name = f"zonereglementaireurba_{hazard}_s"
        pyogrio.write_dataframe(layer(**{column: [hazard, hazard]}), path, layer=name)
    pyogrio.write_dataframe(layer(code=["1", "2"])[:0], path, layer="zonereglementaireurba_minier_s")
    assert [set(plan["sector"]) for plan in read_risk_zones(path, crs=LAMBERT)] == [{"inondation"}, {"feu"}]


def test_several_layers_of_which_none_is_known_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    for name in ("a", "b"):
        pyogrio.write_dataframe(layer(code=["1", "2"]), path, layer=name)
    with pytest.raises(RecordsError, match=r"holds several polygon layers: a .*, b"):
        read_risk_zones(path, crs=LAMBERT)


def test_protected_sectors_are_named_by_column_or_file(tmp_path: Path) -> None:
    named = write(tmp_path / "ac1.gpkg", nomsup=["Église", None])
    assert read_protected(named, crs=LAMBERT)["sector"].tolist() == ["Église", "ac1"]
    bare = write(tmp_path / "abf.gpkg", other=["x", "y"])
    assert read_protected(bare, crs=LAMBERT)["sector"].tolist() == ["abf", "abf"]


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        RecordsError, match=r"has no column with the name of the zone \(columns: other, geometry\)"
    ):
        read_risk_zones(write(tmp_path / "x.gpkg", other=["x", "y"]), crs=LAMBERT)
    with pytest.raises(RecordsError, match="is not there"):
        read_protected(tmp_path / "none.gpkg", crs=LAMBERT)
    (tmp_path / "broken.gpkg").write_bytes(b"SQLite format 3\x00rest")
    with pytest.raises(RecordsError, match="cannot be read as GPKG"):
        read_risk_zones(tmp_path / "broken.gpkg", crs=LAMBERT)


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_zones_without_crs_are_refused(tmp_path: Path) -> None:
    pyogrio.write_dataframe(
        layer(None, code=["1", "2"]), tmp_path / "x.gpkg", layer="zonereglementaireurba_s"
    )
    undefined = write(tmp_path / "y.gpkg", code=["1", "2"])
    with closing(sqlite3.connect(undefined)) as base, base:
        base.execute("UPDATE gpkg_geometry_columns SET srs_id = -1")
    for path in (tmp_path / "x.gpkg", undefined):
        with pytest.raises(RecordsError, match="does not say in which CRS"):
            read_risk_zones(path, crs=LAMBERT)


@pytest.mark.shared
def test_a_real_plan_of_technological_risks(shared_data: Path) -> None:
    (zones,) = read_risk_zones(shared_data / "cadastre" / "ppr" / "pprt_69dreal20090005.gpkg", crs=LAMBERT)
    assert len(zones) == 25
    assert "B3 (Zone d'autorisation limitée - B3)" in set(zones["sector"])
    assert shapely.is_valid(zones.geometry.array).all()
