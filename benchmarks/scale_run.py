"""Outlines a mosaic of gigapixels and watches the memory: does it grow with the height of the image?

A mosaic of the same width is run at two heights with the near-free network of benchmarks/peers, in a
process of its own, and a small one with the shipped network. Writes benchmarks/results/scale_run.json. Tiles
are made when they are missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = ROOT / "benchmarks" / "peers"
RESULT: Final = ROOT / "benchmarks" / "results" / "scale_run.json"
_TASK: Final = {"threshold": 0.5, "min_area_m2": 4.0}
# A minute with the shipped network.
_SHIPPED_PX: Final = (10_000, 5_000)
# What only the peers read.
_UNUSED: Final = {"window_px": 0, "overlap_px": 0, "batch": 0}
# Of the raster that tiles are cut from, as peers/run.py makes it.
_SIDE_PX: Final = 8192
_SAMPLE_S: Final = 0.5
# So many points of a memory curve are kept.
_KEPT: Final = 200


def main() -> None:
    """Make the mosaics, run both heights, write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=ROOT / "runs" / "peers", help="folder of peers/run.py")
    parser.add_argument("--width-px", type=int, default=25_000)
    parser.add_argument("--tile-px", type=int, default=10_000)
    parser.add_argument("--heights", type=int, nargs="+", default=[1, 8], help="in rows of tiles")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    work = given.work.resolve()
    environment = os.environ | {"PYTHONPATH": str(PEERS)}
    prepare = [sys.executable, "-P", str(PEERS / "prepare.py"), str(work), str(_SIDE_PX)]
    subprocess.run(prepare, check=True, env=environment)  # noqa: S603 - our own script
    runs = []
    for height in given.heights:
        folder = _mosaic(work, given.width_px, given.tile_px, height)
        megapixels = given.width_px * given.tile_px * height / 1e6
        runs.append(_watched(folder, "near-free", environment, megapixels) | {"rows_of_tiles": height})
        print(
            json.dumps({key: value for key, value in runs[-1].items() if key not in {"curve", "ledger"}}),
            flush=True,
        )
    width, tile = _SHIPPED_PX
    small = _mosaic(work, width, tile, 1)
    result = {
        "width_px": given.width_px,
        "tile_px": given.tile_px,
        "cores": len(os.sched_getaffinity(0)),
        "peak_grows_by": round(runs[-1]["peak_mib"] / runs[0]["peak_mib"] - 1, 4),
        "runs": runs,
        "shipped": _watched(small, "shipped", environment, width * tile / 1e6),
    }
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _mosaic(work: Path, width: int, tile: int, rows: int) -> Path:
    """Return a folder with tiles of the near-free raster, each cut from another place of it."""
    folder = work / f"mosaic-{width}-{tile}x{rows}"
    folder.mkdir(exist_ok=True)
    with rasterio.open(work / f"near-free-{_SIDE_PX}.tif") as dataset:
        pixels, place, crs = dataset.read(), dataset.transform, dataset.crs
    for row in range(rows):
        for col in range(0, width, tile):
            path = folder / f"{row:02}-{col:06}.tif"
            if not path.is_file():
                part = _repeated(pixels, 1999 * row, col + 3001 * row, (tile, min(tile, width - col)))
                _write_tile(path, part, place * Affine.translation(col, row * tile), crs)
    return folder


def _repeated(pixels: NDArray[np.uint8], row: int, col: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
    rows, columns = (
        (start + np.arange(length)) % size
        for start, length, size in zip((row, col), shape, pixels.shape[1:], strict=True)
    )
    return pixels[:, rows[:, None], columns[None, :]]


def _write_tile(path: Path, pixels: NDArray[np.uint8], transform: Affine, crs: Any) -> None:  # noqa: ANN401 - rasterio has no types
    part = path.with_suffix(".part")
    options = {"compress": "jpeg", "quality": 90, "blocksize": 512, "overviews": "none"}
    size = {"count": 3, "height": pixels.shape[1], "width": pixels.shape[2], "dtype": "uint8"}
    with rasterio.open(part, "w", driver="COG", crs=crs, transform=transform, **size, **options) as target:
        target.write(pixels)
    part.replace(path)


def _watched(folder: Path, model: str, environment: dict[str, str], megapixels: float) -> dict[str, Any]:
    """Run VigiBâti on a folder of tiles and sample its memory."""
    out, report = folder.with_suffix(".gpkg"), folder.with_suffix(".json")
    paths = {"raster": folder, "models": folder.parent, "out": out, "report": report}
    task = json.dumps({key: str(path) for key, path in paths.items()} | {"model": model} | _TASK | _UNUSED)
    begin, curve = time.perf_counter(), []
    command = [sys.executable, "-P", str(PEERS / "ours_in_units.py"), task]
    with subprocess.Popen(command, env=environment) as process:  # noqa: S603 - our own script
        while process.poll() is None:
            curve.append((round(time.perf_counter() - begin, 1), _resident_mib(process.pid)))
            time.sleep(_SAMPLE_S)
    if process.returncode:
        sys.exit(f"{folder}: ours_in_units.py ended with {process.returncode}")
    told = json.loads(report.read_text(encoding="utf-8"))
    step = max(1, len(curve) // _KEPT)
    return told | {
        "megapixels": megapixels,
        "mpx_per_s": round(megapixels / told["seconds"], 2),
        "curve": curve[::step],
    }


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    found = re.search(r"^VmRSS:\s*(\d+) kB", status, re.MULTILINE)
    # A process that has just ended has no memory left.
    return round(int(found[1]) / 1024, 1) if found else 0.0


if __name__ == "__main__":
    main()
