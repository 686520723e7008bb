from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shapely import box

from vigibati.cadastre.benchmark.plan_scores import PlanScore, score_plan
from vigibati.cadastre.benchmark.plan_scores_tally import Line, added
from vigibati.cadastre.benchmark.simulated_detector import Detections

BOUNDS = (5.0, 20.0, 40.0, 60.0)
HOUSE, STRIP, SHED, ALONE, GONE, OVERLOOKED = (
    *(box(0, 0, 10, 10), box(0, 10, 10, 12.5), box(10, 10, 13, 12.5)),
    *(box(50, 0, 60, 10), box(100, 0, 105, 6), box(150, 0, 160, 10)),
)
BLOB = box(200, 0, 204, 4)
PIECES = (
    ("house", "kept", HOUSE),
    ("house/cut", "cut", STRIP),
    ("shed", "withheld", SHED),
    ("alone", "withheld", ALONE),
    ("gone", "demolished", GONE),
    ("overlooked", "withheld", OVERLOOKED),
)


def score(*cases: tuple[str, shapely.Polygon]) -> PlanScore:
    pieces = gpd.GeoDataFrame(
        {
            "record_id": [name for name, _, _ in PIECES],
            "what": [what for _, what, _ in PIECES],
            "form": ["", "strip", "", "", "", ""],
            "depth_m": [np.nan, 2.5, np.nan, np.nan, np.nan, np.nan],
        },
        geometry=[shape for _, _, shape in PIECES],
        crs=2154,
    )
    seen = [shapely.union_all([HOUSE, STRIP, SHED]), ALONE, BLOB]
    detections = Detections(
        table=gpd.GeoDataFrame(geometry=seen, crs=2154),
        lean_m=np.zeros((6, 2)),
        missing=np.array([name == "overlooked" for name, _, _ in PIECES]),
        spurious=np.array([BLOB], dtype=object),
    )
    table = gpd.GeoDataFrame(
        {"case_id": [f"C{i}" for i in range(len(cases))], "kind": [kind for kind, _ in cases]},
        geometry=[shape for _, shape in cases],
        crs=2154,
    )
    return score_plan(table, pieces, detections, bounds_m2=BOUNDS, new_below=0.1)


def test_a_perfect_list() -> None:
    both = shapely.union_all([STRIP, SHED])
    result = score(("extension", both), ("new_building", ALONE), ("not_seen", GONE))
    assert result.lines == (
        Line("withheld", "5-20", 1, 1, 1),
        Line("withheld", ">60", 1, 1, 1),
        Line("withheld", ">40", 1, 1, 1),
        # The shed stands against the strip, which is not recorded either: they are one group of 32.5 m².
        Line("solo", ">60", 1, 1, 1),
        Line("solo", ">40", 1, 1, 1),
        Line("groups", "20-40", 1, 1, 1),
        Line("groups", ">60", 1, 1, 1),
        Line("groups", ">40", 1, 1, 1),
        Line("demolished", "20-40", 1, 1, 1),
        Line("extension", ">=2 m", 1, 1, 1),
        Line("strip", ">=2 m", 1, 1, 1),
    )
    assert result.not_detected == 1
    assert (result.own_false, result.detector_false, result.misses) == ({}, {}, ())


def test_any_kind_is_a_hit_and_the_kind_is_told_apart() -> None:
    lines = {(line.measure, line.band): line for line in score(("extension", ALONE)).lines}
    assert lines["withheld", ">60"] == Line("withheld", ">60", 1, 1, 0)
    # But a record that is not seen says nothing of a building that is not recorded.
    lines = {(line.measure, line.band): line for line in score(("not_seen", ALONE), ("pool", GONE)).lines}
    assert lines["withheld", ">60"].found == 0
    assert lines["demolished", "20-40"].found == 0


def test_errors_of_the_detector_are_told_apart() -> None:
    result = score(
        ("new_building", BLOB),
        ("not_seen", OVERLOOKED),
        ("extension", box(0, -3, 10, 0)),
        ("not_seen", HOUSE),
        ("new_building", OVERLOOKED),
    )
    assert result.detector_false == {"new_building": 1, "not_seen": 1}
    assert result.own_false == {"extension": 1, "not_seen": 1}
    assert [case["case_id"] for case in result.false_cases] == ["C3", "C2"]


def test_a_large_miss_comes_with_what_is_around_it() -> None:
    (miss,) = score(("new_building", box(50, 0, 52, 10))).misses
    assert miss == {
        "area_m2": 100.0,
        "x_m": pytest.approx(55, abs=5),
        "y_m": pytest.approx(5, abs=5),
        "record_id": "alone",
        "what": "withheld",
        "solo": True,
        "depth_m": None,
        "flagged_share": 0.2,
        "shown_share": 1.0,
        "enclosed_share": 0.0,
    }


def test_lines_of_several_runs_add_up() -> None:
    lines = [Line("solo", "5-20", 3, 2, 1), Line("solo", ">60", 1, 1, 1), Line("solo", "5-20", 4, 4, 0)]
    assert added(lines) == [Line("solo", "5-20", 7, 6, 1), Line("solo", ">60", 1, 1, 1)]
