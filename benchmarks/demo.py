"""Keeps what ``make demo`` left in demo/: its figures, its quicklook, and its list as QGIS shows it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
from PIL import Image

from vigibati.benchmark.planted import bench_planted
from vigibati.cadastre.publishing.gpkg_metadata import read_provenance

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"
RESULT = ROOT / "benchmarks" / "results" / "demo.json"
IMAGES = ROOT / "docs" / "images"
_KEPT = ("model", "segmentation", "comparison", "offsets", "energy", "versions")
_SIDE_PX = 1200
# Metres around the case of rank 1 that the QGIS picture shows.
_AROUND_M = 110.0


def main() -> None:
    """Write benchmarks/results/demo.json, docs/images/quicklook.jpg and docs/images/qgis.png."""
    cases = DEMO / "cases.gpkg"
    provenance = read_provenance(cases)
    if provenance["segmentation"]["megapixels_now"] == 0:
        sys.exit(f"{cases}: took the probabilities of an earlier run; remove {DEMO.name}/ and make it anew")
    result = {
        "planted": bench_planted(cases, truth=DEMO / "commune" / "truth.gpkg").as_dict(),
        "detect": {key: provenance[key] for key in _KEPT},
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with Image.open(DEMO / "quicklook.png") as picture:
        picture.convert("RGB").resize((_SIDE_PX, _SIDE_PX)).save(IMAGES / "quicklook.jpg", quality=85)
    _qgis_picture(cases)


def _qgis_picture(cases: Path) -> None:

    first = gpd.read_file(cases, layer="cases").sort_values("rank").geometry.iloc[0].centroid
    extent = (
        first.x - _AROUND_M,
        first.y - _AROUND_M * 7 / 9,
        first.x + _AROUND_M,
        first.y + _AROUND_M * 7 / 9,
    )
    with TemporaryDirectory() as work:
        copy = Path(work) / "cases.gpkg"
        shutil.copy(cases, copy)
        script = ROOT / "tests" / "qgis" / "gpkg_check.py"
        command = ["/usr/bin/python3", script, copy, IMAGES / "qgis.png", DEMO / "commune" / "ortho.tif"]
        environment = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
        subprocess.run(  # noqa: S603  (our own script)
            [*command, ",".join(f"{value:.1f}" for value in extent)], check=True, env=environment
        )


if __name__ == "__main__":
    main()
