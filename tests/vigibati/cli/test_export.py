from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import rasterio

Vigibati = Callable[..., Any]


@pytest.fixture(scope="module")
def picture(write_ortho: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "ortho.tif"
    return write_ortho(path, (60, 50, 60, 50), (16, 150, 90, 40), width=256, height=256)


def test_the_exported_model_finds_the_same_pixels(
    vigibati: Vigibati, checkpoint: Path, picture: Path, tmp_path: Path
) -> None:
    onnx, probabilities = tmp_path / "made" / "model.onnx", tmp_path / "probabilities.tif"
    ran = vigibati("export", "--onnx", onnx, "--checkpoint", checkpoint, "--tile-px", 256, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert ran.err == ""
    assert report["max_difference"] < 1e-3
    assert (report["onnx"], report["stac"]) == (str(onnx), str(onnx.with_suffix(".stac.json")))
    assert json.loads(report["metadata"]["tiles_overlap"]) == 25
    assert sorted(path.name for path in onnx.parent.iterdir()) == ["model.onnx", "model.stac.json"]

    assert (
        vigibati("segment", picture, "--checkpoint", checkpoint, "--out", probabilities, "--quiet").code == 0
    )
    with rasterio.open(probabilities) as raster, rasterio.open(picture) as ortho:
        wanted, pixels = raster.read(1), ortho.read().astype(np.float32)[None] / 255
    session = onnxruntime.InferenceSession(str(onnx), providers=["CPUExecutionProvider"])
    (planes,) = session.run(None, {"pixels": pixels})
    inner = np.s_[32:-32, 32:-32]
    np.testing.assert_allclose(planes[0, 1][inner], wanted[inner] / 254, atol=0.6 / 254)
    assert 1000 < np.count_nonzero(planes[0].argmax(axis=0)) < 20_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--onnx", "model.onnx", "--tile-px", "100"), "tile_px: 100 does not fit"),
        (("--onnx", "model.bin"), "model.bin: does not end in .onnx"),
        (("--onnx", "model.onnx", "--checkpoint", "nowhere"), "nowhere: does not exist"),
    ],
)
def test_bad_input_is_one_line(
    vigibati: Vigibati,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = () if "--checkpoint" in arguments else ("--checkpoint", checkpoint)
    ran = vigibati("export", *arguments, *given)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"vigibati: {message}")
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
