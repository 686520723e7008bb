from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely import box

from vigibati.cadastre.cases.formality import formality_facts, formality_rows, limits_m2
from vigibati.configs.rules import load_rules

LEGAL = load_rules().legal


def case_of(
    kind: str, area: float, *, zone: str | None = None, protected: str | None = None, doubt: float = 0.0
) -> gpd.GeoDataFrame:
    values = {
        "kind": [kind],
        "area_m2": [area],
        "area_low_m2": [area - doubt],
        "area_high_m2": [area + doubt],
        "zone_kind": [zone],
        "protected": [protected],
    }
    return gpd.GeoDataFrame(values, geometry=[box(0, 0, 1, 1)], crs=2154)


# Kind, area, zone, protected sector; what is usual, by which article of the Code de l'urbanisme.
WORKED = [
    ("new_building", 5.0, None, None, "none", "R.421-2 a"),
    ("new_building", 5.1, None, None, "declaration", "R.421-9 a"),
    ("new_building", 20.0, "U", None, "declaration", "R.421-9 a"),
    ("new_building", 20.1, "U", None, "permit", "R.421-1"),
    ("new_building", 4.0, "N", "site", "declaration", "R.421-11"),
    ("new_building", 39.0, "U", None, "permit", "R.421-1"),
    ("extension", 5.0, None, None, "none", "R.421-13"),
    ("extension", 20.0, "A", None, "declaration", "R.421-17 f"),
    ("extension", 21.0, "A", None, "permit", "R.421-14 a"),
    ("extension", 21.0, "AU", None, "permit", "R.421-14 a"),
    ("extension", 21.0, "U", None, "declaration", "R.421-17 f"),
    ("extension", 40.0, "U", None, "declaration", "R.421-17 f"),
    ("extension", 40.1, "U", None, "permit", "R.421-14 b"),
    ("extension", 3.0, "U", "site", "declaration", "R.421-17"),
    ("pool", 10.0, None, None, "none", "R.421-2 d"),
    ("pool", 10.1, None, None, "declaration", "R.421-9 f"),
    ("pool", 100.0, None, None, "declaration", "R.421-9 f"),
    ("pool", 100.1, None, None, "permit", "R.421-1"),
    ("pool", 9.0, None, "site", "declaration", "R.421-11"),
]


@pytest.mark.parametrize(("kind", "area", "zone", "inside", "usual", "article"), WORKED)
def test_what_is_usual_in_france(  # one worked case a row
    kind: str,
    area: float,
    zone: str | None,
    inside: str | None,
    usual: str,
    article: str,
) -> None:
    case = case_of(kind, area, zone=zone, protected=inside)
    (row,) = formality_rows(case, np.array([area]), LEGAL)
    assert (LEGAL[row].formality, LEGAL[row].article) == (usual, article)
    # Our sources are pages about the law.
    assert LEGAL[row].verify


def test_nothing_is_said_of_what_is_gone() -> None:
    formality, facts = formality_facts(case_of("not_seen", 50.0), LEGAL, lang="fr")
    assert (formality.tolist(), facts) == ([None], [None])


def test_the_sentence_names_the_article_and_who_verifies() -> None:
    _, facts = formality_facts(case_of("extension", 30.0, zone="U"), LEGAL, lang="fr")
    assert facts == ["d’ordinaire une déclaration préalable (R.421-17 f, à vérifier par le service)"]
    _, facts = formality_facts(case_of("pool", 120.0), LEGAL, lang="en")
    assert facts == ["usually a building permit (R.421-1, to be verified by the service)"]


def test_an_area_that_may_lie_on_both_sides_of_a_limit_says_both() -> None:
    _, facts = formality_facts(case_of("new_building", 18.0, doubt=4.0), LEGAL, lang="en")
    said = "usually a prior declaration (R.421-9 a, to be verified by the service), "
    assert facts == [f"{said}depending on the true area: prior declaration or building permit"]
    # In U both ends of 25 to 35 m2 need the same for an extension, though 20 and 40 are near.
    _, facts = formality_facts(case_of("extension", 30.0, zone="U", doubt=5.0), LEGAL, lang="en")
    assert "depending" not in str(facts[0])


def test_limits_come_from_the_rules() -> None:
    assert limits_m2("pool", LEGAL) == (10, 100)
    assert limits_m2("extension", LEGAL) == (5, 20, 40)
    assert limits_m2("not_seen", LEGAL) == ()
