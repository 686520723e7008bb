"""Inputs that are each right, but not of one place."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

from vigibati.configs.errors import RecordsError
from vigibati.workflow.inputs import read_cadastral_inputs
from vigibati.workflow.options import ContextPaths

LAMBERT = pyproj.CRS.from_epsg(2154)


def write(path: Path, *, west: float = 0, side: float = 10, **columns: str) -> Path:
    outline = shapely.box(700_000 + west, 6_600_000, 700_000 + west + side, 6_600_000 + side)
    values = {name: [value] for name, value in columns.items()}
    gpd.GeoDataFrame(values, geometry=[outline], crs=LAMBERT).to_file(path, engine="pyogrio")
    return path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return write(tmp_path / "houses.gpkg", type="01")


def test_parcels_of_another_town_are_refused(tmp_path: Path, records: Path) -> None:
    far = write(tmp_path / "parcels.gpkg", west=20_000, idu="130300000A0001")
    message = (
        r"parcels\.gpkg: none of its 1 parcels lies among the records: parcels x 720000 to 720010 .*, "
        r"records x 700000 to 700010 .*; the records are .*houses\.gpkg; give parcels and records of one"
    )
    with pytest.raises(RecordsError, match=message):
        read_cadastral_inputs(records=records, parcels=far, crs=LAMBERT)


def test_parcels_may_reach_beyond_the_records(tmp_path: Path, records: Path) -> None:
    wide = write(tmp_path / "parcels.gpkg", west=-5_000, side=9_000, idu="130290000A0001")
    inputs = read_cadastral_inputs(records=records, parcels=wide, crs=LAMBERT)
    assert inputs.parcels is not None


def test_zones_of_another_town_are_told(
    tmp_path: Path, records: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = [
        write(tmp_path / name, west=50_000, LIBELLE="UA", TYPEZONE="U")
        for name in ("zones.gpkg", "risk.gpkg", "protected.gpkg")
    ]
    near = write(tmp_path / "near.gpkg", west=-100, side=200, LIBELLE="N", TYPEZONE="N")
    zones, risk, protected = places
    context = ContextPaths(zones=(near, zones), risk=(risk,), protected=(protected,))
    inputs = read_cadastral_inputs(records=records, parcels=None, crs=LAMBERT, context=context)
    assert inputs.zones is not None
    assert len(inputs.zones) == 2
    told = [record.getMessage() for record in caplog.records]
    assert [line.split(": ")[0] for line in told] == [str(path) for path in places]
    assert "none of its 1 zones lies among the records: zones x 750000 to 750010 " in told[0]
    assert told[0].endswith("; was it meant for this place?")
