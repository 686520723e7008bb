"""Measures how fast probabilities become outlines, and that the outlines are those of rasterio.

Writes benchmarks/results/vectorise.json. All times are of the processor, on one core, the best of the runs.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.features
import rasterio.shutil
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import shape

from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.inference.probabilities.strip_masks import Strip, strip_of, threshold_mask
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.inference.vectorisation.seam_join import join_at_seams
from vigibati.inference.vectorisation.vectorise import vectorise

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "vectorise.json"
_SHARES = (0.05, 0.28)
_THRESHOLD = 0.5
_STRIP_ROWS = 512
_UNIT_PX = 4096


def main() -> None:
    """Measure every share of foreground and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--side", type=int, default=16384, help="pixels on each side of the raster")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    result = {
        "side_px": given.side,
        "processor": _processor(),
        "runs": given.runs,
        "shares": {str(share): _figures(share, given.side, given.runs) for share in _SHARES},
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _figures(share: float, side: int, runs: int) -> dict[str, float]:
    values = _scene(share, side)
    mask = threshold_mask(values, _THRESHOLD)
    found, trace_s = _timed(lambda: _traced(values, 0, 0, side), runs)
    parts = Components.concatenate(
        _traced(values, row, col, _UNIT_PX)
        for row in range(0, side, _UNIT_PX)
        for col in range(0, side, _UNIT_PX)
    )
    lines = range(_UNIT_PX, side, _UNIT_PX)
    joined, join_s = _timed(lambda: join_at_seams(parts, rows=lines, cols=lines), runs)
    wanted, rasterio_s = _timed(lambda: _by_rasterio(mask), 1)
    with tempfile.TemporaryDirectory() as work:
        raster = _written(values, Path(work))
        bits = 8 * raster.stat().st_size / values.size
        simple, simple_s = _timed(lambda: vectorise(raster, regular=False), runs)
        straight, straight_s = _timed(lambda: vectorise(raster), runs)
    megapixels = values.size / 1e6
    return {
        "foreground": round(float(mask.mean()), 4),
        "components": len(found),
        "corners": int(shapely.get_num_coordinates(found.outlines).sum()),
        "cog_bits_per_px": round(bits, 3),
        "trace_mpx_per_s": round(megapixels / trace_s),
        "rasterio_shapes_mpx_per_s": round(megapixels / rasterio_s),
        "vectorise_simplified_mpx_per_s": round(megapixels / simple_s),
        "vectorise_straight_mpx_per_s": round(megapixels / straight_s),
        "after_tracing_us_per_footprint_straight": round((straight_s - trace_s) / len(straight) * 1e6),
        "footprints": len(simple),
        "join_of_units_s": round(join_s, 3),
        "units": math.ceil(side / _UNIT_PX) ** 2,
        "units_joined_are_the_whole": _same(joined, found.in_order()),
        "difference_from_rasterio_px": _difference(found.outlines, wanted),
    }


def _scene(share: float, side: int) -> NDArray[np.uint8]:
    """Return probabilities with ragged buildings, some with a wing cut out or a courtyard."""
    rng = np.random.default_rng(20)
    ground = rng.integers(0, PROBABILITY_SCALE // 10, (side // 8 + 1, side // 8 + 1), dtype=np.uint8)
    values = np.kron(ground, np.ones((8, 8), dtype=np.uint8))[:side, :side]
    built = 0
    while built < share * values.size:
        height, width = rng.integers(15, 70, 2)
        row, col = rng.integers(0, side - height), rng.integers(0, side - width - 2)
        house = values[row : row + height, col : col + width + 2]
        if (house >= PROBABILITY_SCALE // 2).any() and rng.random() > share:
            continue
        before = np.count_nonzero(house >= PROBABILITY_SCALE // 2)
        ragged = np.repeat(rng.integers(0, 3, height // 2 + 1), 2)[:height]
        inside = np.arange(width + 2) < width + ragged[:, None]
        inside[: height // 3, : width // 3] &= bool(rng.integers(2))
        inside[height // 2 : height // 2 + 8, width // 2 : width // 2 + 8] &= bool(rng.integers(10))
        house[inside] = rng.integers(PROBABILITY_SCALE * 2 // 3, PROBABILITY_SCALE)
        built += np.count_nonzero(house >= PROBABILITY_SCALE // 2) - before
    return values


def _traced(values: NDArray[np.uint8], row: int, col: int, side: int) -> Components:
    def strips() -> Iterator[Strip]:
        end = min(row + side, len(values))
        for top in range(row, end, _STRIP_ROWS):
            bottom, right = min(top + _STRIP_ROWS, end), min(col + side, values.shape[1])
            around = np.full((bottom - top + 2, right - col + 2), NO_IMAGE, dtype=np.uint8)
            first, last, left = max(0, top - 1), min(len(values), bottom + 1), max(0, col - 1)
            known = values[first:last, left : right + 1]
            around[first - top + 1 :, left - col + 1 :][: known.shape[0], : known.shape[1]] = known
            yield strip_of(around, threshold=_THRESHOLD, row=top, col=col)

    return Components.concatenate(trace(strips()))


def _by_rasterio(mask: NDArray[np.bool_]) -> NDArray[np.object_]:
    traced = rasterio.features.shapes(mask.view(np.uint8), mask=mask, connectivity=4)
    return np.array([shape(outline) for outline, _ in traced], dtype=object)


def _written(values: NDArray[np.uint8], folder: Path) -> Path:
    """Write a raster as ``segment`` does."""
    stage, finished = folder / "stage.tif", folder / "finished.tif"
    with rasterio.open(
        stage,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype="uint8",
        nodata=NO_IMAGE,
        crs="EPSG:2154",
        transform=Affine(0.2, 0, 700000, 0, -0.2, 6600000),
        tiled=True,
        blockxsize=512,
        blockysize=512,
    ) as file:
        file.update_tags(VIGIBATI_THRESHOLDS=json.dumps({"building": _THRESHOLD}))
        file.set_band_description(1, "building")
        file.write(values, 1)
    rasterio.shutil.copy(stage, finished, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512)
    return finished


def _timed(work: Callable[[], Any], runs: int) -> tuple[Any, float]:
    best = math.inf
    for _ in range(runs):
        begin = time.process_time()
        result = work()
        best = min(best, time.process_time() - begin)
    return result, best


def _same(found: Components, wanted: Components) -> bool:
    numbers = (
        (part.row, part.col, part.pixels, part.total, part.at_edge, shapely.to_wkb(part.outlines))
        for part in (found, wanted)
    )
    return all(np.array_equal(one, other) for one, other in zip(*numbers, strict=True))


def _difference(found: NDArray[np.object_], wanted: NDArray[np.object_]) -> float:
    """Return the area that is in one of the polygons and not in the other of the same place."""
    if len(found) != len(wanted):
        return math.inf
    ordered = []
    for outlines in (found, shapely.normalize(wanted)):
        # In normal form a polygon begins at its upper left corner, which no other has.
        corner = shapely.get_coordinates(shapely.get_point(shapely.get_exterior_ring(outlines), 0))
        ordered.append(outlines[np.lexsort(corner.T)])
    return float(shapely.area(shapely.symmetric_difference(*ordered)).sum())


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine()
    )


if __name__ == "__main__":
    main()
