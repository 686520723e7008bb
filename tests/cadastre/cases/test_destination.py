from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from vigibati.cadastre.cases.destination import refuse_to_lose_decisions
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.configs.errors import OutputError


@pytest.fixture
def published(tmp_path: Path) -> Path:
    cases = gpd.GeoDataFrame(
        {"case_id": ["N1", "N2"], "kind": ["new_building"] * 2, "rank": [1, 2]},
        geometry=[box(0, 0, 9, 9), box(20, 0, 29, 9)],
        crs=2154,
    )
    empty = gpd.GeoDataFrame(geometry=[], crs=2154)
    out = tmp_path / "cases.gpkg"
    publish(out, cases=cases, footprints=empty, records=empty, parcels=None, provenance={})
    return out


def test_an_untouched_file_may_be_replaced(published: Path) -> None:
    refuse_to_lose_decisions(published)


def test_no_file_is_no_loss(tmp_path: Path) -> None:
    refuse_to_lose_decisions(tmp_path / "none.gpkg")


@pytest.mark.parametrize(
    "change", ["status = 'confirmed'", "control = 'to_visit'", "comment = 'vu sur place'", "decided_by = 'x'"]
)
def test_a_decision_is_never_overwritten(published: Path, change: str) -> None:
    with closing(sqlite3.connect(published)) as database, database:
        for name in [
            row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='trigger'")
        ]:
            # SQLite alone lacks the spatial functions that these triggers call.
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute(f"UPDATE cases SET {change} WHERE case_id = 'N1'")  # noqa: S608  (fixed texts)
    with pytest.raises(
        OutputError, match=r"holds 1 cases that a person has decided or drawn; give another name"
    ):
        refuse_to_lose_decisions(published)


def test_a_case_drawn_by_hand_is_never_overwritten(published: Path) -> None:
    drawn = gpd.GeoDataFrame({"status": ["to_review"]}, geometry=[box(40, 0, 49, 9)], crs=2154)
    drawn.to_file(published, layer="cases", mode="a")
    with pytest.raises(OutputError, match="holds 1 cases that a person has decided or drawn"):
        refuse_to_lose_decisions(published)


def test_cases_of_another_maker_are_never_overwritten(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.gpkg"
    gpd.GeoDataFrame({"status": ["a"]}, geometry=[box(0, 0, 1, 1)], crs=2154).to_file(foreign, layer="cases")
    with pytest.raises(OutputError, match=r"no list of cases of this tool \(no column case_id, comment"):
        refuse_to_lose_decisions(foreign)


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.gpkg"
    gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=2154).to_file(foreign, layer="mine")
    with pytest.raises(OutputError, match="exists and is no list of cases"):
        refuse_to_lose_decisions(foreign)
