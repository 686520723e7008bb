from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from PIL import Image
from shapely.geometry import box

Vigibati = Callable[..., Any]

NOT_RECORDED = box(700_058, 6_599_978, 700_070, 6_599_986)


@pytest.fixture
def withheld(vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path) -> Callable[..., Any]:
    """Withhold the largest of the three records, which stands in the image."""

    def run(*more: object) -> Any:
        return vigibati(
            *("bench", "withheld", scene.ortho, "--records", scene.records, "--checkpoint", checkpoint),
            *("--count", 1, "--min-area-m2", 150, "--out", tmp_path / "result.json", *more),
        )

    return run


def test_a_withheld_building_is_listed(withheld: Vigibati, tmp_path: Path) -> None:
    ran = withheld("--json", "--crops", tmp_path / "crops")
    assert (ran.code, ran.err) == (0, "")
    result = json.loads(ran.out, parse_constant=pytest.fail)
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8")) == result
    assert result["headline"] == {
        "withheld_from_60_m2": 1,
        "listed_as_new_building": 1,
        "share_listed": 1.0,
        "missed": [],
        "new_building_cases": 2,
        "on_a_withheld_building": 1,
        "visible_and_missing_from_the_records": 0,
        "share_right": 0.5,
        "share_right_without_review": 0.5,
    }
    assert (result["records"], result["withheld"], result["failed"]) == (3, 1, [])
    assert result["inputs"] == ["ortho.tif", "records.gpkg"]
    (false,) = result["new_buildings_on_no_withheld_record"]
    assert (false["area_m2"], false["verdict"], false["crop"]) == (96, "not reviewed", "N-700060-6599980.png")
    assert [path.name for path in (tmp_path / "crops").iterdir()] == [false["crop"]]
    with Image.open(tmp_path / "crops" / false["crop"]) as picture:
        # 12 m by 8 m and 20 m around, five pixels a metre.
        assert picture.size == (260, 240)


def test_a_person_may_say_that_a_case_is_right(withheld: Vigibati, tmp_path: Path) -> None:
    review = tmp_path / "review.csv"
    with review.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(
            [("case_id", "verdict", "note"), ("N-700060-6599980", "building", "a plain roof")]
        )
    ran = withheld("--reviewed", review)
    assert json.loads(ran.out)["share_right"] == 1
    result = json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    (false,) = result["new_buildings_on_no_withheld_record"]
    assert (false["verdict"], false["note"]) == ("building", "a plain roof")
    review.write_text("case_id,verdict,note\nN-700060-6599980,perhaps,\n", encoding="utf-8")
    assert (
        "verdict 'perhaps' is unknown; use one of building, not_a_building"
        in withheld("--reviewed", review).err
    )


def test_the_same_seed_gives_the_same_result(withheld: Vigibati) -> None:
    first, second = (withheld("--json", "--shift-m", "1.5", "--seed", 1).out for _ in range(2))
    assert first == second
    assert json.loads(first)["settings"]["shift_m"] == 1.5


def test_planted_differences_are_scored(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    cases, truth = tmp_path / "cases.gpkg", tmp_path / "truth.gpkg"
    vigibati(
        *("detect", scene.ortho, "--records", scene.records, "--checkpoint", checkpoint),
        *("--out", cases, "--quiet"),
    )
    planted = {
        "truth_id": ["t1", "t2"],
        "kind": ["undeclared_house", "undeclared_house"],
        "case_kind": ["new_building", "new_building"],
    }
    elsewhere = box(700_002, 6_599_922, 700_008, 6_599_928)
    gpd.GeoDataFrame(planted, geometry=[NOT_RECORDED, elsewhere], crs=2154).to_file(truth, layer="planted")
    ran = vigibati("bench", "planted", cases, "--truth", truth, "--json")
    assert (ran.code, ran.err) == (0, "")
    score = json.loads(ran.out)
    assert score["recall"][0] == {
        "kind": "undeclared_house",
        "size_band": "all",
        "count": 2,
        "found": 1,
        "same_kind": 1,
    }
    assert score["missed"] == ["t2"]
    # The record that is gone was not planted here.
    assert score["precision"] == [
        {"kind": "new_building", "count": 1, "right": 1, "expected": 1.0},
        {"kind": "not_seen", "count": 1, "right": 0, "expected": 0.5},
    ]
    spoken = vigibati("bench", "planted", cases, "--truth", truth)
    assert (spoken.code, spoken.err) == (0, "")
    assert "undeclared_house" in spoken.out
