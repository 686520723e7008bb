from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from vigibati.configs.errors import SettingsError
from vigibati.configs.legal import CASE_KINDS, LawPreset
from vigibati.configs.method import MethodRules
from vigibati.configs.preset_files import preset_path
from vigibati.configs.rules import ComparisonRules, load_rules

FRANCE = preset_path("france", of="rules")
PRIORITY = yaml.safe_load(FRANCE.read_text(encoding="utf-8"))["priority"]
OTHER_KINDS = [kind for kind in CASE_KINDS if kind != "pool"]


def changed(**values: Any) -> dict[str, Any]:
    """The preset with some keys replaced; a dotted key is written with two underscores."""
    rules = load_rules().model_dump()
    for key, value in values.items():
        *path, last = key.split("__")
        place = rules
        for step in path:
            place = place[step]
        place[last] = value
    return rules


def test_the_french_preset_holds() -> None:
    rules = load_rules(name="france")
    assert (rules.version, rules.name) == (1, "france")
    assert rules.bands_m2 == (5, 20, 40, 60)
    assert set(rules.priority.legal_weight) == set(CASE_KINDS)


def test_every_key_is_explained() -> None:
    schemas = [ComparisonRules.model_json_schema(), LawPreset.model_json_schema()]
    parts = [part for schema in schemas for part in (schema, *schema["$defs"].values())]
    bare = [
        key
        for part in parts
        for key, field in part["properties"].items()
        if "description" not in field and "$ref" not in field
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["atlantis", "../france", "", "laws/france.yaml"])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str) -> None:
    cause = (
        "is not a preset, nor a file; the presets are france; give one of them, or the path of a YAML file"
    )
    with pytest.raises(SettingsError, match=f"^rules '{name}': {cause}$"):
        load_rules(name=name)


def test_law_and_method_have_no_key_in_common() -> None:
    law, method = set(LawPreset.model_fields), set(MethodRules.model_fields)
    assert not law & method
    assert law | method == set(ComparisonRules.model_fields) | {"method"}


def test_a_law_is_read_from_a_file_with_its_territory_and_its_method(root: Path) -> None:
    path, usual = root / "tests" / "configs" / "data" / "belgium.yaml", load_rules()
    for name in (path, str(path)):
        rules = load_rules(name=name)
        assert (rules.name, rules.territory.legal_crs) == ("belgium-example", (3812,))
        assert rules.registration == usual.registration
        assert rules.cases == usual.cases.model_copy(update={"not_seen_min_m2": 120})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"band_m2": [5]}, r"key 'band_m2': .*; did you mean 'bands_m2'\?"),
        ({"legal_weight": {}}, "key 'legal_weight': .*; the keys are version, name"),
        ({"name": None}, "key 'name': .*; the keys are version, name"),
        (
            {"priority": {**PRIORITY, "legal_weight": {"pool": [0.1, 0.1, 0.1, 0.1, 0.1]}}},
            f"key 'priority.legal_weight': .*; {', '.join(OTHER_KINDS)} is missing",
        ),
        (
            {"priority": {**PRIORITY, "legal_weight": {**PRIORITY["legal_weight"], "barn": [1, 1, 1, 1, 1]}}},
            "key 'priority.legal_weight.barn",
        ),
        ({"method": {"case": {"min_area_m2": 9}}}, r"method: key 'case': .*; did you mean 'cases'\?"),
        ({"method": {"cases": {"min_aera_m2": 9}}}, r"method: key 'cases\.min_aera_m2': .*'min_area_m2'\?"),
        (
            {"method": {"cases": {"new_below": 9}}},
            r"method: key 'cases\.new_below': Input should be less than 1",
        ),
        ({"method": {"cases": 9}}, "key 'method.cases': Input should be a valid dictionary"),
        (
            {"territory": "atlantis.yaml"},
            "territory 'atlantis.yaml': is not a preset, nor a file of /.*; the presets are france",
        ),
    ],
)
def test_a_law_of_ones_own_that_does_not_hold_is_told_in_one_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "law.yaml"
    path.write_text(
        yaml.safe_dump(yaml.safe_load(FRANCE.read_text(encoding="utf-8")) | changes), encoding="utf-8"
    )
    with pytest.raises(SettingsError, match=message) as told:
        load_rules(name=path)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("territory" if "territory" in changes else str(path))


def test_a_file_that_is_no_mapping_is_told(tmp_path: Path) -> None:
    path = tmp_path / "law.yaml"
    path.write_text("- 5\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"law\.yaml: key 'top level': Input should be a valid"):
        load_rules(name=path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bands_m2": [5, 5]}, "rising"),
        ({"bands_m2": [5, 20]}, "3 values per kind"),
        ({"cases__new_below": 1.5}, "new_below"),
        (
            {"priority__legal_weight__pool": [0, 0, 0, 0, 2]},
            r"legal_weight\.pool\.4': Input should be less than or equal to 1",
        ),
        ({"priority__zone_weight": {"U": 1.0}}, "zone unknown"),
        ({"version": 2}, "version"),
        ({"cases__extra": 1}, "cases.extra"),
    ],
)
def test_rules_that_do_not_hold_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ComparisonRules.checked(changed(**values), subject="rules")


def test_a_kind_without_weight_is_refused() -> None:
    weights = load_rules().model_dump()["priority"]["legal_weight"]
    del weights["pool"]
    with pytest.raises(SettingsError, match="legal_weight must name"):
        ComparisonRules.checked(changed(priority__legal_weight=weights), subject="rules")
