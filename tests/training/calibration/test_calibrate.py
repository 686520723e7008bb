from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import InputError, SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.training.calibration.calibrate import calibrate, fit_of_other_half, read_fit
from vigibati.training.metrics.predictions import calibrates

PLACE = (8, 12, 20, 24)


class Brightness(nn.Module):
    """Bright pixels have the logit 3 for a building, dark ones -3; there is never a pool."""

    def forward(self, pixels: Tensor) -> Tensor:
        building = torch.where(pixels.mean(dim=1, keepdim=True) > 0, 3.0, -3.0)
        return torch.cat([building, building * 0 - 5], dim=1)


@pytest.fixture
def checkpoint(
    recipe: Callable[..., Recipe], contract: Callable[..., ModelContract], tmp_path: Path
) -> Checkpoint:
    used, folder = recipe(), tmp_path / "model"
    kept = {"architecture", "encoder", "decoder_channels", "class_names", "gsd_m", "margin_px", "mean", "std"}
    made = contract(weights_sha256="b" * 64, thresholds=(0.5, 0.5), **used.model_dump(include=kept))
    folder.mkdir()
    (folder / "contract.json").write_text(made.model_dump_json(), encoding="utf-8")
    return Checkpoint(folder, made, Brightness())


@pytest.fixture
def halves(chip: Callable[..., Chip]) -> list[Chip]:
    """In three of four chips of "barnarp" the bright place is a building, in those of "synthetic" always."""
    real = [
        chip("barnarp", "val", bright=(PLACE,), classes=((1, *PLACE),) if number % 4 else ())
        for number in range(16)
    ]
    return [*real, *(chip("synthetic", "val", bright=(PLACE,), classes=((1, *PLACE),)) for _ in range(4))]


def test_what_is_fitted_stands_in_the_contract(
    checkpoint: Checkpoint, halves: list[Chip], recipe: Callable[..., Recipe]
) -> None:
    record: Any = calibrate(checkpoint, recipe(), halves)
    contract = ModelContract.read(checkpoint.folder / "contract.json")
    assert contract.calibrations is not None
    assert contract.model_copy(update={"calibrations": None}) == checkpoint.contract
    assert record == json.loads((checkpoint.folder / "calibration.json").read_text(encoding="utf-8"))
    building, pool = contract.calibrations
    assert record["classes"]["building"]["temperature"] == building.temperature
    # So few objects: the real ones do not suffice.
    fitted = [chip for chip in halves if calibrates(chip)]
    assert record["classes"]["building"]["sources"] == ["barnarp", "synthetic"]
    assert record["classes"]["building"]["chips"] == record["classes"]["building"]["objects"] == len(fitted)
    assert record["classes"]["pool"]["sources"] == ["synthetic"]
    assert (pool.object_slope, pool.object_offset) == (1, 0)


def test_the_temperature_makes_pixels_come_true(
    checkpoint: Checkpoint, chip: Callable[..., Chip], recipe: Callable[..., Recipe]
) -> None:
    """Of the pixels with the logit 3 and of those with -3, nine in ten are as they seem."""
    tenth = (0, 0, 64, 32)
    chips = [
        chip("barnarp", "val", bright=(tenth,), classes=((1, 0, 3, 64, 29), (1, 0, 32, 64, 3)))
        for _ in range(8)
    ]
    pools = [chip("synthetic", "val", bright=(), classes=((1, *PLACE),)) for _ in range(4)]
    record: Any = calibrate(checkpoint, recipe(sources=_only_building(recipe())), [*chips, *pools])
    found = record["classes"]["building"]
    wrong = 3 / 32
    assert found["sources"] == ["barnarp"]
    assert expit(-3 / found["temperature"]) == pytest.approx(wrong, rel=0.15)


def _only_building(recipe: Recipe) -> dict[str, Any]:
    sources = {name: source.model_dump() for name, source in recipe.sources.items()}
    sources["synthetic"]["labels"] = ("pool",)
    return sources


def test_each_half_is_fitted_without_the_other(
    checkpoint: Checkpoint, halves: list[Chip], recipe: Callable[..., Recipe]
) -> None:
    first = [chip for chip in halves if calibrates(chip)]
    assert 0 < len(first) < len(halves)
    whole: Any = calibrate(checkpoint, recipe(), halves)
    shipped = ModelContract.read(checkpoint.folder / "contract.json")
    alone: Any = calibrate(checkpoint, recipe(), first)
    assert ModelContract.read(checkpoint.folder / "contract.json") == shipped
    assert (alone["classes"], alone["data_sha256"]) == (whole["classes"], whole["data_sha256"])
    assert alone["other_half"]["classes"] == {}
    other = whole["other_half"]["classes"]["building"]
    assert other["chips"] == other["objects"] == len(halves) - len(first)
    fits = fit_of_other_half(whole)
    assert list(fits) == ["building", "pool"]
    assert fits["building"].temperature == other["temperature"]
    assert (fit_of_other_half(alone), fit_of_other_half(None), fit_of_other_half({})) == ({}, {}, {})


def test_the_half_of_a_chip_hangs_on_its_name_alone(tmp_path: Path) -> None:
    names = [f"r{row:02d}_c{column:02d}.jpg" for row in range(20) for column in range(20)]
    chips = [Chip(tmp_path / name, tmp_path / "mask.png", "barnarp", "val", 0.2) for name in names]
    halves = np.array([calibrates(chip) for chip in chips])
    assert 0.4 < halves.mean() < 0.6
    moved = [Chip(Path("/elsewhere") / name, Path("m.png"), "barnarp", "val", 0.25) for name in names]
    assert [calibrates(chip) for chip in moved] == halves.tolist()


def test_a_record_of_other_weights_is_not_believed(
    checkpoint: Checkpoint, halves: list[Chip], recipe: Callable[..., Recipe]
) -> None:
    assert read_fit(checkpoint) is None
    record = calibrate(checkpoint, recipe(), halves)
    contract = ModelContract.read(checkpoint.folder / "contract.json")
    assert read_fit(Checkpoint(checkpoint.folder, contract, checkpoint.network)) == record
    others = contract.model_copy(update={"weights_sha256": "c" * 64})
    assert read_fit(Checkpoint(checkpoint.folder, others, checkpoint.network)) is None


def test_what_cannot_be_calibrated_stays_as_it_is(
    checkpoint: Checkpoint, halves: list[Chip], recipe: Callable[..., Recipe]
) -> None:
    before = (checkpoint.folder / "contract.json").read_bytes()
    real = [chip for chip in halves if chip.source == "barnarp"]
    with pytest.raises(InputError, match="class 'pool': no chip to calibrate on labels it"):
        calibrate(checkpoint, recipe(), real)
    with pytest.raises(InputError, match="falls into the half to calibrate on"):
        calibrate(checkpoint, recipe(), [chip for chip in halves if not calibrates(chip)])
    with pytest.raises(SettingsError, match="its gsd_m differ from the contract's"):
        calibrate(checkpoint, recipe(gsd_m=0.2), halves)
    assert (checkpoint.folder / "contract.json").read_bytes() == before
    assert [path.name for path in checkpoint.folder.iterdir()] == ["contract.json"]
