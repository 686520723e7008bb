"""A column of a case has all its parts: entry, a stage that fills it, its words, its line in the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

from vigibati.cadastre.cases.context import enrich
from vigibati.cadastre.cases.dating import date_cases
from vigibati.cadastre.cases.permits import with_permits
from vigibati.cadastre.cases.rank import rank
from vigibati.cadastre.cases.reasons import REASON_COLUMNS
from vigibati.cadastre.choices import CHOICES, UNTOUCHED
from vigibati.cadastre.comparison.compare import compare
from vigibati.cadastre.publishing.columns import LAYOUTS, Column
from vigibati.cadastre.registration.register import register
from vigibati.cadastre.words import TABS, Phrase
from vigibati.configs.rules import load_rules

OF_A_RUN = {"image_date", "records_date", "run_id"}
"""Columns that `detect` fills, for they are the same in every case of a run."""


@pytest.fixture(scope="module")
def filled() -> set[str]:
    """Columns that the stages fill, from a comparison to the rank."""
    footprints = gpd.GeoDataFrame(
        {"kind": ["building"] * 2, "probability": 0.9},
        geometry=[box(0, 0, 9, 9), box(50, 0, 59, 9)],
        crs=2154,
    )
    records = gpd.GeoDataFrame(
        {"record_id": ["a"], "kind": "durable", "sheet_id": "all"}, geometry=[box(0, 0, 9, 9)], crs=2154
    )
    rules, cover = load_rules(), box(-50, -50, 100, 50)
    offsets = register(footprints, records, rules=rules)
    cases = compare(footprints, records, offsets, rules=rules, cover=cover).cases
    cases = enrich(cases, parcels=None, zones=None)
    presence = pd.DataFrame({2018: 0.1}, index=cases.index)
    cases = date_cases(cases, presence, image_year=2024, rules=rules.vintages)
    return set(rank(with_permits(cases, None, parcels=None, rules=rules), rules=rules)) - {"geometry"}


def missing_parts(columns: Iterable[Column], filled: set[str], root: Path) -> list[str]:
    """What the columns of a case still lack, a line each that names the part."""
    columns = list(columns)
    design = (root / "docs" / "design.md").read_text(encoding="utf-8")
    guide = " ".join((root / "docs" / "inspecteur.md").read_text(encoding="utf-8").split())
    told = set(
        re.findall(r"`(\w+)`", design.partition("<!-- table:case-fields -->")[2].partition("<!-- /")[0])
    )
    names = {column.name for column in columns}
    lacking = [f"publishing/columns.py has no entry for '{name}'" for name in sorted(filled - names)]
    lacking += [f"docs/design.md names '{name}', which is no column" for name in sorted(told - names)]
    for column in columns:
        name, decision = column.name, column.group == "decision"
        parts = {
            "no stage of cadastre/cases fills it": name in filled | set(UNTOUCHED) | OF_A_RUN,
            "choices.py: UNTOUCHED does not say what it holds at first": not decision or name in UNTOUCHED,
            f"choices.py has no list '{column.choices}'": column.choices is None or column.choices in CHOICES,
            f"words.py has no heading '{column.group}' in TABS": column.group in TABS,
            "docs/design.md does not name it among the fields of a case": name in told,
            "docs/inspecteur.md does not explain it": not column.editable
            or f"**{column.alias.fr}** (`{name}`)" in guide,
        }
        lacking += [f"column '{name}': {part}" for part, there in parts.items() if not there]
    return lacking


def test_every_column_of_a_case_has_all_its_parts(filled: set[str], root: Path) -> None:
    missing = missing_parts(LAYOUTS["cases"], filled, root)
    assert not missing, "\n".join(missing)


def test_a_new_column_is_told_every_part_that_it_lacks(filled: set[str], root: Path) -> None:
    height = Column("height_m", "float64", Phrase("Hauteur (m)", "Height (m)"), "relief", choices="heights")
    assert missing_parts((*LAYOUTS["cases"], height), filled | {"slope"}, root) == [
        "publishing/columns.py has no entry for 'slope'",
        "column 'height_m': no stage of cadastre/cases fills it",
        "column 'height_m': choices.py has no list 'heights'",
        "column 'height_m': words.py has no heading 'relief' in TABS",
        "column 'height_m': docs/design.md does not name it among the fields of a case",
    ]
    decision = replace(height, group="decision", choices=None, editable=True)
    assert missing_parts((*LAYOUTS["cases"], decision), filled, root) == [
        "column 'height_m': no stage of cadastre/cases fills it",
        "column 'height_m': choices.py: UNTOUCHED does not say what it holds at first",
        "column 'height_m': docs/design.md does not name it among the fields of a case",
        "column 'height_m': docs/inspecteur.md does not explain it",
    ]


def test_a_forgotten_entry_is_named(filled: set[str], root: Path) -> None:
    columns = [column for column in LAYOUTS["cases"] if column.name != "zone"]
    assert missing_parts(columns, filled, root) == [
        "publishing/columns.py has no entry for 'zone'",
        "docs/design.md names 'zone', which is no column",
    ]


def test_reasons_are_made_of_columns() -> None:
    assert set(REASON_COLUMNS) <= {column.name for column in LAYOUTS["cases"]}


@pytest.mark.parametrize("layer", LAYOUTS)
def test_no_two_columns_of_a_layer_have_one_name(layer: str) -> None:
    for names in (
        [column.name for column in LAYOUTS[layer]],
        [column.alias.fr for column in LAYOUTS[layer]],
        [column.alias.en for column in LAYOUTS[layer]],
    ):
        assert len(set(names)) == len(names)
