from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from typer.testing import CliRunner

from vigibati.cli.app import app


def _write(path: Path, crs: str | None = "EPSG:2154") -> Path:
    profile = {"driver": "GTiff", "count": 3, "height": 70, "width": 80, "dtype": "uint8", "crs": crs}
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", transform=Affine(0.2, 0, 7e5, 0, -0.2, 66e5), **profile) as file:
        file.write(np.random.default_rng(1).integers(1, 250, (3, 70, 80), dtype=np.uint8))
    return path


def test_prepare_plans_writes_and_keeps(tmp_path: Path) -> None:
    for name in ("a.tif", "b.tif"):
        _write(tmp_path / "in" / name)
    words = ["prepare", str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    planned = CliRunner().invoke(app, [*words, "--dry-run", "--quality", "80"])
    assert planned.exit_code == 0
    report = json.loads(planned.stdout)
    assert (report["planned"], len(report["tiles"]), report["tiles"][0]["megapixels"]) == (2, 2, 0.0056)
    done = CliRunner().invoke(app, [*words, "--lossless", "--workers", "1"])
    assert (done.exit_code, json.loads(done.stdout)["written"], json.loads(done.stdout)["tiles"]) == (
        0,
        2,
        [],
    )
    again = CliRunner().invoke(app, [*words, "--lossless", "--json"])
    assert (json.loads(again.stdout)["kept"], len(json.loads(again.stdout)["tiles"])) == (2, 2)
    quiet = CliRunner().invoke(app, [*words, "--lossless", "--quiet"])
    assert (quiet.exit_code, quiet.output) == (0, "")


def test_prepare_is_partial_when_a_tile_fails(tmp_path: Path) -> None:
    path = _write(tmp_path / "in" / "a.tif", crs=None)
    result = CliRunner().invoke(app, ["prepare", str(path), "--out", str(tmp_path / "out"), "--json"])
    assert result.exit_code == 3
    assert "vigibati: tiles could not be prepared: " in result.stderr
    assert json.loads(result.stdout)["failed"][0].endswith("say which with --crs EPSG:2154")
