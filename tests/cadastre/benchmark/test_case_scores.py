from __future__ import annotations

import json

import geopandas as gpd
import shapely
from shapely import box

from vigibati.cadastre.benchmark.case_scores import Precision, Recall, Score, score_cases

BOUNDS = (5.0, 20.0, 40.0, 60.0)


def truth_of(*shapes: shapely.Polygon, case_kind: str = "new_building") -> gpd.GeoDataFrame:
    names = [f"T{i}" for i in range(len(shapes))]
    values = {"truth_id": names, "kind": "house", "case_kind": case_kind}
    return gpd.GeoDataFrame(values, geometry=list(shapes), crs=2154)


def score(cases: list[tuple[str, shapely.Polygon]], truth: gpd.GeoDataFrame) -> Score:
    names = [f"C{i}" for i in range(len(cases))]
    shapes = [shape for _, shape in cases]
    table = gpd.GeoDataFrame(
        {"case_id": names, "kind": [kind for kind, _ in cases], "p_case": 0.75}, geometry=shapes, crs=2154
    )
    return score_cases(table, truth, bounds_m2=BOUNDS)


def test_one_case_must_cover_a_quarter() -> None:
    truth = truth_of(box(0, 0, 10, 10))
    assert score([("new_building", box(0, 0, 2.4, 10))], truth).recall[0].found == 0
    assert score([("new_building", box(0, 0, 2.5, 10))], truth).recall[0].found == 1


def test_several_parts_must_cover_two_fifths_together() -> None:
    truth = truth_of(box(0, 0, 10, 10))
    parts = [box(0, 0, 1.9, 10), box(8.1, 0, 10, 10)]
    assert score([("extension", part) for part in parts], truth).missed == ("T0",)
    wider = [box(0, 0, 2, 10), box(8, 0, 10, 10)]
    assert score([("extension", part) for part in wider], truth).missed == ()
    overlapping = [box(0, 0, 2, 10), box(0, 0, 2.2, 10)]
    assert score([("extension", part) for part in overlapping], truth).missed == ("T0",)


def test_any_kind_finds_and_the_same_kind_is_told_apart() -> None:
    truth = truth_of(box(0, 0, 10, 10), box(20, 0, 24, 4))
    result = score([("extension", box(0, 0, 10, 10)), ("new_building", box(20, 0, 24, 4))], truth)
    assert result.recall == (
        Recall("house", "all", 2, 2, 1),
        Recall("house", "5-20", 1, 1, 1),
        Recall("house", ">60", 1, 1, 0),
    )


def test_false_cases_are_listed_and_counted_per_kind() -> None:
    truth = truth_of(box(0, 0, 10, 10))
    small_on_large = ("extension", box(1, 1, 3, 3))
    beside = ("new_building", box(9, 0, 19, 10))
    result = score([small_on_large, beside, ("pool", box(50, 50, 55, 55))], truth)
    assert result.false_cases == ("C1", "C2")
    assert result.precision == (
        Precision("extension", 1, 1, 0.8),
        Precision("new_building", 1, 0, 0.8),
        Precision("pool", 1, 0, 0.8),
    )


def test_without_cases_everything_is_missed() -> None:
    result = score([], truth_of(box(0, 0, 1, 1), box(5, 0, 6, 1)))
    assert (result.missed, result.precision, result.false_cases) == (("T0", "T1"), (), ())


def test_a_score_is_json() -> None:
    result = score([("pool", box(0, 0, 5, 5))], truth_of(box(0, 0, 5, 5), case_kind="pool"))
    assert json.loads(json.dumps(result.as_dict()))["recall"][0] == {
        "kind": "house", "size_band": "all", "count": 1, "found": 1, "same_kind": 1,
    }  # fmt: skip
