from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from vigibati.benchmark.plan_case import PlanSettings, plan_settings, read_plan, residuals_m, spoiled_plan
from vigibati.benchmark.plan_comparison import bench_plan
from vigibati.cadastre.benchmark.altered_plan import Shares
from vigibati.cadastre.benchmark.displaced_plan import Disorder
from vigibati.configs.rules import load_rules

Vigibati = Callable[..., Any]
ORDER = Disorder(shift_m=0, warp_m=0, jitter_m=0, noise_m=0, split=0)
NOTHING = Shares(withheld=0, cut=0, demolished=0)


@pytest.fixture(scope="module")
def plan_file(village: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plan") / "village.gpkg"
    village[["record_id", "geometry"]].to_file(path)
    return path


def test_where_nothing_is_spoiled_there_is_no_case_and_nothing_left(plan_file: Path) -> None:
    settings = PlanSettings("perfect", (0.0, 2.0), (1,), shares=NOTHING, disorder=ORDER)
    result = bench_plan(plan_file, settings=settings)
    assert [result["total"][name] for name in ("own_false", "detector_false", "recall")] == [{}, {}, []]
    assert result["total"]["records"] == 2 * 96
    assert result["total"]["residual"]["max_m"] <= 0.05


def test_the_residual_is_the_error_of_the_displacement(plan_file: Path) -> None:
    settings = PlanSettings("perfect", (2.0,), (1,), shares=NOTHING, disorder=replace(ORDER, noise_m=0.15))
    plan = spoiled_plan(read_plan(plan_file), settings=settings, shift_m=2.0, seed=1, rules=load_rules())
    moved = plan.displaced.records
    # Nothing done: 2 m are left, and noise of the vertices is no part of it.
    assert residuals_m(plan, moved).to_numpy() == pytest.approx(np.full(96, 2.0))
    (field,) = plan.displaced.fields.values()
    back = moved.set_geometry(moved.translate(*-field.shift_m))[::-1]
    assert residuals_m(plan, back).to_numpy() == pytest.approx(np.zeros(96), abs=1e-6)


def test_the_residual_is_measured_against_the_roof(plan_file: Path) -> None:
    settings = PlanSettings("realistic", (0.0,), (3,), shares=NOTHING, disorder=ORDER)
    plan = spoiled_plan(read_plan(plan_file), settings=settings, shift_m=0.0, seed=3, rules=load_rules())
    left = residuals_m(plan, plan.displaced.records)
    roof = dict(zip(plan.pieces["record_id"], np.hypot(*plan.detections.lean_m.T), strict=True))
    assert left.to_numpy() == pytest.approx([roof[name] for name in left.index])
    # Three of the 64 blocks are overlooked: they have no roof.
    assert len(left) == 96 - plan.detections.missing.sum()


def test_the_verb_needs_no_image(vigibati: Vigibati, plan_file: Path, tmp_path: Path) -> None:
    results = []
    for out in (tmp_path / "first.json", tmp_path / "again.json"):
        ran = vigibati(
            *("bench", "withheld", "--records", plan_file, "--detections", "realistic", "--fraction", 0.2),
            *("--shift-m", 0, "--shift-m", 3, "--seed", 1, "--seed", 2, "--out", out, "--json"),
        )
        assert (ran.code, ran.err) == (0, "")
        result = json.loads(out.read_text(encoding="utf-8"), parse_constant=pytest.fail)
        assert json.loads(ran.out) == result
        for figures in (result, result["total"], *result["runs"]):
            for name in ("cpu_s", "wall_s", "peak_rss_mib"):
                figures.pop(name, None)
        results.append(result)
    assert results[0] == results[1]
    assert [(run["shift_m"], run["seed"]) for run in result["runs"]] == [(0, 1), (0, 2), (3, 1), (3, 2)]
    counts = {
        (line["measure"], line["band"]): sum(
            mine["count"]
            for run in result["runs"]
            for mine in run["recall"]
            if (mine["measure"], mine["band"]) == (line["measure"], line["band"])
        )
        for line in result["total"]["recall"]
    }
    assert counts == {(line["measure"], line["band"]): line["count"] for line in result["total"]["recall"]}
    assert counts["withheld", ">40"] > 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            ["--detections", "perfect", "ortho.tif"],
            "ORTHO: is of no use with --detections perfect; leave it out",
        ),
        (["--detections", "perfect", "--count", 3], "--count: is of no use with --detections perfect"),
        (["--detections", "good"], "--detections: 'good' is unknown; use model, perfect, realistic"),
        (["--fraction", 0.2], "--detections model: needs an orthophoto; give one, or --detections perfect"),
        (
            ["ortho.tif", "--fraction", 0.2, "--seed", 1, "--seed", 2],
            "--shift-m and --seed: may not be repeated",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    vigibati: Vigibati, plan_file: Path, tmp_path: Path, given: list[object], words: str
) -> None:
    ran = vigibati("bench", "withheld", *given, "--records", plan_file, "--out", tmp_path / "out.json")
    assert ran.code != 0
    assert words in ran.err


def test_records_are_never_replaced_by_a_result(vigibati: Vigibati, plan_file: Path) -> None:
    before = plan_file.read_bytes()
    ran = vigibati("bench", "withheld", "--detections", "perfect", "--records", plan_file, "--out", plan_file)
    assert (ran.code, plan_file.read_bytes()) == (2, before)
    assert "exists and is no result in JSON; give another name to --out" in ran.err


def test_the_usual_fraction_is_a_fifth() -> None:
    settings = plan_settings("perfect", shifts_m=(0.0,), seeds=(1,))
    assert settings.shares == Shares(withheld=0.2, cut=0.1, demolished=0.08)
    assert plan_settings("perfect", shifts_m=(0.0,), seeds=(1,), fraction=0.5).shares.withheld == 0.5
