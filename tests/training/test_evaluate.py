from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vigibati.configs.contract import Calibration, ModelContract
from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256
from vigibati.inference.model.checkpoint import Checkpoint, save_checkpoint
from vigibati.inference.model.network import build_network
from vigibati.training.evaluate import evaluate
from vigibati.training.metrics.predictions import calibrates

Recipes = Callable[..., Recipe]
_OF_THE_RECIPE = {
    "architecture",
    "encoder",
    "decoder_channels",
    "class_names",
    "gsd_m",
    "margin_px",
    "mean",
    "std",
}


@pytest.fixture
def seeing(
    recipe: Recipes,
    contract: Callable[..., ModelContract],
    pass_brightness: Callable[[nn.Module], dict[str, Tensor]],
    tmp_path: Path,
) -> Callable[..., Checkpoint]:
    """Maker of a checkpoint that takes bright pixels for buildings and nothing for a pool."""
    used = recipe()
    network = build_network(
        architecture=used.architecture,
        encoder=used.encoder,
        decoder_channels=used.decoder_channels,
        bands=3,
        classes=2,
    )
    weights = pass_brightness(network)
    weights["segmentation_head.0.weight"][0, 0, 1, 1] = 1
    # The brightness of 210 is about 1.7 deviations above the mean: a logit of 0.7, a probability of 0.67.
    weights["segmentation_head.0.bias"][:] = torch.tensor([-1.0, -9.0])

    def make(**changes: Any) -> Checkpoint:
        values = used.model_dump(include=_OF_THE_RECIPE) | {"thresholds": (0.5, 0.5)}
        return save_checkpoint(network, contract(**{**values, **changes}), tmp_path / "model")

    return make


@pytest.fixture
def worked(chip: Callable[..., Chip]) -> list[Chip]:
    """One building seen, one missed, one made up; one pool missed. A pixel is a quarter of a square metre."""
    seen, missed, made_up = (4, 4, 20, 20), (4, 40, 20, 10), (40, 40, 10, 10)
    return [
        chip("barnarp", "val", bright=(seen, made_up), classes=((1, *seen), (1, *missed))),
        chip("synthetic", "val", bright=(seen,), classes=((1, *seen), (2, *made_up))),
        chip("synthetic", "train", bright=(made_up,), classes=()),
        chip("elsewhere", "val", bright=(made_up,), classes=()),
    ]


def test_a_worked_example(seeing: Callable[..., Checkpoint], worked: list[Chip], recipe: Recipes) -> None:
    model = seeing()
    result: Any = evaluate(model, recipe(), worked)
    assert result["weights_sha256"] == model.contract.weights_sha256
    assert result["data_sha256"] == manifest_sha256(worked[:2])
    assert (result["split"], result["thresholds"]) == ("val", {"building": 0.5, "pool": 0.5})
    assert {name: (of["chips"], list(of["classes"])) for name, of in result["sources"].items()} == {
        "barnarp": (1, ["building"]),
        "synthetic": (1, ["building", "pool"]),
    }
    figures = result["sources"]["barnarp"]["classes"]["building"]
    assert figures["pixels"] == {
        "iou_ci": None,
        "f1_ci": None,
        "iou": round(400 / 700, 4),
        "precision": 0.8,
        "recall": round(400 / 600, 4),
        "f1": round(800 / 1100, 4),
        "false_positive_share": round(100 / (64 * 64 - 600), 4),
    }
    objects = {name: figures["objects"][name] for name in ("truth", "found", "recall", "precision", "f1")}
    assert objects == {"truth": 2, "found": 2, "recall": 0.5, "precision": 0.5, "f1": 0.5}
    # Of the objects seen and true there is one; at 0.5 m the strip of 0.6 m is a pixel wide.
    assert figures["boundary"]["iou"] == round(76 / (76 + 56 + 36), 4)
    assert (figures["outlines"]["count"], figures["outlines"]["polis_m"]) == (1, 0)
    perfect, pool = (result["sources"]["synthetic"]["classes"][name] for name in ("building", "pool"))
    assert perfect["pixels"]["iou"] == perfect["objects"]["f1"] == 1
    assert (pool["pixels"]["recall"], pool["pixels"]["precision"]) == (0, None)
    assert (pool["objects"]["truth"], pool["objects"]["found"]) == (1, 0)


def test_the_threshold_of_the_contract_decides(
    seeing: Callable[..., Checkpoint], worked: list[Chip], recipe: Recipes
) -> None:
    result: Any = evaluate(seeing(thresholds=(0.8, 0.5)), recipe(), worked)
    assert result["sources"]["barnarp"]["classes"]["building"]["objects"]["found"] == 0


def test_every_half_is_judged_by_what_never_saw_it(
    seeing: Callable[..., Checkpoint], chip: Callable[..., Chip], recipe: Recipes
) -> None:
    seen = (4, 4, 20, 20)
    chips = [chip("barnarp", "val", bright=(seen,), classes=((1, *seen),)) for _ in range(12)]
    held_out = sum(not calibrates(each) for each in chips)
    assert 0 < held_out < 12
    plain: Any = evaluate(seeing(), recipe(), chips)
    assert (plain["calibration"]["calibrated"], plain["calibration"]["fit"]) == (False, None)
    assert list(plain["calibration"]["groups"]) == ["real", "barnarp"]
    figures = plain["calibration"]["groups"]["real"]["building"]
    # Where nothing was fitted, nothing was seen.
    assert (figures["chips"], figures["objects"]["count"]) == (12, 12)
    # All of them are there, and the network gives each the same probability.
    ((count, probability, real),) = figures["objects"]["bins_before"]
    assert (count, real) == (12, 1)
    assert probability == pytest.approx(0.67, abs=0.02)
    assert (figures["objects"]["ece_before"], figures["objects"]["ece"]) == (round(1 - probability, 4), None)
    assert figures["pixels"]["count"] == 12 * 64 * 64

    # What was fitted on the first half judges the other one; without a second fit nothing judges the first.
    sharp = Calibration(temperature=0.5, object_slope=2, object_offset=1)
    calibrated: Any = evaluate(seeing(calibrations=(sharp, sharp)), recipe(), chips)
    figures = calibrated["calibration"]["groups"]["real"]["building"]
    logit = np.log(probability / (1 - probability))
    ((count, after, _),) = figures["objects"]["bins"]
    assert (figures["chips"], figures["objects"]["count"], count) == (held_out,) * 3
    by_shipped = 1 / (1 + np.exp(-(2 * 2 * logit + 1)))
    assert after == pytest.approx(by_shipped, abs=1e-3)
    assert figures["objects"]["ece_before"] == round(1 - probability, 4)
    # At a threshold of one half a temperature moves no edge.
    for what in ("pixels", "objects", "outlines"):
        one, other = (each["sources"]["barnarp"]["classes"]["building"][what] for each in (plain, calibrated))
        assert one == other

    # With one, each half is judged by the fit on the other.
    blunt = {"temperature": 2.0, "object_slope": 1.0, "object_offset": 0.5}
    model = seeing(calibrations=(sharp, sharp))
    record = {"weights_sha256": model.contract.weights_sha256, "other_half": {"classes": {"building": blunt}}}
    (model.folder / "calibration.json").write_text(json.dumps(record), encoding="utf-8")
    crosswise: Any = evaluate(model, recipe(), chips)
    figures = crosswise["calibration"]["groups"]["real"]["building"]
    by_other = 1 / (1 + np.exp(-(logit / 2 + 0.5)))
    first, second = figures["objects"]["halves"]
    assert (first["count"], second["count"]) == (12 - held_out, held_out)
    assert first["ece"] == pytest.approx(1 - by_other, abs=1e-3)
    assert second["ece"] == pytest.approx(1 - by_shipped, abs=1e-3)
    assert figures["pixels"]["halves"][0]["count"] == (12 - held_out) * 64 * 64
    # The product's own probabilities are those of the contract alone.
    assert crosswise["sources"] == calibrated["sources"]


def test_precision_and_recall_by_threshold(
    seeing: Callable[..., Checkpoint], worked: list[Chip], recipe: Recipes
) -> None:
    result: Any = evaluate(seeing(), recipe(), worked)
    curve = result["sources"]["barnarp"]["classes"]["building"]["by_threshold"]
    at = dict(zip(curve["threshold"], zip(curve["precision"], curve["recall"], strict=True), strict=True))
    assert list(at) == pytest.approx(np.arange(0.05, 1, 0.05))
    assert at[0.05] == (round(600 / 4096, 4), 1)
    assert at[0.5] == at[0.65] == (0.8, round(400 / 600, 4))
    assert at[0.7] == (None, 0)


def test_another_ground_size_gives_the_same_figures(
    seeing: Callable[..., Checkpoint], chip: Callable[..., Chip], recipe: Recipes
) -> None:
    """A chip of half the pixel size is brought to that of the recipe, mask and all."""
    big = (8, 8, 40, 32)
    made = chip("barnarp", "val", bright=(big,), classes=((1, *big),))
    finer = Chip(made.image, made.mask, made.source, made.split, made.gsd_m / 2)
    result: Any = evaluate(seeing(), recipe(), [finer])
    figures = result["sources"]["barnarp"]["classes"]["building"]
    assert figures["objects"]["bands"][-1]["truth"] == 1
    # Resampling rounds the corners off.
    assert figures["pixels"]["iou"] == pytest.approx(1, abs=0.02)


def test_what_does_not_belong_together_is_refused(
    seeing: Callable[..., Checkpoint], worked: list[Chip], recipe: Recipes
) -> None:
    model = seeing()
    for changes, names in (
        ({"decoder_channels": (8,) * 5}, "decoder_channels"),
        ({"encoder": "resnet18", "gsd_m": 0.2}, "encoder, gsd_m"),
    ):
        with pytest.raises(SettingsError, match=f"recipe 'tiny': its {names} differ from the contract's"):
            evaluate(model, recipe(**changes), worked)
    with pytest.raises(SettingsError, match="no validation chip of its sources"):
        evaluate(model, recipe(), worked[2:])
