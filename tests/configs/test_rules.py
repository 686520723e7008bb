from __future__ import annotations

from typing import Any

import pytest

from vigibati.configs.errors import SettingsError
from vigibati.configs.rules import CASE_KINDS, ComparisonRules, load_rules


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
    schema = ComparisonRules.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    bare = [
        key
        for part in parts
        for key, field in part["properties"].items()
        if "description" not in field and "$ref" not in field
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["atlantis", "../france", "", "france.yaml"])
def test_an_unknown_preset_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match="france"):
        load_rules(name=name)


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
