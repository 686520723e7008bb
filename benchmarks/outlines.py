"""Compares outlines that are simplified only with those that have straight walls.

Writes benchmarks/results/outlines.json. Example:
python -P benchmarks/outlines.py --scene barnarp ortho.tif footprints.gpkg
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import shapely
from numpy.typing import NDArray

from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.model.checkpoint import load_checkpoint, shipped_checkpoint
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.vectorisation.vectorise import vectorise
from vigibati.training.metrics.polis import polis_m

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "outlines.json"
# As in the evaluation of a checkpoint.
_MATCH_IOU = 0.5
_SMALLEST_M2 = 20.0
_TRUTH_LAYER = "buildings"


def main() -> None:
    """Measure every scene and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--scene",
        action="append",
        nargs=3,
        required=True,
        metavar=("NAME", "RASTER", "TRUTH"),
        help="orthophoto or probability raster, and polygons of its buildings",
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "outlines", help="for probabilities")
    given = parser.parse_args()
    scenes = {name: _scene(name, Path(image), Path(truth), given.runs) for name, image, truth in given.scene}
    result = {"match_iou": _MATCH_IOU, "smallest_m2": _SMALLEST_M2, "scenes": scenes}
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _scene(name: str, image: Path, truth: Path, runs: Path) -> dict[str, dict[str, float]]:
    probabilities = _probabilities(name, image, runs)
    layers = pyogrio.list_layers(truth)[:, 0].tolist()
    layer = _TRUTH_LAYER if _TRUTH_LAYER in layers else layers[0]
    figures = {}
    for version, regular in (("simplified", False), ("straight", True)):
        begin = time.perf_counter()
        found = vectorise(probabilities, regular=regular)
        seconds = time.perf_counter() - begin
        found = found[found["kind"] == "building"]
        true = gpd.read_file(truth, layer=layer).to_crs(found.crs)
        outlines = shapely.get_parts(true.geometry.to_numpy())
        figures[version] = _figures(found.geometry.to_numpy(), outlines) | {"seconds": round(seconds, 2)}
    return figures


def _probabilities(name: str, image: Path, runs: Path) -> Path:
    with rasterio.open(image) as dataset:
        if "building" in dataset.descriptions:
            return image
    runs.mkdir(parents=True, exist_ok=True)
    model = load_checkpoint(shipped_checkpoint())
    with open_ortho([image], gsd_m=model.contract.gsd_m) as ortho:
        segment(ortho, model, runs / f"{name}.tif")
    return runs / f"{name}.tif"


def _figures(found: NDArray[np.object_], truth: NDArray[np.object_]) -> dict[str, float]:
    first, second = shapely.STRtree(truth).query(found, predicate="intersects")
    shared = shapely.area(shapely.intersection(found[first], truth[second]))
    iou = shared / (shapely.area(found)[first] + shapely.area(truth)[second] - shared)
    same = iou > _MATCH_IOU
    first, second = first[same], second[same]
    distances = polis_m(found[first], truth[second])
    vertices = shapely.get_num_coordinates(found) - 1 - shapely.get_num_interior_rings(found)
    return {
        "found": len(found),
        "matched": len(first),
        "object_f1": _f1(found, first, truth, second, 0),
        "object_f1_from_smallest": _f1(found, first, truth, second, _SMALLEST_M2),
        "iou_of_matched": round(float(iou[same].mean()), 4),
        "polis_mean_m": round(float(distances.mean()), 4),
        "polis_median_m": round(float(np.median(distances)), 4),
        "vertices": int(vertices.sum()),
        "vertices_of_matched": int(vertices[first].sum()),
    }


def _f1(
    found: NDArray[np.object_],
    found_matched: NDArray[np.int64],
    truth: NDArray[np.object_],
    truth_matched: NDArray[np.int64],
    smallest_m2: float,
) -> float:
    shares = []
    for outlines, matched in ((found, found_matched), (truth, truth_matched)):
        large = shapely.area(outlines) >= smallest_m2
        shares.append(np.count_nonzero(large[matched]) / np.count_nonzero(large))
    precision, recall = shares
    return round(2 * precision * recall / (precision + recall), 4)


if __name__ == "__main__":
    main()
