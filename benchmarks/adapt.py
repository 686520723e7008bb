"""Measures what adapting to a territory gains, against truth that the adaptation never saw.

barnarp: true records of which some are withheld, the others moved, bent and noised. commune: made up,
with planted differences. nairobi: records that are misaligned by nature, cases judged by eye. A run puts its
row into benchmarks/results/adapt.json; called again, it goes on where it was. Example:
python -P benchmarks/adapt.py barnarp --data DATA --start runs/without_barnarp/checkpoint --withheld 0.2
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from vigibati.adaptation.adapt import adapt
from vigibati.adaptation.report import AdaptReport
from vigibati.adaptation.run_setup import AdaptSettings
from vigibati.cadastre.benchmark.case_scores import hit, score_cases
from vigibati.cadastre.benchmark.displaced_plan import Disorder, displace
from vigibati.cadastre.benchmark.withholding import Withheld, withhold
from vigibati.cadastre.morphology import blocks_of
from vigibati.cadastre.overlap import as_array
from vigibati.cadastre.readers import read_records
from vigibati.cli.progress import listener
from vigibati.configs.adaptation import Adaptation
from vigibati.configs.rules import load_rules
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.synth.synthesise import synthesise
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.probabilities.image_extent import imaged_area
from vigibati.inference.vectorisation.vectorise import vectorise
from vigibati.training.metrics.reliability import (
    OBJECT_BINS,
    PIXEL_BINS,
    calibration_error,
    reliability_counts,
)
from vigibati.workflow.cases import make_cases
from vigibati.workflow.inputs import read_cadastral_inputs

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "adapt.json"
REVIEWS = ROOT / "benchmarks" / "reviews"
BANDS_M2 = {"large": (60.0, np.inf), "medium": (20.0, 60.0), "small": (5.0, 20.0)}
AIMED_RECALL = 0.9
SHIFT_M = 3.0
SEED = 7
COMMUNE_KM = 2.0
STEPS = 100
NEAR_M = 3.0
THRESHOLD = 0.5


@dataclass(frozen=True)
class Place:
    """Where a model is adapted, and what is known of it beside.

    Attributes:
        ortho: The image.
        records: What the adaptation is given.
        truth: True buildings, where they are known.
        judge: Turns cases into figures.
        notes: What was done to the records.
    """

    ortho: Path
    records: Path
    truth: gpd.GeoDataFrame | None
    judge: Callable[[gpd.GeoDataFrame], dict[str, Any]]
    notes: dict[str, Any]


def main() -> None:
    """Make one run and put its row into the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("place", choices=("barnarp", "nairobi", "commune"))
    parser.add_argument("--data", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--start", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument("--withheld", type=float, default=0.2, help="share of the buildings; 0: true records")
    parser.add_argument("--smallest-m2", type=float, help="withhold every building that is smaller instead")
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "adapt")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    start = load_checkpoint(given.start).contract.name
    longer = "" if given.steps == STEPS else f" of {given.steps} steps"
    name = f"{given.place}{_share(given)} in {given.folds} folds{longer} from {start}"
    folder = given.runs / re.sub(r"[^a-z0-9]+", "-", name.lower())
    place = {"barnarp": barnarp, "nairobi": nairobi, "commune": commune}[given.place](given, folder)
    report = adapt(
        [place.ortho],
        records=place.records,
        out=folder / "adapted",
        checkpoint=given.start,
        settings=AdaptSettings(given.folds, given.rounds, learning=Adaptation(steps=given.steps)),
        progress=listener(silent=False),
    )
    stages = {stage: measure(raster, place) for stage, raster in rasters(folder / "adapted", report)}
    row = {
        "place": given.place,
        "start": start,
        **place.notes,
        "folds": given.folds,
        "rounds": given.rounds,
        **report.figures(),
        "stages": stages,
    }
    keep(given.out, name, row)
    print(name, json.dumps({stage: figures["list"] for stage, figures in stages.items()}))


def barnarp(given: argparse.Namespace, folder: Path) -> Place:
    """Return the scene whose records are made bad on purpose."""
    scene = given.data / "scenes" / "barnarp"
    with open_ortho([scene / "ortho.tif"]) as image:
        truth = read_records(scene / "footprints.gpkg", crs=image.grid.crs).records
    bounds_m2 = load_rules().bands_m2
    split = withhold(truth, seed=SEED, bounds_m2=bounds_m2, fraction=given.withheld)
    if given.smallest_m2:
        small = truth.area < given.smallest_m2
        split = Withheld(truth[~small], truth[small])
    spoilt = len(split.withheld) > 0
    records = folder / "records.gpkg"
    if not records.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        kept = split.kept.assign(sheet_id="1", block=blocks_of(as_array(split.kept), distance_m=0.1))
        bad = displace(kept, seed=SEED, disorder=Disorder(shift_m=SHIFT_M)).records
        (bad if spoilt else truth).drop(columns="block", errors="ignore").to_file(records)
    notes = {
        "withheld": len(split.withheld),
        "of": len(truth),
        "below_m2": given.smallest_m2,
        "shift_m": SHIFT_M if spoilt else 0,
    }
    hidden = split.as_truth()
    return Place(scene / "ortho.tif", records, truth, lambda cases: of_withheld(cases, hidden), notes)


def nairobi(given: argparse.Namespace, folder: Path) -> Place:  # noqa: ARG001 - as the other places
    """Return the scene whose records are misaligned by nature, and whose cases were judged by eye."""
    scene = given.data / "scenes" / "nairobi"
    return Place(scene / "ortho.tif", scene / "footprints.geojson", None, of_verdicts, {})


def commune(given: argparse.Namespace, folder: Path) -> Place:  # noqa: ARG001 - as the other places
    """Return a made-up commune."""
    home = folder / "commune"
    if not (home / "truth.gpkg").is_file():
        synthesise(seed=SEED, size_km=COMMUNE_KM, out=home)
    records = next(home.glob("cadastre-*-batiments.json.gz"))
    truth, planted = (gpd.read_file(home / "truth.gpkg", layer=layer) for layer in ("buildings", "planted"))

    def judge(cases: gpd.GeoDataFrame) -> dict[str, Any]:
        score = score_cases(cases, planted, bounds_m2=load_rules().bands_m2)
        recall = {each.kind: [each.found, each.count] for each in score.recall if each.size_band == "all"}
        return {
            "recall": recall,
            "precision": {each.kind: [each.right, each.count] for each in score.precision},
        }

    return Place(home / "ortho.tif", records, truth, judge, {"size_km": COMMUNE_KM, "seed": SEED})


def rasters(adapted: Path, report: AdaptReport) -> Iterator[tuple[str, Path]]:
    """Yield what the starting model sees, what is seen after each round out of fold, and the result."""
    yield "start", adapted / "work" / "start" / "probabilities.tif"
    for number in range(1, len(report.agreement)):
        yield f"round {number}", adapted / "work" / f"round_{number}.tif"
    yield "calibrated", adapted / "probabilities.tif"


def measure(raster: Path, place: Place) -> dict[str, Any]:
    """Measure one raster of probabilities against the truth, and the list that comes of it."""
    with open_ortho([place.ortho]) as image:
        grid_crs = image.grid.crs
    footprints = vectorise(raster)
    working = footprints.crs if place.truth is None else place.truth.crs
    if place.truth is None:
        working = footprints.estimate_utm_crs()
    inputs = read_cadastral_inputs(records=place.records, parcels=None, crs=working)
    imaged = gpd.GeoSeries([imaged_area(raster)], crs=grid_crs).to_crs(working).iloc[0]
    found = footprints.to_crs(working)
    cases = make_cases(found, inputs, rules=load_rules(), lang="en", imaged=imaged).cases
    figures: dict[str, Any] = {}
    if place.truth is not None:
        figures |= pixels(raster, place.truth)
        figures |= objects(found[found["kind"] == "building"], place.truth)
    return {**figures, "list": {"cases": dict(Counter(cases["kind"])), **place.judge(cases)}}


def pixels(raster: Path, truth: gpd.GeoDataFrame) -> dict[str, float]:
    """Return IoU at the threshold, and the calibration error of pixels."""
    with rasterio.open(raster) as source:
        values = source.read(1)
        shapes = [(outline, 1) for outline in truth.geometry]
        real = rasterize(shapes, out_shape=values.shape, transform=source.transform, dtype="uint8") > 0
    shown = values != NO_IMAGE
    sure, real = values[shown] / PROBABILITY_SCALE, real[shown]
    found = sure >= THRESHOLD
    counts = reliability_counts(sure, real, PIXEL_BINS)[:, np.newaxis]
    return {
        "iou": round(float((found & real).sum() / (found | real).sum()), 4),
        "pixel_ece": round(float(calibration_error(counts)), 4),
    }


def objects(buildings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> dict[str, float]:
    """Return the calibration error of footprints, which are real when more than half lies on true ones."""
    over = shapely.intersection(as_array(buildings), shapely.union_all(as_array(truth)))
    real = shapely.area(over) > 0.5 * buildings.area.to_numpy()
    counts = reliability_counts(buildings["probability"].to_numpy(), real, OBJECT_BINS)[:, np.newaxis]
    return {"object_ece": round(float(calibration_error(counts)), 4), "objects": len(buildings)}


def of_withheld(cases: gpd.GeoDataFrame, hidden: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return what a list finds of the withheld buildings, and how many of its new buildings are right.

    The list is walked down from the surest new building on; where it has reached the aimed recall of the
    large ones, its precision is told.
    """
    new = cases[cases["kind"] == "new_building"].sort_values("p_building", ascending=False)
    bounds_m2 = load_rules().bands_m2
    false = (
        set(score_cases(new, hidden, bounds_m2=bounds_m2).false_cases) if len(hidden) else set(new["case_id"])
    )
    right = ~new["case_id"].isin(false).to_numpy()
    visible = right | seen_by_eye(new)
    items, area = as_array(hidden), hidden.area.to_numpy()
    of_band = {name: (area >= low) & (area < high) for name, (low, high) in BANDS_M2.items()}
    found_at = [hit(items, as_array(new), np.arange(len(new)) < cut) for cut in range(1, len(new) + 1)]
    anyhow = hit(items, as_array(cases), np.ones(len(cases), dtype=bool))
    curve = [
        {
            "p_building": round(float(sure), 3),
            "right": int(right[:cut].sum()),
            "right_or_visible": int(visible[:cut].sum()),
            **{name: int(found_at[cut - 1][mine].sum()) for name, mine in of_band.items()},
        }
        for cut, sure in enumerate(new["p_building"], start=1)
    ]
    needed = AIMED_RECALL * of_band["large"].sum()
    reached = next((cut for cut, point in enumerate(curve, start=1) if point["large"] >= needed), None)
    return {
        "withheld": {name: int(mine.sum()) for name, mine in of_band.items()},
        "as_new_building": {name: curve[-1][name] if curve else 0 for name in of_band},
        "in_any_case": {name: int(anyhow[mine].sum()) for name, mine in of_band.items()},
        "new_building": len(new),
        "right": int(right.sum()),
        "right_or_visible": int(visible.sum()),
        "at_aimed_recall": {"new_building": reached, **curve[reached - 1]} if reached and needed else None,
        "curve": {key: [point[key] for point in curve] for key in (curve[0] if curve else ())},
        "beside": [
            [round(point.x, 1), round(point.y, 1)] for point in new[~right].geometry.representative_point()
        ],
    }


def of_verdicts(cases: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return on how many cases of each kind a case stands that was judged by eye, by its verdict.

    A case is where another one was when its outline comes within 3 m of the place in the name of that.
    """
    with (REVIEWS / "nairobi.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    places = [tuple(map(int, row["case_id"].split("-")[1:3])) for row in rows]
    outlines = as_array(cases)
    nearest = shapely.STRtree(outlines).query_nearest(
        shapely.points(places), max_distance=NEAR_M, all_matches=False
    )
    verdicts: Counter[str] = Counter(rows[number]["verdict"] for number in nearest[0])
    return {"still_listed": dict(verdicts), "judged": dict(Counter(row["verdict"] for row in rows))}


def seen_by_eye(cases: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Return which cases lie on a building that a person saw in the image and that truth lacks."""
    on = np.zeros(len(cases), dtype=bool)
    with (REVIEWS / "adapt_barnarp.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["verdict"] == "building"]
    points = shapely.points([(float(row["x_m"]), float(row["y_m"])) for row in rows])
    on[shapely.STRtree(as_array(cases)).query(points, predicate="intersects")[1]] = True
    return on


def keep(path: Path, name: str, row: dict[str, Any]) -> None:
    """Put a row into the result file."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"runs": {}}
    known["machine"] = {"python": platform.python_version(), "cores": os.cpu_count()}
    known["runs"] = dict(sorted({**known["runs"], name: row}.items()))
    text = json.dumps(known, indent=1)
    # Every list of numbers, and every point of a curve, on one line.
    text = re.sub(
        r"([\[{])\s+([^\[\]{}]*?)\s+([\]}])",
        lambda found: found[1] + re.sub(r"\s+", " ", found[2]) + found[3],
        text,
    )
    path.write_text(text + "\n", encoding="utf-8")


def _share(given: argparse.Namespace) -> str:
    if given.place != "barnarp":
        return ""
    if given.smallest_m2:
        return f" without any below {given.smallest_m2:g} m²"
    return f" {given.withheld * 100:g} % withheld" if given.withheld else " true records"


if __name__ == "__main__":
    main()
