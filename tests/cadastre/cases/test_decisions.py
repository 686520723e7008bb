from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from vigibati.cadastre.cases.decisions import decided, refuse_to_lose_decisions, touched_mask
from vigibati.cadastre.choices import CHOICES, STANDS, UNTOUCHED
from vigibati.cadastre.publishing.columns import LAYOUTS, arrange
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.words import Phrase
from vigibati.configs.errors import OutputError

HERE, THERE = box(0, 0, 10, 10), box(20, 0, 30, 10)


def case(kind: str, status: str, **columns: object) -> gpd.GeoDataFrame:
    values = {"kind": [kind], "status": [status], **{name: [value] for name, value in columns.items()}}
    return gpd.GeoDataFrame(values, geometry=[HERE], crs=2154)


@pytest.mark.parametrize("status", ["confirmed", "recorded_elsewhere", "exempt"])
@pytest.mark.parametrize(
    ("kind", "name"), [("new_building", "building"), ("extension", "building"), ("pool", "pool")]
)
def test_what_stands_is_present(kind: str, name: str, status: str) -> None:
    known = decided(case(kind, status))
    assert known.of(name, present=True).tolist() == [HERE]
    assert known.of(name, present=False).empty


def missing_parts(verdicts: Mapping[str, Phrase], root: Path) -> list[str]:
    """What the verdicts still lack, a line each that names the part."""
    design, guide = (
        " ".join((root / "docs" / page).read_text(encoding="utf-8").split())
        for page in ("design.md", "inspecteur.md")
    )
    lacking = [
        f"choices.py: CHOICES does not name '{verdict}'" for verdict in STANDS if verdict not in verdicts
    ]
    for verdict, label in verdicts.items():
        parts = {
            "choices.py: STANDS does not say": verdict in STANDS,
            "docs/design.md does not name": f"`{verdict}`" in design,
            "docs/inspecteur.md does not offer": label.fr in guide,
        }
        lacking += [f"{part} '{verdict}'" for part, there in parts.items() if not there]
    return lacking


def test_every_verdict_has_all_its_parts(root: Path) -> None:
    missing = missing_parts(CHOICES["status"], root)
    assert not missing, "\n".join(missing)


def test_a_new_verdict_is_told_every_part_that_it_lacks(root: Path) -> None:
    assert missing_parts({**CHOICES["status"], "nonesuch": Phrase("Néant", "Nonesuch")}, root) == [
        "choices.py: STANDS does not say 'nonesuch'",
        "docs/design.md does not name 'nonesuch'",
        "docs/inspecteur.md does not offer 'nonesuch'",
    ]


@pytest.mark.parametrize("status", ["to_review", "unclear", "", None])
def test_what_is_open_says_nothing(status: str) -> None:
    assert decided(case("new_building", status)).table.empty


def test_a_permit_alone_is_no_decision() -> None:
    by_permit = case("new_building", "authorised", permit="PC 1", decided_by=None)
    assert decided(by_permit).table.empty
    assert decided(by_permit.assign(decided_by="mairie")).table["present"].tolist() == [True]
    # Without a permit on the parcel it is a person who said so, signed or not.
    assert decided(by_permit.assign(permit=None)).table["present"].tolist() == [True]


def test_a_record_that_is_gone_is_absent_and_one_that_is_settled_says_nothing() -> None:
    assert decided(case("not_seen", "confirmed")).of("building", present=False).tolist() == [HERE]
    assert decided(case("not_seen", "recorded_elsewhere")).table.empty


def test_what_is_no_building_is_absent() -> None:
    assert decided(case("pool", "not_a_building")).of("pool", present=False).tolist() == [HERE]


def test_a_list_without_verdicts_decides_nothing() -> None:
    bare = gpd.GeoDataFrame({"kind": ["durable", "light"]}, geometry=[HERE, THERE], crs=2154)
    assert decided(bare).table.empty
    assert decided(bare).table.crs == bare.crs


def untouched(count: int = 1) -> gpd.GeoDataFrame:
    table = {"case_id": [f"N-{row}-0" for row in range(count)], "rank": range(1, count + 1)}
    return arrange(gpd.GeoDataFrame(table, geometry=[HERE] * count, crs=2154), "cases")


def test_a_published_case_is_untouched() -> None:
    assert not touched_mask(untouched(2)).any()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("status", value) for value in CHOICES["status"] if value != UNTOUCHED["status"]),
        *(("control", value) for value in CHOICES["control"] if value != UNTOUCHED["control"]),
        ("comment", "vu sur place"),
        ("decided_by", "mairie"),
        ("decided_at", pd.Timestamp("2024-05-01", tz="UTC")),
        ("case_id", None),
    ],
)
def test_each_column_of_a_decision_shows_a_touch(column: str, value: object) -> None:
    cases = untouched(2)
    cases[column] = cases[column].astype("object")
    cases.loc[1, column] = value
    assert touched_mask(cases).tolist() == [False, True]
    assert touched_mask(cases.drop(columns=column)).tolist() == [False, False]


@pytest.mark.parametrize(
    ("change", "touched"), [({}, False), ({"comment": "?"}, True), ({"permit": None}, True)]
)
def test_a_permit_alone_touches_no_case(change: dict[str, object], *, touched: bool) -> None:
    cases = untouched().assign(**{"status": "authorised", "permit": "PC 1", **change})
    assert touched_mask(cases).tolist() == [touched]


def test_what_shows_a_touch_are_the_columns_of_the_decision() -> None:
    columns = [column for column in LAYOUTS["cases"] if column.group == "decision"]
    assert [column.name for column in columns] == list(UNTOUCHED)
    assert [column.default or "" for column in columns] == list(UNTOUCHED.values())


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
