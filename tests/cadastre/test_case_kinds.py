"""A kind of case has all its parts: entry, weight, detection, and its words and colours in the pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import geopandas as gpd
import pytest
import yaml
from shapely.geometry import box

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.comparison.compare import compare
from vigibati.cadastre.publishing.qgis_styles import layer_style
from vigibati.cadastre.registration.register import register
from vigibati.configs.legal import CASE_KINDS, CaseKind
from vigibati.configs.preset_files import preset_path
from vigibati.configs.rules import ComparisonRules
from vigibati.configs.territory import usual_territory


def kinds_with_an_entry(_root: Path) -> set[str]:
    return set(CASE_KIND_SPECS)


def kinds_with_a_type(_root: Path) -> set[str]:
    return set(CASE_KINDS)


def kinds_with_a_weight(root: Path) -> set[str]:
    weights = [
        set(preset["priority"]["legal_weight"])
        for folder in ("configs/presets", "tests/configs/data")
        for path in (root / folder).rglob("*.yaml")
        if "priority" in (preset := yaml.safe_load(path.read_text(encoding="utf-8")))
    ]
    return set.intersection(*weights)


def rules_with_any_weights() -> ComparisonRules:
    """The preset, which refuses to be read while a kind has no weight: that is told as a part of its own."""
    law, method = (
        yaml.safe_load(preset_path(name, of=of).read_text(encoding="utf-8"))
        for name, of in (("france", "rules"), ("default", "method"))
    )
    law["priority"]["legal_weight"] = dict.fromkeys(CASE_KINDS, [1.0] * (len(law["bands_m2"]) + 1))
    return ComparisonRules.model_validate(law | method | {"territory": usual_territory()})


def kinds_detected(_root: Path) -> set[str]:
    """Compare a scene with one case of each kind; a new kind adds its own to the scene.

    Without its type or entry there can be no case: that is told as a part of its own.
    """
    if set(CASE_KINDS) != set(CASE_KIND_SPECS):
        return {*CASE_KINDS, *CASE_KIND_SPECS}
    at = [box(x, 0, x + 12, 8) for x in range(0, 200, 40)]
    recorded, footprints = at[:3], [*at[:2], box(80, 0, 100, 8), at[4], box(200, 0, 210, 5)]
    records = gpd.GeoDataFrame(
        {"record_id": list("abcd"), "kind": "durable", "sheet_id": "all"},
        geometry=[*recorded, at[3]],
        crs=2154,
    )
    found = gpd.GeoDataFrame(
        {"kind": ["building"] * 4 + ["pool"], "probability": 0.9}, geometry=footprints, crs=2154
    )
    rules, everywhere = rules_with_any_weights(), box(-50, -50, 300, 50)
    offsets = register(found, records, rules=rules)
    cases = compare(found, records, offsets, rules=rules, cover=everywhere, imaged=everywhere).cases
    return set(cases["kind"])


def kinds_with_a_colour(_root: Path) -> set[str]:
    rules = layer_style("cases", "fr", parcel_label="").iter("rule")
    return {found[1] for rule in rules if (found := re.match(r"\"kind\" = '(\w+)'", rule.get("filter", "")))}


def kinds_in_the_design(root: Path) -> set[str]:
    text = (root / "docs" / "design.md").read_text(encoding="utf-8")
    (values,) = re.findall(r"^\| `kind` \| (.+) \|$", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", values))


def kinds_in_the_guide(root: Path) -> set[str]:
    """Kinds of which docs/inspecteur.md says under "Ce que disent les couleurs" what they mean."""
    text = (root / "docs" / "inspecteur.md").read_text(encoding="utf-8")
    colours = text.partition("## Ce que disent les couleurs")[2].partition("\n## ")[0].lower()
    return {kind for kind, spec in CASE_KIND_SPECS.items() if f"| {spec.label.fr.lower()} |" in colours}


PARTS: dict[str, Callable[[Path], set[str]]] = {
    "configs/legal.py: CaseKind does not name '{kind}'": kinds_with_a_type,
    "cadastre/case_kinds.py has no entry for '{kind}'": kinds_with_an_entry,
    "configs/presets or tests/configs/data: a legal_weight has no row for '{kind}'": kinds_with_a_weight,
    "cadastre/comparison: compare finds no '{kind}' in the scene of this test": kinds_detected,
    "cadastre/publishing/qgis_styles.py draws no '{kind}'": kinds_with_a_colour,
    "docs/design.md: the values of a case do not name '{kind}'": kinds_in_the_design,
    "docs/inspecteur.md: no colour means '{kind}'": kinds_in_the_guide,
}


def missing_parts(kinds: Iterable[str], root: Path) -> list[str]:
    """What each kind still lacks, a line each that names the part."""
    there = {part: check(root) for part, check in PARTS.items()}
    return [part.format(kind=kind) for kind in kinds for part, known in there.items() if kind not in known]


def test_every_kind_that_a_part_speaks_of_has_all_parts(root: Path) -> None:
    kinds = set.union(*(check(root) for check in PARTS.values()))
    missing = missing_parts(sorted(kinds), root)
    assert not missing, "\n".join(missing)


def test_a_new_kind_is_told_every_part_that_it_lacks(root: Path) -> None:
    assert missing_parts(("nonesuch",), root) == [part.format(kind="nonesuch") for part in PARTS]


@pytest.mark.parametrize("name", ["letter", "colour", "label", "sentence"])
def test_no_two_kinds_look_or_read_alike(name: str) -> None:
    counts = Counter(getattr(spec, name) for spec in CASE_KIND_SPECS.values())
    assert counts.most_common(1)[0][1] == 1, f"cadastre/case_kinds.py: two kinds have one {name}"


@pytest.mark.parametrize("kind", CASE_KIND_SPECS)
def test_the_sentence_of_a_kind_takes_the_area(kind: CaseKind) -> None:
    spec = CASE_KIND_SPECS[kind]
    assert all("{area}" in text for text in (spec.sentence.fr, spec.sentence.en))
    assert re.fullmatch(r"#[0-9a-f]{6}", spec.colour)
