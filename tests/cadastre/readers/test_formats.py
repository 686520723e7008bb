"""A format of records has all its parts: a reader, a name to force it by, a line in the guide."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import get_args

from vigibati.cadastre import readers
from vigibati.cadastre.readers.format_detection import TABULAR
from vigibati.cadastre.readers.hints import FORMATS
from vigibati.cadastre.readers.tabular_format import TabularFormat
from vigibati.cli.options import RecordsFormat

OF_THEIR_OWN = {"edigeo", "etalab", "vector"}
"""Formats that are no table of columns with one name each."""


def written() -> set[str]:
    """Names of the tabular formats that any reader defines."""
    modules = (import_module(f"{readers.__name__}.{each.name}") for each in iter_modules(readers.__path__))
    values = (value for module in modules for value in vars(module).values())
    return {value.name for value in values if isinstance(value, TabularFormat)}


def missing_parts(formats: Iterable[str], guide: str) -> list[str]:
    """What each format still lacks, a line each that names the part."""
    tried = {each.name for each in TABULAR}
    told = re.sub(r"\W", "", guide).lower()
    lacking = []
    for name in sorted(formats):
        if name not in tried:
            lacking.append(f"readers/format_detection.py: TABULAR does not try '{name}'")
        if name not in FORMATS:
            lacking.append(f"readers/hints.py: FORMATS does not name '{name}'")
        if not re.search(rf"\b{name}\b", get_args(RecordsFormat)[1].help):
            lacking.append(f"vigibati/cli/options.py: the help of --records-format does not name '{name}'")
        if name not in told:
            lacking.append(f"docs/operator.md does not name '{name}'")
    return lacking


def test_every_format_has_all_its_parts(root: Path) -> None:
    guide = (root / "docs" / "operator.md").read_text(encoding="utf-8")
    missing = missing_parts(written(), guide)
    assert not missing, "\n".join(missing)
    assert set(FORMATS) == written() | OF_THEIR_OWN, "readers/hints.py: FORMATS names what no reader defines"


def test_a_new_format_is_told_every_part_that_it_lacks() -> None:
    assert missing_parts({"nonesuch"}, "BD TOPO, INSPIRE and OSM") == [
        "readers/format_detection.py: TABULAR does not try 'nonesuch'",
        "readers/hints.py: FORMATS does not name 'nonesuch'",
        "vigibati/cli/options.py: the help of --records-format does not name 'nonesuch'",
        "docs/operator.md does not name 'nonesuch'",
    ]
