"""Measures what adapting to a territory gains, against truth that the adaptation never saw.

Records are made bad on purpose: some buildings are withheld, the others moved, bent and noised. Writes
benchmarks/results/adapt.json, one row per run; a run that is there already is not made again. Example:
python -P benchmarks/adapt.py barnarp --data DATA --start runs/without_barnarp/checkpoint --withheld 0.2
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.features import rasterize

from vigibati.adapt import AdaptReport, adapt
from vigibati.adapt_plan import AdaptSettings
from vigibati.cadastre.displace import Disorder, displace
from vigibati.cadastre.pairing import as_array
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.scoring import hit, score_cases
from vigibati.cadastre.spoil import connected
from vigibati.cadastre.withheld import Withheld, withhold
from vigibati.cases import make_cases
from vigibati.configs.adaptation import Adaptation
from vigibati.configs.rules import load_rules
from vigibati.console import listener
from vigibati.datasets.ortho import open_ortho
from vigibati.inference.checkpoint import load_checkpoint
from vigibati.inference.coverage import imaged_area
from vigibati.inference.vectorise import vectorise
from vigibati.inputs import CadastralInputs, read_cadastral_inputs
from vigibati.training.reliability import OBJECT_BINS, PIXEL_BINS, calibration_error, reliability_counts

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "adapt.json"
REVIEWS = ROOT / "benchmarks" / "reviews" / "adapt_barnarp.csv"
LARGE_M2, MEDIUM_M2 = 60.0, 20.0
AIMED_RECALL = 0.9
SHIFT_M = 3.0
SEED = 7
_NO_IMAGE, _CERTAIN = 255, 254


def main() -> None:
    """Make one run and put its row into the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--start", type=Path, required=True, help="checkpoint to start from")
    parser.add_argument(
        "--withheld", type=float, default=0.2, help="share of the buildings; 0: the true records"
    )
    parser.add_argument(
        "--smallest-m2", type=float, default=0.0, help="withhold all smaller buildings instead"
    )
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "adapt")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    scene = given.data / "scenes" / "barnarp"
    name = f"{given.start.parent.name}-{_share(given)}"
    folder = given.runs / name
    truth, split, records = spoil(scene / "footprints.gpkg", folder, given)
    report = adapt(
        [scene / "ortho.tif"],
        records=records,
        out=folder / "adapted",
        checkpoint=given.start,
        settings=AdaptSettings(given.folds, given.rounds, learning=Adaptation(steps=given.steps)),
        progress=listener(silent=False),
    )
    row = {
        "start": load_checkpoint(given.start).contract.name,
        "withheld": None if given.smallest_m2 else given.withheld,
        "all_withheld_below_m2": given.smallest_m2 or None,
        "shift_m": SHIFT_M if given.withheld or given.smallest_m2 else 0,
        "folds": given.folds,
        "rounds": given.rounds,
        "steps": report.steps,
        "accepted": report.accepted,
        "minutes": report.minutes,
        "energy_kwh": None if report.energy is None else round(report.energy.kwh, 4),
        "off_record": [each and asdict(each) for each in report.off_record],
        "agreement": [asdict(each) for each in report.agreement],
        "stages": {
            stage: measure(raster, truth=truth, split=split, records=records)
            for stage, raster in rasters(folder / "adapted", report)
        },
    }
    keep(given.out, name, row)
    print(json.dumps({stage: each["headline"] for stage, each in row["stages"].items()}, indent=1))


def spoil(path: Path, folder: Path, given: argparse.Namespace) -> tuple[gpd.GeoDataFrame, Withheld, Path]:
    """Write bad records; returns the true ones, those withheld and kept, and the file."""
    with open_ortho([path.with_name("ortho.tif")]) as image:
        truth = read_records(path, crs=image.grid.crs).records
    bounds_m2 = load_rules().bands_m2
    split = withhold(truth, seed=SEED, bounds_m2=bounds_m2, fraction=given.withheld)
    if given.smallest_m2:
        small = truth.area < given.smallest_m2
        split = Withheld(truth[~small], truth[small])
    kept = split.kept.assign(sheet_id="1", block=connected(as_array(split.kept), distance_m=0.1))
    records = folder / "records.gpkg"
    if not records.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        bad = displace(kept, seed=SEED, disorder=Disorder(shift_m=SHIFT_M)).records
        (bad if len(split.withheld) else truth).to_file(records)
    return truth, split, records


def rasters(adapted: Path, report: AdaptReport) -> Iterator[tuple[str, Path]]:
    """Yield what the starting model sees, what is seen after each round out of fold, and the result."""
    yield "start", adapted / "work" / "start" / "probabilities.tif"
    for number in range(1, len(report.agreement)):
        yield f"round {number}", adapted / "work" / f"round_{number}.tif"
    yield "calibrated", adapted / "probabilities.tif"


def measure(raster: Path, *, truth: gpd.GeoDataFrame, split: Withheld, records: Path) -> dict[str, Any]:
    """Measure one raster of probabilities against the truth, and the list that comes of it."""
    footprints = vectorise(raster)
    inputs = read_cadastral_inputs(records=records, parcels=None, crs=truth.crs)
    buildings = footprints[footprints["kind"] == "building"]
    return {
        "pixels": pixels(raster, truth),
        "object_ece": object_ece(buildings, truth),
        **listed(footprints, inputs, split, imaged_area(raster)),
    }


def pixels(raster: Path, truth: gpd.GeoDataFrame) -> dict[str, float]:
    """Return IoU at the threshold, and the calibration error of pixels."""
    with rasterio.open(raster) as source:
        values = source.read(1)
        shapes = [(outline, 1) for outline in truth.geometry]
        real = rasterize(shapes, out_shape=values.shape, transform=source.transform, dtype="uint8") > 0
    shown = values != _NO_IMAGE
    sure, real = values[shown] / _CERTAIN, real[shown]
    found = sure >= 0.5  # noqa: PLR2004 - the threshold of every contract here
    counts = reliability_counts(sure, real, PIXEL_BINS)[:, np.newaxis]
    return {
        "iou": round(float((found & real).sum() / (found | real).sum()), 4),
        "ece": round(float(calibration_error(counts)), 4),
    }


def object_ece(buildings: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> dict[str, float]:
    """Return the calibration error of footprints, which are real when more than half lies on true ones."""
    over = shapely.intersection(as_array(buildings), shapely.union_all(as_array(truth)))
    real = shapely.area(over) > 0.5 * buildings.area.to_numpy()
    counts = reliability_counts(buildings["probability"].to_numpy(), real, OBJECT_BINS)[:, np.newaxis]
    return {"ece": round(float(calibration_error(counts)), 4), "objects": len(buildings)}


def listed(
    footprints: gpd.GeoDataFrame, inputs: CadastralInputs, split: Withheld, imaged: shapely.Geometry
) -> dict[str, Any]:
    """Return what the list of cases finds of the withheld buildings, and how many of its cases are right."""
    rules = load_rules()
    cases = make_cases(footprints, inputs, rules=rules, lang="en", imaged=imaged).cases
    new = cases[cases["kind"] == "new_building"].sort_values("p_building", ascending=False)
    truth = split.as_truth()
    false = (
        set(score_cases(new, truth, bounds_m2=rules.bands_m2).false_cases)
        if len(truth)
        else set(new["case_id"])
    )
    right = ~new["case_id"].isin(false).to_numpy()
    visible = right | seen_by_eye(new)
    area = truth.area.to_numpy()
    large, medium = area >= LARGE_M2, (area >= MEDIUM_M2) & (area < LARGE_M2)
    outlines, items = as_array(new), as_array(truth)
    found_at = np.array([hit(items, outlines, np.arange(len(new)) < cut) for cut in range(len(new) + 1)])
    any_kind = hit(items, as_array(cases), np.ones(len(cases), dtype=bool))
    curve = [
        {
            "cases": cut,
            "p_building": round(float(new["p_building"].iloc[cut - 1]), 3),
            "right": int(right[:cut].sum()),
            "right_or_visible": int(visible[:cut].sum()),
            "large": int(found_at[cut][large].sum()),
            "medium": int(found_at[cut][medium].sum()),
        }
        for cut in range(1, len(new) + 1)
    ]
    needed = AIMED_RECALL * large.sum()
    reached = next((point for point in curve if large.any() and point["large"] >= needed), None)
    headline = {
        "withheld_large": int(large.sum()),
        "withheld_medium": int(medium.sum()),
        "large_listed": curve[-1]["large"] if curve else 0,
        "medium_listed": curve[-1]["medium"] if curve else 0,
        "large_in_any_case": int(any_kind[large].sum()),
        "medium_in_any_case": int(any_kind[medium].sum()),
        "new_building": len(new),
        "right": int(right.sum()),
        "right_or_visible": int(visible.sum()),
        "at_aimed_recall": reached,
    }
    doubtful = new[~visible]
    return {
        "headline": headline,
        "curve": curve,
        "false": [
            {
                "x_m": round(row.geometry.centroid.x, 1),
                "y_m": round(row.geometry.centroid.y, 1),
                "area_m2": round(row.area_m2, 1),
            }
            for row in doubtful.itertuples()
        ],
    }


def seen_by_eye(cases: gpd.GeoDataFrame) -> np.ndarray:
    """Return which cases lie on a building that a person saw in the image and that truth lacks."""
    if not REVIEWS.is_file():
        return np.zeros(len(cases), dtype=bool)
    rows = np.genfromtxt(REVIEWS, delimiter=",", names=True, dtype=None, encoding="utf-8", usecols=(0, 1, 2))
    rows = rows[rows["verdict"] == "building"]
    points = shapely.points(rows["x_m"], rows["y_m"])
    tree = shapely.STRtree(points)
    on = np.zeros(len(cases), dtype=bool)
    on[tree.query(as_array(cases), predicate="intersects")[0]] = True
    return on


def keep(path: Path, name: str, row: dict[str, Any]) -> None:
    """Put a row into the result file."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"runs": {}}
    known["machine"] = {"python": platform.python_version(), "device": "cpu"}
    known["runs"] = dict(sorted({**known["runs"], name: row}.items()))
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _share(given: argparse.Namespace) -> str:
    if given.smallest_m2:
        return f"without-small-{given.smallest_m2:g}"
    return f"{given.withheld * 100:g}" if given.withheld else "truth"


if __name__ == "__main__":
    main()
