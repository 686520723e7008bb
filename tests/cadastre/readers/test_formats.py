"""A format of records has all its parts: a reader, a name to force it by, a line in the guide."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from vigibati.cadastre import readers
from vigibati.cadastre.readers.format_detection import TABULAR
from vigibati.cadastre.readers.hints import FORMATS
from vigibati.cadastre.readers.tabular_format import TabularFormat

OF_THEIR_OWN = {"edigeo", "etalab", "vector"}
"""Formats that are no table of columns with one name each."""


def written() -> dict[str, str]:
    """Module of each tabular format, by name."""
    found: dict[str, str] = {}
    for module in iter_modules(readers.__path__):
        values = vars(import_module(f"{readers.__name__}.{module.name}")).values()
        found |= {
            value.name: module.name
            for value in values
            if isinstance(value, TabularFormat) and value.name == module.name
        }
    return found


def missing_parts(formats: dict[str, str], guide: str) -> list[str]:
    """What each format still lacks, a line each that names the part."""
    tried = {each.name for each in TABULAR}
    told = re.sub(r"\W", "", guide).lower()
    lacking = []
    for name, module in formats.items():
        if name not in tried:
            lacking.append(f"readers/format_detection.py: TABULAR does not try {name} (readers/{module}.py)")
        if name not in FORMATS:
            lacking.append(f"readers/hints.py: FORMATS does not name '{name}'")
        if name not in told:
            lacking.append(f"docs/operator.md does not name {name}")
    return lacking


def test_every_format_has_all_its_parts(root: Path) -> None:
    guide = (root / "docs" / "operator.md").read_text(encoding="utf-8")
    missing = missing_parts(written(), guide)
    assert not missing, "\n".join(missing)
    assert set(FORMATS) == {*written(), *OF_THEIR_OWN}


def test_a_new_format_is_told_every_part_that_it_lacks() -> None:
    assert missing_parts({"alkis": "alkis"}, "BD TOPO, INSPIRE and OSM") == [
        "readers/format_detection.py: TABULAR does not try alkis (readers/alkis.py)",
        "readers/hints.py: FORMATS does not name 'alkis'",
        "docs/operator.md does not name alkis",
    ]
