"""What a list of cases rests on: the document that travels in its file."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from vigibati.cadastre.repair import Repairs
from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.contract import ModelContract
from vigibati.configs.rules import ComparisonRules
from vigibati.detection.report import DetectReport

_LIBRARIES = ("torch", "segmentation-models-pytorch", "rasterio", "geopandas", "shapely", "pyogrio", "numpy")


def origin_of(
    report: DetectReport,
    *,
    files: Sequence[Path],
    model: ModelContract,
    rules: ComparisonRules,
    repairs: Repairs,
    command: Sequence[str],
) -> dict[str, object]:
    """Return the provenance of a run, JSON-ready.

    Args:
        report: What it made.
        files: All that it read; of a folder, the files in it.
        model: That looked at the image.
        rules: Thresholds that it went by.
        repairs: What was mended in the records.
        command: What was typed.
    """
    return {
        "run_id": report.run_id,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": list(command),
        "inputs": _fingerprints(files),
        "model": model.model_dump(mode="json"),
        "rules": rules.model_dump(mode="json"),
        "versions": _versions(),
        "repairs": asdict(repairs),
        "segmentation": asdict(report.segmentation),
        "vintages": {str(year): asdict(each) for year, each in report.vintages.items()},
        "comparison": asdict(report.comparison),
        "budget": asdict(report.budget),
        "offsets": json.loads(report.offsets.drop(columns="geometry").to_json(orient="records")),
        "adaptation": None if report.adaptation is None else report.adaptation.figures(),
        "energy": None if report.energy is None else asdict(report.energy),
    }


def _fingerprints(paths: Sequence[Path]) -> list[dict[str, str]]:
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return [{"file": file.name, "sha256": sha256_file(file)} for file in files if file.is_file()]


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in _LIBRARIES}
    return {"vigibati": version("vigibati"), "python": platform.python_version(), **libraries}
