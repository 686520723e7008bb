from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from vigibati.cadastre.cases.dating import date_cases, elapsed, time_facts
from vigibati.cadastre.words import Language
from vigibati.configs.rules import load_rules

RULES = load_rules()
SEEN, ABSENT, UNSURE, HIDDEN = 0.9, 0.05, 0.45, np.nan


def cases_of(*kinds: str) -> gpd.GeoDataFrame:
    shapes = [box(10 * i, 0, 10 * i + 5, 5) for i in range(len(kinds))]
    return gpd.GeoDataFrame({"kind": list(kinds)}, geometry=shapes, crs=2154)


def dated(
    row: dict[int, float], *, kind: str = "new_building", image_year: int | None = 2024
) -> tuple[object, object]:
    result = date_cases(
        cases_of(kind), pd.DataFrame([row]), image_year=image_year, rules=RULES.vintages
    ).astype("object")
    first, last = result["first_seen"].iloc[0], result["last_not_seen"].iloc[0]
    return (None if pd.isna(first) else first), (None if pd.isna(last) else last)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({2012: ABSENT, 2018: SEEN}, (2018, 2012)),
        ({2018: SEEN, 2012: ABSENT}, (2018, 2012)),
        ({2012: SEEN, 2018: SEEN}, (2012, None)),
        ({2012: ABSENT, 2018: ABSENT}, (2024, 2018)),
        ({2012: ABSENT, 2016: UNSURE, 2018: SEEN}, (2018, 2012)),
        # Rebuilt, or an error: what stands now came after the last absence.
        ({2009: SEEN, 2012: ABSENT, 2018: SEEN}, (2018, 2012)),
        ({2012: UNSURE, 2018: UNSURE}, (None, None)),
        ({2012: HIDDEN, 2018: SEEN}, (2018, None)),
        ({2012: ABSENT, 2018: HIDDEN}, (2024, 2012)),
        ({2012: 0.6, 2018: 0.3}, (2012, None)),
        ({}, (None, None)),
    ],
)
def test_worked_histories(row: dict[int, float], expected: tuple[object, object]) -> None:
    assert dated(row) == expected


def test_an_image_without_date_gives_no_year_of_its_own() -> None:
    assert dated({2012: ABSENT}, image_year=None) == (None, 2012)


def test_what_is_gone_is_not_dated() -> None:
    assert dated({2012: SEEN}, kind="not_seen") == (None, None)


@given(
    st.dictionaries(
        st.integers(1990, 2023), st.sampled_from([SEEN, ABSENT, UNSURE, HIDDEN]), min_size=1, max_size=6
    )
)
def test_a_case_is_first_seen_after_it_was_last_not_seen(row: dict[int, float]) -> None:
    first, last = dated(row)
    assert last is None or row[int(str(last))] == ABSENT
    assert first is None or first == 2024 or row[int(str(first))] == SEEN
    if first is not None and last is not None:
        assert int(str(first)) > int(str(last))


def facts_of(first: int | None, last: int | None, lang: Language = "fr") -> str | None:
    case = cases_of("new_building").assign(
        first_seen=pd.array([first], dtype="Int32"), last_not_seen=pd.array([last], dtype="Int32")
    )
    (fact,) = time_facts(case, RULES.deadlines, lang=lang)
    return fact


def test_the_sentence_states_years_and_articles() -> None:
    assert facts_of(2021, 2018) == (
        "apparu entre 2018 et 2021, action pénale : 6 ans (CPP art. 8), soit entre 2024 et 2027, "
        "action civile : 10 ans (L.480-14), soit entre 2028 et 2031, "
        "si l’achèvement date de là, ce que l’image ne dit pas, à vérifier par le service"
    )
    assert facts_of(2012, None, "en") == (
        "already there in 2012, criminal action: 6 years (CPP art. 8), that is 2018 at the latest, "
        "civil action: 10 years (L.480-14), that is 2022 at the latest, "
        "if it was completed then, which no image says, to be verified by the service"
    )
    assert str(facts_of(None, 2018)).startswith(
        "pas encore là en 2018, action pénale : 6 ans (CPP art. 8), soit 2024 au plus tôt"
    )
    assert facts_of(None, None) is None


def test_delays_that_had_passed_before_the_image() -> None:
    cases = cases_of(*["pool"] * 3).assign(first_seen=pd.array([2013, 2014, None], dtype="Int32"))
    assert elapsed(cases, RULES.deadlines, image_year=2024).tolist() == [True, False, False]
    assert not elapsed(cases, RULES.deadlines, image_year=None).any()
    assert not elapsed(cases_of("pool"), RULES.deadlines, image_year=2024).any()
