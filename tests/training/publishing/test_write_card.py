"""The verbs `calibrate` and `evaluate`, one after the other, as a data scientist calls them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from vigibati.cli.app import main
from vigibati.configs.contract import ModelContract
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.inference.model.checkpoint import load_checkpoint, save_checkpoint
from vigibati.inference.model.network import build_network

PLACES = ((8, 12, 20, 24), (36, 6, 22, 20))


@pytest.fixture
def folder(recipe: Callable[..., Recipe], contract: Callable[..., ModelContract], tmp_path: Path) -> Path:
    """A real checkpoint with the weights that it was born with."""
    used = recipe()
    torch.manual_seed(3)
    network = build_network(
        architecture=used.architecture,
        encoder=used.encoder,
        decoder_channels=used.decoder_channels,
        bands=3,
        classes=2,
    )
    kept = {"architecture", "encoder", "decoder_channels", "class_names", "gsd_m", "margin_px", "mean", "std"}
    made = contract(thresholds=(0.5, 0.5), **used.model_dump(include=kept))
    return save_checkpoint(network, made, tmp_path / "model").folder


def told(
    words: tuple[object, ...], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Any:
    monkeypatch.setattr(sys, "argv", ["vigibati", *map(str, words), "--device", "cpu", "--json"])
    with pytest.raises(SystemExit) as exit_:
        main()
    out, err = capfd.readouterr()
    assert (exit_.value.code or 0, err) == (0, "")
    return json.loads(out, parse_constant=pytest.fail)


def test_calibrate_then_evaluate(
    folder: Path,
    recipe: Callable[..., Recipe],
    chip: Callable[..., Chip],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    classes = tuple((number, *place) for number, place in enumerate(PLACES, start=1))
    chips = [
        chip(source, "val", bright=PLACES, classes=classes)
        for source in ("barnarp", "synthetic")
        for _ in range(6)
    ]
    data, config = tmp_path / "chips.csv", tmp_path / "tiny.yaml"
    with data.open("w", encoding="utf-8", newline="") as handle:
        rows = [(each.image, each.mask, each.source, each.split, each.gsd_m) for each in chips]
        csv.writer(handle).writerows([("path", "mask", "source", "split", "gsd_m"), *rows])
    config.write_text(yaml.safe_dump(json.loads(recipe().model_dump_json())), encoding="utf-8")
    given = ("--checkpoint", folder, "--config", config, "--data", data)
    weights = (folder / "model.safetensors").read_bytes()

    fit = told(("calibrate", *given), monkeypatch, capfd)
    assert (folder / "model.safetensors").read_bytes() == weights
    calibrations = load_checkpoint(folder).contract.calibrations
    assert calibrations is not None
    temperatures = [fit["classes"][name]["temperature"] for name in ("building", "pool")]
    assert [each.temperature for each in calibrations] == temperatures

    evaluation = told(("evaluate", *given), monkeypatch, capfd)
    assert evaluation == json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluation["calibration"]["fit"] == fit
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| building | barnarp, synthetic | {fit['classes']['building']['chips']} |" in card
    for name in ("reliability.png", "precision_recall.png"):
        assert f"]({name})" in card
        with Image.open(folder / name) as picture:
            shades = np.asarray(picture.convert("L"))
        assert min(shades.shape) > 300
        assert 0.5 < (shades > 250).mean() < 0.99
    assert sorted(path.name for path in folder.iterdir()) == [
        "MODEL_CARD.md",
        "calibration.json",
        "contract.json",
        "evaluation.json",
        "model.safetensors",
        "precision_recall.png",
        "reliability.png",
    ]
    # Lists of numbers stand on one line.
    assert '"threshold": [0.05, 0.1, 0.15,' in (folder / "evaluation.json").read_text(encoding="utf-8")
