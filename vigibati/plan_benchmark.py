"""The benchmark of the comparison alone: footprints are made up from a true plan, so nothing is segmented."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.displace import Disorder, Displaced, displace
from vigibati.cadastre.pairing import as_array
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.scoring_plan import Line, PlanScore, score_plan
from vigibati.cadastre.simulate import Detections, Quality, simulate
from vigibati.cadastre.spoil import Shares, spoil
from vigibati.cadastre.tables import SHEET_COLUMNS, conform
from vigibati.cases import CaseList, make_cases
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
    shares: Shares = Shares()
    disorder: Disorder = Disorder()


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
    runs, residuals, scores = [], [], []
    for shift_m in settings.shifts_m:
        for seed in settings.seeds:
            plan = spoiled_plan(inputs, settings=settings, shift_m=shift_m, seed=seed, rules=rules)
            cpu, wall = time.process_time(), time.perf_counter()
            listed = make_cases(
                plan.detections.table, plan.inputs, rules=rules, lang="en", imaged=plan.imaged
            )
            seconds = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
            residual = residuals_m(plan, listed)
            score = score_plan(
                listed.cases,
                plan.pieces,
                plan.detections,
                bounds_m2=rules.bands_m2,
                new_below=rules.cases.new_below,
            )
            head = {"shift_m": shift_m, "seed": seed}
            runs.append(head | _figures([plan], [residual], [score], [seconds]) | _listed(score))
            residuals.append((plan, residual, score, seconds))
    return {
        "settings": asdict(settings),
        "inputs": [path.name for path in inputs.paths],
        "buildings": len(inputs.records),
        "total": _figures(*zip(*residuals, strict=True)),
        "runs": runs,
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


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
    """Make one case; the changes and the detections of a seed are the same for every shift."""
    pieces = spoil(inputs.records, seed=seed, bounds_m2=rules.bands_m2, shares=settings.shares)
    recorded = pieces[pieces["what"].isin(("kept", "demolished"))]
    displaced = displace(recorded, seed=seed, disorder=replace(settings.disorder, shift_m=shift_m))
    sheets = _sheets(inputs, pieces, displaced)
    return SpoiledPlan(
        pieces=pieces,
        displaced=displaced,
        detections=simulate(pieces, quality=settings.quality, seed=seed),
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
    moved = [
        shapely.transform(outline, lambda xy, by=displaced.fields[name].shift_m: xy + by)
        for name, outline in zip(known["sheet_id"], as_array(known), strict=True)
    ]
    return conform(known.set_geometry(moved, crs=known.crs), SHEET_COLUMNS)


def _figures(
    plans: Sequence[SpoiledPlan],
    residuals: Sequence[NDArray[np.float64]],
    scores: Sequence[PlanScore],
    seconds: Sequence[dict[str, float]],
) -> dict[str, Any]:
    """Return the figures of one run, or of several together."""
    left = np.concatenate(residuals)
    records = sum(len(plan.displaced.records) for plan in plans)
    own = sum((Counter(score.own_false) for score in scores), Counter())
    excused = sum((Counter(score.detector_false) for score in scores), Counter())
    return {
        "records": records,
        "footprints": sum(len(plan.detections.table) for plan in plans),
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
        **{name: round(sum(each[name] for each in seconds), 2) for name in ("cpu_s", "wall_s")},
    }


def added(lines: Iterable[Line]) -> list[Line]:
    """Add up the lines of several runs, in the order in which they first come."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        counts = sums.setdefault((line.measure, line.band), [0, 0, 0])
        for number, value in enumerate((line.count, line.found, line.same_kind)):
            counts[number] += value
    return [Line(measure, band, *counts) for (measure, band), counts in sums.items()]


def _listed(score: PlanScore) -> dict[str, Any]:
    return {"misses": list(score.misses), "false_cases": list(score.false_cases)}
