"""The cheap steps, `vectorise` and `compare`, run in an installation without the extra ``[model]``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio

from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE

# What the extra installs, the parts of it that are imported under another name included.
REFUSED = (
    "lightning",
    "matplotlib",
    "safetensors",
    "segmentation_models_pytorch",
    "tensorboardX",
    "timm",
    "torch",
    "torchmetrics",
    "torchvision",
)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bare(tmp_path: Path) -> Run:
    """The command line where these packages cannot be imported."""
    shadows = tmp_path / "shadows"
    shadows.mkdir()
    for name in REFUSED:
        (shadows / f"{name}.py").write_text(f"raise ImportError('{name} is refused')\n", encoding="utf-8")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        code = "from vigibati.cli.app import main; main()"
        return subprocess.run(
            [sys.executable, "-P", "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(shadows), "OMP_NUM_THREADS": "1"},
            check=False,
            capture_output=True,
            text=True,
        )

    return run


@pytest.fixture
def probabilities(scene: Any, tmp_path: Path) -> Path:
    """The raster of a network that is sure of what is bright."""
    with rasterio.open(scene.ortho) as ortho:
        bright, grid = ortho.read(1) > 100, ortho.profile
    profile = {"dtype": "uint8", "count": 1, "nodata": NO_IMAGE}
    profile |= {key: grid[key] for key in ("width", "height", "crs", "transform")}
    path = tmp_path / "probabilities.tif"
    with rasterio.open(path, "w", driver="GTiff", **profile) as raster:
        raster.write(np.where(bright, PROBABILITY_SCALE, 0).astype(np.uint8), 1)
        raster.set_band_description(1, "building")
        raster.update_tags(VIGIBATI_THRESHOLDS=json.dumps({"building": 0.5}))
    return path


def test_torch_is_really_refused(bare: Run, scene: Any, tmp_path: Path) -> None:
    ran = bare("segment", scene.ortho, "--out", tmp_path / "p.tif")
    assert ran.returncode != 0
    assert not (tmp_path / "p.tif").exists()


def test_footprints_and_cases_need_no_torch(
    bare: Run, scene: Any, probabilities: Path, tmp_path: Path
) -> None:
    footprints, cases = tmp_path / "footprints.gpkg", tmp_path / "cases.gpkg"
    ran = bare("vectorise", probabilities, "--threshold", "0.6", "--out", footprints, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["footprints"] == 3
    ran = bare("compare", footprints, *scene.cadastre, "--out", cases, "--quiet")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert sorted(gpd.read_file(cases, layer="cases")["kind"]) == ["new_building", "not_seen"]
