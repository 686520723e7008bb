"""Writes benchmarks/results/demo.json from what ``make demo`` left in demo/."""

from __future__ import annotations

import json
from pathlib import Path

from vigibati.cadastre.provenance import read_provenance
from vigibati.planted import bench_planted

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "results" / "demo.json"


def main() -> None:
    """Collect what the demo wrote into one result file."""
    cases = ROOT / "demo" / "cases.gpkg"
    provenance = read_provenance(cases)
    kept = ("model", "segmentation", "comparison", "offsets", "energy", "versions")
    result = {
        "planted": bench_planted(cases, truth=ROOT / "demo" / "commune" / "truth.gpkg").as_dict(),
        "detect": {key: provenance[key] for key in kept},
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
