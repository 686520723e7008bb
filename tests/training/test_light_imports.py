"""Training on chips starts on a machine that has neither GDAL nor geopandas."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip

REFUSED = ("fiona", "geopandas", "osgeo", "pyarrow", "pyogrio", "pyproj", "rasterio", "shapely")


@pytest.fixture
def bare(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python where these packages cannot be imported, in its helper processes neither."""
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    for name in REFUSED:
        (shadows / f"{name}.py").write_text(f"raise ImportError('{name} is refused')\n", encoding="utf-8")

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # A meter of electricity would only take time here.
        (shadows / "codecarbon.py").write_text("raise ImportError\n", encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            env={**os.environ, "PYTHONPATH": str(shadows), "OMP_NUM_THREADS": "1"},
            check=False,
            capture_output=True,
            text=True,
        )

    return run


def test_the_packages_are_really_refused(bare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ran = bare("import vigibati.datasets.orthophoto.safe_open")
    assert ran.returncode == 1
    assert "rasterio is refused" in ran.stderr


def test_the_help_of_train_needs_none_of_them(bare: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ran = bare("from vigibati.cli.app import main; main()", "train", "--help")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "--config" in ran.stdout


def test_a_training_needs_none_of_them(
    bare: Callable[..., subprocess.CompletedProcess[str]],
    recipe: Callable[..., Recipe],
    chips: list[Chip],
    tmp_path: Path,
) -> None:
    config, data, run = tmp_path / "tiny.yaml", tmp_path / "chips.csv", tmp_path / "run"
    config.write_text(yaml.safe_dump(json.loads(recipe(epochs=1).model_dump_json())), encoding="utf-8")
    rows = [(chip.image, chip.mask, chip.source, chip.split, chip.gsd_m) for chip in chips]
    with data.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("path", "mask", "source", "split", "gsd_m"), *rows])
    options = ("--config", config, "--data", data, "--out", run, "--device", "cpu", "--workers", "1")
    ran = bare("from vigibati.cli.app import main; main()", "train", *map(str, options), "--quiet")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (run / "checkpoint" / "model.safetensors").is_file()
