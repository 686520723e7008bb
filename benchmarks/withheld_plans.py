"""Measures the comparison without an image: known buildings withheld, cut and demolished on real plans.

Writes benchmarks/results/withheld_plans.json. Example, one place in a minute:
python -P benchmarks/withheld_plans.py --data DATA --place cornillon --seed 1 --out /tmp/plans.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import shapely

from vigibati.benchmark.plan_case import plan_settings
from vigibati.benchmark.plan_comparison import bench_plan

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "withheld_plans.json"
PLACES = {
    "cornillon": "edigeo/edigeo-13029*",
    "luxiol": "edigeo/edigeo-25354*",
    "town": "bdtopo/batiment.geojson.gz",
    "dense": "inspire/cons.gpkg",
}
QUALITIES = ("perfect", "realistic")
SHIFTS_M = (0.0, 1.0, 2.0, 3.0)
SEEDS = (1, 2, 3)


def main() -> None:
    """Run every place with both detections and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the reference data")
    parser.add_argument("--place", choices=PLACES, action="append", help="this one alone; may be repeated")
    parser.add_argument("--detections", choices=QUALITIES, action="append", help="likewise")
    parser.add_argument("--shift-m", type=float, action="append", help="likewise")
    parser.add_argument("--seed", type=int, action="append", help="likewise")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    shifts_m, seeds = tuple(given.shift_m or SHIFTS_M), tuple(given.seed or SEEDS)
    places: dict[str, dict[str, Any]] = {}
    for place in given.place or PLACES:
        with _records(given.data / "cadastre", PLACES[place]) as records:
            for quality in given.detections or QUALITIES:
                settings = plan_settings(quality, shifts_m=shifts_m, seeds=seeds)
                result = bench_plan(records, settings=settings)
                # The parts of the sum are left to `vigibati bench withheld`: the file stays small.
                for run in result["runs"]:
                    del run["recall"], run["false_cases"]
                places.setdefault(place, {})[quality] = result
                print(place, quality, json.dumps(_headline(result["total"])), flush=True)
    machine = {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "geos": shapely.geos_version_string,
    }
    given.out.write_text(
        json.dumps({"machine": machine, "places": places}, indent=1) + "\n", encoding="utf-8"
    )


@contextmanager
def _records(folder: Path, pattern: str) -> Iterator[Path]:
    """Give one path that holds all the files of a place."""
    files = sorted(folder.glob(pattern))
    if len(files) == 1:
        yield files[0]
        return
    with tempfile.TemporaryDirectory() as together:
        for file in files:
            (Path(together) / file.name).symlink_to(file.resolve())
        yield Path(together)


def _headline(total: dict[str, Any]) -> dict[str, Any]:
    shown = {name: total["residual"][name] for name in ("median_m", "p95_m", "max_m", "share_over_1_m")}
    for line in total["recall"]:
        if line["measure"] in {"withheld", "extension", "demolished"}:
            shown[f"{line['measure']} {line['band']}"] = f"{line['found']}/{line['count']}"
    return shown | {"own_false_per_100_records": total["own_false_per_100_records"], "cpu_s": total["cpu_s"]}


if __name__ == "__main__":
    main()
