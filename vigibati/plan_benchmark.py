"""The benchmark of the comparison alone: footprints are made up from a true plan, so nothing is segmented."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.displace import Disorder, Displaced, displace
from vigibati.cadastre.pairing import as_array
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.scoring_plan import Line, PlanScore, score_plan
from vigibati.cadastre.simulate import Detections, Quality, moved_by, simulate
from vigibati.cadastre.spoil import Shares, spoil
from vigibati.cadastre.tables import SHEET_COLUMNS, conform
from vigibati.cases import CaseList, make_cases
from vigibati.configs.errors import SettingsError
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.inputs import CadastralInputs, read_cadastral_inputs

_AROUND_M = 50.0
_FAR_M = 1.0


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What is done to a plan, and how well it is detected.

    Attributes:
        quality: Of the detections, perfect or realistic.
        shares: How much is changed.
        disorder: How badly the records are placed; its shift is replaced by each of ``shifts_m``.
        shifts_m: How far each sheet is moved.
        seeds: Of the draws; every seed is run with every shift.
    """

    quality: Quality
    shifts_m: tuple[float, ...]
    seeds: tuple[int, ...]
    shares: Shares = field(default_factory=Shares)
    disorder: Disorder = field(default_factory=Disorder)


def plan_settings(
    quality: str, *, shifts_m: tuple[float, ...], seeds: tuple[int, ...], fraction: float | None = None
) -> PlanSettings:
    """Return settings from what a user gives.

    Args:
        quality: Of the detections.
        shifts_m: How far each sheet is moved.
        seeds: Of the draws.
        fraction: Share of the buildings that is withheld; the usual one when None.

    Raises:
        SettingsError: No such quality.
    """
    shares = Shares() if fraction is None else Shares(withheld=fraction)
    if quality not in get_args(Quality):
        known = ", ".join(get_args(Quality))
        raise SettingsError("--detections", f"'{quality}' is unknown", f"use model, {known}")
    return PlanSettings(quality=cast("Quality", quality), shifts_m=shifts_m, seeds=seeds, shares=shares)


@dataclass(frozen=True, slots=True, eq=False)
class SpoiledPlan:
    """One made-up case: the truth, what the cadastre says of it, what the detector shows of it."""

    pieces: gpd.GeoDataFrame
    displaced: Displaced
    detections: Detections
    inputs: CadastralInputs
    imaged: shapely.Geometry


def bench_plan(records: Path, *, settings: PlanSettings) -> dict[str, Any]:
    """Spoil a true plan, compare it with made-up footprints and score the cases.

    Args:
        records: True records of the place, or true footprints.
        settings: What is done to them.

    Returns:
        A JSON-ready mapping: each run, and all runs together.

    Raises:
        InputError: The records cannot be used.
    """
    rules, inputs = load_rules(), read_plan(records)
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
            | {"misses": list(run.score.misses), "false_cases": list(run.score.false_cases)}
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
    residuals_m: NDArray[np.float64]
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
    records = len(plan.displaced.records)
    return _Run(shift_m, seed, records, len(table), residuals_m(plan, listed), score, cpu, wall)


def read_plan(records: Path) -> CadastralInputs:
    """Read a true plan in the projected CRS of its place, without pools, parcels and zones.

    Raises:
        RecordsError: It cannot be read.
    """
    frame = read_records(records).records
    crs = working_crs(frame.crs, tuple(frame.total_bounds))
    inputs = read_cadastral_inputs(records=records, parcels=None, zones=(), crs=crs, records_crs=None)
    return replace(inputs, parcels=None, records=inputs.records[inputs.records["kind"] != "pool"])


def spoiled_plan(
    inputs: CadastralInputs, *, settings: PlanSettings, shift_m: float, seed: int, rules: ComparisonRules
) -> SpoiledPlan:
    """Make one case, with draws of its own for every seed and shift."""
    draw = int(np.random.SeedSequence([seed, round(1000 * shift_m)]).generate_state(1)[0])
    pieces = spoil(inputs.records, seed=draw, bounds_m2=rules.bands_m2, shares=settings.shares)
    recorded = pieces[pieces["what"].isin(("kept", "demolished"))]
    displaced = displace(recorded, seed=draw, disorder=replace(settings.disorder, shift_m=shift_m))
    sheets = _sheets(inputs, pieces, displaced)
    return SpoiledPlan(
        pieces=pieces,
        displaced=displaced,
        detections=simulate(pieces, quality=settings.quality, seed=draw),
        inputs=replace(
            inputs, records=displaced.records, record_set=replace(inputs.record_set, sheets=sheets)
        ),
        imaged=shapely.union_all(shapely.buffer(as_array(sheets), _AROUND_M)),
    )


def residuals_m(plan: SpoiledPlan, listed: CaseList) -> NDArray[np.float64]:
    """Return how far each record lies from the roof that it stands for, after registration, in metres.

    It is the error of the estimated displacement, as the mean over the record's vertices, the noise of
    which is no error of registration. Records without a roof in the detections are left out.
    """
    before, after = plan.displaced.records, listed.records
    estimated = _means(after.set_index("record_id").loc[before["record_id"]]) - _means(before)
    whole = before["record_id"].str.replace(r"/[12]$", "", regex=True)
    row = plan.pieces.reset_index().set_index("record_id")["index"].loc[whole].to_numpy()
    stands = (plan.pieces["what"] == "kept").to_numpy() & ~plan.detections.missing
    error = estimated + plan.displaced.moved_m - plan.detections.lean_m[row]
    distance: NDArray[np.float64] = np.hypot(*error[stands[row]].T)
    return distance


def _means(layer: gpd.GeoDataFrame) -> NDArray[np.float64]:
    xy, owner = shapely.get_coordinates(as_array(layer), return_index=True)
    count = np.bincount(owner, minlength=len(layer))
    return np.column_stack([np.bincount(owner, axis, len(layer)) / count for axis in xy.T])


def _sheets(inputs: CadastralInputs, pieces: gpd.GeoDataFrame, displaced: Displaced) -> gpd.GeoDataFrame:
    """Return where the cadastre speaks, as displaced as it is: the sheets, or all around the buildings."""
    names = list(displaced.fields)
    known = inputs.record_set.sheets
    if known is None:
        ground = [
            shapely.GeometryCollection(list(as_array(pieces[pieces["sheet_id"] == name]))).convex_hull
            for name in names
        ]
        known = gpd.GeoDataFrame(
            {"sheet_id": names}, geometry=shapely.buffer(ground, _AROUND_M), crs=pieces.crs
        )
    known = known[known["sheet_id"].isin(names)]
    shift_m = np.array([displaced.fields[str(name)].shift_m for name in known["sheet_id"]])
    moved = moved_by(as_array(known), shift_m)
    return conform(known.set_geometry(moved, crs=known.crs), SHEET_COLUMNS)


def _figures(runs: Sequence[_Run]) -> dict[str, Any]:
    """Return the figures of one run, or of several together."""
    left = np.concatenate([run.residuals_m for run in runs])
    scores = [run.score for run in runs]
    records = sum(run.records for run in runs)
    own, excused = Counter[str](), Counter[str]()
    for score in scores:
        own.update(score.own_false)
        excused.update(score.detector_false)
    return {
        "records": records,
        "footprints": sum(run.footprints for run in runs),
        "not_detected": sum(score.not_detected for score in scores),
        "residual": {
            "records": len(left),
            "median_m": round(float(np.median(left)), 3),
            "p95_m": round(float(np.quantile(left, 0.95)), 3),
            "max_m": round(float(left.max()), 3),
            "over_1_m": int((left > _FAR_M).sum()),
            "share_over_1_m": round(float((left > _FAR_M).mean()), 5),
        },
        "recall": [asdict(line) for line in added(line for score in scores for line in score.lines)],
        "own_false": dict(own),
        "own_false_per_100_records": round(100 * own.total() / records, 3),
        "detector_false": dict(excused),
        "cpu_s": round(sum(run.cpu_s for run in runs), 2),
        "wall_s": round(sum(run.wall_s for run in runs), 2),
    }


def added(lines: Iterable[Line]) -> list[Line]:
    """Add up the lines of several runs, in the order in which they first come."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        counts = sums.setdefault((line.measure, line.band), [0, 0, 0])
        for number, value in enumerate((line.count, line.found, line.same_kind)):
            counts[number] += value
    return [Line(measure, band, *counts) for (measure, band), counts in sums.items()]
