from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from vigibati.configs.errors import SettingsError
from vigibati.configs.schema import Schema


class Inner(Schema):
    number: float = Field(gt=0)


class Outer(Schema):
    name: str
    inner: Inner
    more: dict[str, Inner] = Field(default_factory=dict)


GOOD = {"name": "a", "inner": {"number": 1.5}}


@pytest.mark.parametrize("name", ["file.yaml", "file.json"])
def test_yaml_and_json_are_read(tmp_path: Path, name: str) -> None:
    text = json.dumps(GOOD) if name.endswith("json") else yaml.safe_dump(GOOD)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert Outer.read(tmp_path / name) == Outer(name="a", inner=Inner(number=1.5))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({**GOOD, "unheard_of": "b"}, "unheard_of"),
        ({"name": "a"}, "inner"),
        ({"name": 3, "inner": {"number": 1}}, "name"),
        (["name", "inner"], "top level"),
        (None, "top level"),
    ],
)
def test_the_key_that_does_not_fit_is_named(values: object, key: str) -> None:
    with pytest.raises(
        SettingsError, match=rf"^file\.yaml: key '{key}': .*; the keys are name, inner, more$"
    ):
        Outer.checked(values, subject="file.yaml")


@pytest.mark.parametrize("number", [0, float("nan"), float("inf")])
def test_a_key_further_down_is_named_with_the_keys_beside_it(number: float) -> None:
    with pytest.raises(SettingsError, match=r"key 'inner\.number': .*; the keys are number$"):
        Outer.checked({"name": "a", "inner": {"number": number}}, subject="file.yaml")


@pytest.mark.parametrize(
    ("values", "key", "near"),
    [
        ({**GOOD, "nam": "b"}, "nam", "name"),
        ({"name": "a", "inner": {"number": 1, "numbr": 1}}, r"inner\.numbr", "number"),
        ({**GOOD, "more": {"a": {"number": 1, "nummer": 1}}}, r"more\.a\.nummer", "number"),
    ],
)
def test_a_mistyped_key_is_told_the_nearest(values: object, key: str, near: str) -> None:
    with pytest.raises(SettingsError, match=rf"key '{key}': .*; did you mean '{near}'\?$"):
        Outer.checked(values, subject="file.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", b"name: [a\n"),
        ("a.json", b'{"name": "a",}'),
        ("a.yaml", b"name: !!python/object/apply:os.system ['true']\n"),
        ("a.yaml", b"name: !!python/name:os.system\n"),
        ("a.yaml", b"\xff\xfe\x00"),
    ],
)
def test_what_does_not_parse_is_told_in_one_line(tmp_path: Path, name: str, text: bytes) -> None:
    (tmp_path / name).write_bytes(text)
    with pytest.raises(SettingsError, match=rf"^{tmp_path / name}: (does not parse|cannot be read) .*; .*$"):
        Outer.read(tmp_path / name)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SettingsError, match=r"cannot be read .*; give an existing YAML or JSON file"):
            Outer.read(path)


def test_a_value_cannot_be_changed() -> None:
    value = Outer.checked(GOOD, subject="here")
    with pytest.raises(ValidationError, match="frozen"):
        value.name = "b"  # type: ignore[misc]


@given(st.text(min_size=1), st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_what_is_written_is_read_back(name: str, number: float) -> None:
    value = Outer(name=name, inner=Inner(number=number))
    assert Outer.checked(json.loads(value.model_dump_json()), subject="here") == value
