from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigibati.configs import errors
from vigibati.configs.errors import InputError, VigibatiError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, VigibatiError)]


def test_subject_cause_and_cure_stand_in_this_order() -> None:
    error = InputError(Path("a folder") / "ortho.tif", "has no CRS", "say which with --crs")
    assert str(error) == "a folder/ortho.tif: has no CRS; say which with --crs"


@given(st.text(), st.text(), st.text())
def test_an_error_is_always_one_line(subject: str, cause: str, cure: str) -> None:
    assert len(str(VigibatiError(subject, cause, cure)).splitlines()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_person_can_mend_ends_with_two(kind: type[VigibatiError]) -> None:
    assert kind.exit_code == (1 if kind is VigibatiError else 2)
    assert issubclass(kind, ValueError) == (kind is not VigibatiError)
