from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.inference.model.checkpoint import save_checkpoint
from vigibati.inference.model.network import build_network


@pytest.fixture
def architectures(root: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("architectures", root / "benchmarks" / "architectures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "_WINDOW_PX", 64)
    monkeypatch.setattr(module, "_REPEATS", 1)
    return module


@pytest.fixture
def result(contract: Callable[..., ModelContract], tmp_path: Path) -> dict[str, Any]:
    network: dict[str, Any] = {
        "architecture": "unet",
        "encoder": "mobilenet_v2",
        "decoder_channels": (4,) * 5,
    }
    built = build_network(**network, bands=3, classes=1)
    made = save_checkpoint(built, contract(**network), tmp_path / "runs" / "tiny_none" / "checkpoint")
    row = {"run": "tiny_none", "weights_sha256": made.contract.weights_sha256, "mpx_per_s": -1.0}
    return {"steps": 150, "device": "none", "cores": 0, "window_px": 64, "networks": [row]}


def told(module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    out = folder / "out.json"
    given = ["--runs", str(folder / "runs"), "--out", str(out), *words]
    monkeypatch.setattr(sys, "argv", ["architectures.py", *given])
    module.main()
    return json.loads(out.read_text(encoding="utf-8"))


def test_only_the_speed_is_measured_again(
    architectures: ModuleType, result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.json").write_text(json.dumps(result), encoding="utf-8")
    again = told(architectures, tmp_path, monkeypatch, "--speed-only")
    assert again["networks"][0].pop("mpx_per_s") > 0
    assert (again.pop("device"), again.pop("cores") > 0) == ("cpu", True)
    del result["networks"][0]["mpx_per_s"], result["device"], result["cores"]
    assert again == result


def test_each_start_has_its_row(
    architectures: ModuleType, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ImageNet's weights of one encoder are there, those of the other are not."""
    ran: list[tuple[str, int]] = []

    def train(recipe: Recipe, _chips: object, folder: Path, **_hardware: object) -> str:
        if (recipe.encoder, recipe.weights) == ("resnet34", "imagenet"):
            raise SettingsError("weights", "cannot be had", "say none")
        ran.append((folder.name, recipe.epochs * recipe.steps_per_epoch * recipe.batch_size))
        return folder.name

    monkeypatch.setattr(architectures, "train", train)
    monkeypatch.setattr(
        architectures, "_measured", lambda recipe, made, *_: (recipe.name, recipe.weights, made)
    )
    paths = [root / "configs" / "recipes" / f"{name}.yaml" for name in ("light", "strong")]
    rows = list(architectures._compared(paths, [], tmp_path, 50, torch.device("cpu")))
    assert rows == [
        ("light", "imagenet", "light_imagenet_50"),
        ("strong", "none", "strong_none_50"),
        ("light", "none", "light_none_50"),
    ]
    assert ran == [(row[2], 400) for row in rows]


def test_other_weights_are_not_timed(
    architectures: ModuleType, result: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result["networks"][0]["weights_sha256"] = "a" * 64
    (tmp_path / "out.json").write_text(json.dumps(result), encoding="utf-8")
    with pytest.raises(SettingsError, match="has other weights than the result; train it anew"):
        told(architectures, tmp_path, monkeypatch, "--speed-only")
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8")) == result


@pytest.mark.parametrize("words", [(), ("--data", "c.csv"), ("r.yaml", "--data", "c.csv", "--steps", "30")])
def test_what_is_missing_is_asked_for(
    architectures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit):
        told(architectures, tmp_path, monkeypatch, *words)
