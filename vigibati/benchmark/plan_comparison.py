"""The benchmark of the comparison alone: footprints are made up from a true plan, so nothing is segmented."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from vigibati.benchmark.plan_case import PlanSettings, read_plan, residuals_m, spoiled_plan
from vigibati.cadastre.benchmark.plan_scores import PlanScore, score_plan
from vigibati.cadastre.benchmark.plan_scores_tally import added
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.workflow.cases import make_cases
from vigibati.workflow.inputs import CadastralInputs

_FAR_M = 1.0
_WORST = 10
_OFF_M = 0.5
_REACHED = 0.1
_NARROW_M = 2.0
_BETWEEN = 0.5


def bench_plan(records: Path, *, settings: PlanSettings, hints: RecordsHints = NO_HINTS) -> dict[str, Any]:
    """Spoil a true plan, compare it with made-up footprints and score the cases.

    Args:
        records: True records of the place, or true footprints.
        settings: What is done to them.
        hints: What overrides the files of the records.

    Returns:
        A JSON-ready mapping: each run, and all runs together.

    Raises:
        InputError: The records cannot be used.
    """
    rules, inputs = load_rules(), read_plan(records, hints=hints)
    runs = [
        _run(inputs, settings=settings, shift_m=shift_m, seed=seed, rules=rules)
        for shift_m in settings.shifts_m
        for seed in settings.seeds
    ]
    return {
        "settings": asdict(settings),
        "inputs": [path.name for path in inputs.paths],
        "buildings": len(inputs.records),
        "total": _figures(runs),
        "runs": [
            {"shift_m": run.shift_m, "seed": run.seed}
            | _figures([run])
            | {
                "misses": list(run.score.misses),
                "false_cases": list(run.score.false_cases[:_WORST]),
                "far_off_m": _far_off(run.residuals_m),
            }
            for run in runs
        ],
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    shift_m: float
    seed: int
    records: int
    footprints: int
    residuals_m: pd.Series[float]
    score: PlanScore
    cpu_s: float
    wall_s: float


def _run(
    inputs: CadastralInputs, *, settings: PlanSettings, shift_m: float, seed: int, rules: ComparisonRules
) -> _Run:
    plan = spoiled_plan(inputs, settings=settings, shift_m=shift_m, seed=seed, rules=rules)
    table = plan.detections.table
    cpu, wall = time.process_time(), time.perf_counter()
    listed = make_cases(table, plan.inputs, rules=rules, lang="en", imaged=plan.imaged)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    score = score_plan(
        listed.cases,
        plan.pieces,
        plan.detections,
        bounds_m2=rules.bands_m2,
        new_below=rules.cases.new_below,
    )
    left = residuals_m(plan, listed.records)
    misses = tuple(_explained(miss, plan.displaced.records, left) for miss in score.misses)
    score = replace(score, misses=misses)
    return _Run(shift_m, seed, len(plan.displaced.records), len(table), left, score, cpu, wall)


def _explained(miss: dict[str, Any], records: gpd.GeoDataFrame, left: pd.Series[float]) -> dict[str, object]:
    """Add how far the nearest record is off after registration, and the likeliest reason."""
    seen = records[records["record_id"].isin(left.index)]
    nearest = seen.distance(shapely.Point(miss["x_m"], miss["y_m"])).to_numpy().argmin()
    residual_m = float(left[seen["record_id"].iloc[nearest]])
    reasons = (
        ("the records around lie off", residual_m > _OFF_M),
        ("footprints reach over it", miss["what"] == "demolished" and miss["shown_share"] > _REACHED),
        ("it is narrow", miss["depth_m"] is not None and miss["depth_m"] < _NARROW_M),
        ("it lies between records", miss["enclosed_share"] > _BETWEEN),
        ("not known", True),
    )
    reason = next(words for words, holds in reasons if holds)
    return miss | {"residual_m": round(residual_m, 2), "reason": reason}


def _figures(runs: Sequence[_Run]) -> dict[str, Any]:
    """Return the figures of one run, or of several together."""
    left = pd.concat([run.residuals_m for run in runs])
    scores = [run.score for run in runs]
    records = sum(run.records for run in runs)
    own_false, excused = Counter[str](), Counter[str]()
    for score in scores:
        own_false.update(score.own_false)
        excused.update(score.detector_false)
    return {
        "records": records,
        "footprints": sum(run.footprints for run in runs),
        "not_detected": sum(score.not_detected for score in scores),
        "residual": {
            "records": len(left),
            "median_m": round(float(left.median()), 3),
            "p95_m": round(float(left.quantile(0.95)), 3),
            "max_m": round(float(left.max()), 3),
            "over_1_m": int((left > _FAR_M).sum()),
            "share_over_1_m": round(float((left > _FAR_M).mean()), 5),
        },
        "recall": [asdict(line) for line in added(line for score in scores for line in score.lines)],
        "own_false": dict(own_false),
        "own_false_per_100_records": round(100 * own_false.total() / records, 3),
        "detector_false": dict(excused),
        "cpu_s": round(sum(run.cpu_s for run in runs), 2),
        "wall_s": round(sum(run.wall_s for run in runs), 2),
    }


def _far_off(left: pd.Series[float]) -> dict[str, float]:
    """Return the worst of the records that are more than 1 m off: the median hides them."""
    worst = left[left > _FAR_M].sort_values(ascending=False)[:_WORST]
    return {str(name): round(float(value), 2) for name, value in worst.items()}
