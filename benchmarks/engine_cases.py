"""Compares the lists of cases that torch and OpenVINO lead to on the same images and records.

Writes benchmarks/results/engine_cases.json. Example:
python -P benchmarks/engine_cases.py --scene demo ortho.tif batiments.json.gz
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd

from vigibati.configs.rules import load_rules
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.cases import make_cases
from vigibati.workflow.footprints import find_footprints, open_for
from vigibati.workflow.inputs import read_cadastral_inputs

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "engine_cases.json"


def main() -> None:
    """Run every scene on both engines and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--scene", nargs=3, action="append", metavar=("NAME", "ORTHO", "RECORDS"), required=True
    )
    scenes = {
        name: _compared(Path(ortho), Path(records)) for name, ortho, records in parser.parse_args().scene
    }
    RESULT.write_text(json.dumps(scenes, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(scenes, indent=2))


def _compared(ortho: Path, records: Path) -> dict[str, Any]:
    torch, openvino = (_cases(ortho, records, name) for name in ("cpu", "openvino"))
    both = torch.merge(openvino, on="case_id")
    return {
        "cases": len(torch),
        "only_by_torch": sorted(set(torch["case_id"]) - set(openvino["case_id"])),
        "only_by_openvino": sorted(set(openvino["case_id"]) - set(torch["case_id"])),
        "largest_difference_m2": float((both["area_m2_x"] - both["area_m2_y"]).abs().max()),
    }


def _cases(ortho: Path, records: Path, name: str) -> gpd.GeoDataFrame:
    image, model, crs = open_for([ortho], checkpoint=None)
    with image, TemporaryDirectory() as work:
        inputs = read_cadastral_inputs(records=records, parcels=None, crs=crs)
        settings = SegmentSettings(device=name)
        found = find_footprints(image, model, Path(work) / "p.tif", crs=crs, settings=settings)
    return make_cases(found.table, inputs, rules=load_rules(), lang="en", imaged=found.imaged).cases


if __name__ == "__main__":
    main()
