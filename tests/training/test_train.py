from __future__ import annotations

import csv
import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from vigibati.cli.app import app
from vigibati.configs.errors import CheckpointError, InputError, SettingsError
from vigibati.configs.progress import Advance
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip, manifest_sha256
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor
from vigibati.training.module import SegmentationModule
from vigibati.training.train import read_runs, train
from vigibati.training.trainer import Hardware

Recipes = Callable[..., Recipe]
# Python itself does not show these unless it is asked to.
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


class Counted:
    """A listener that adds up what it hears."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, total: float, unit: str) -> Iterator[Advance]:
        def advance(amount: float) -> None:
            self.heard[name] = self.heard.get(name, 0) + amount

        yield advance
        assert self.heard[name] == total, unit


def fit(recipe: Recipe, chips: list[Chip], out: Path, *, workers: int = 0, **more: Any) -> Checkpoint:
    return train(recipe, chips, out, hardware=Hardware(workers=workers), **more)


def written(recipe: Recipe, chips: list[Chip], folder: Path) -> list[str]:
    """Write a recipe and a manifest, and return their paths."""
    config, data = folder / "tiny.yaml", folder / "chips.csv"
    config.write_text(yaml.safe_dump(json.loads(recipe.model_dump_json())), encoding="utf-8")
    rows = [(chip.image.name, chip.mask.name, chip.source, chip.split, chip.gsd_m) for chip in chips]
    with data.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("path", "mask", "source", "split", "gsd_m"), *rows])
    return [str(config), str(data)]


def test_a_training_gives_a_checkpoint_that_says_what_it_is(
    recipe: Recipes, chips: list[Chip], tmp_path: Path
) -> None:
    listener = Counted()
    made = fit(recipe(), chips, tmp_path / "run", progress=listener)
    assert listener.heard == {"train": 2}
    loaded = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert loaded.contract == made.contract
    assert loaded.contract.class_names == ("building", "pool")
    assert (loaded.contract.gsd_m, loaded.contract.margin_px, loaded.contract.recipe) == (0.5, 32, "tiny")
    assert loaded.contract.data_sha256 == manifest_sha256(chips)
    shares = {source.name: (source.chips, source.share) for source in loaded.contract.sources}
    assert shares == {"barnarp": (2, 0.75), "synthetic": (2, 0.25)}
    assert {source.megapixels for source in loaded.contract.sources} == {round(2 * 64 * 64 / 1e6, 3)}
    with torch.inference_mode():
        assert loaded.network(torch.zeros(1, 3, 32, 64)).shape == (1, 2, 32, 64)
    (run,) = read_runs(loaded.folder)
    assert {key: run[key] for key in ("recipe", "from_epoch", "to_epoch", "device")} == {
        "recipe": "tiny",
        "from_epoch": 0,
        "to_epoch": 2,
        "device": "cpu",
    }
    assert (run["energy_kwh"], run["energy_method"]) == (None, "not measured")


def test_the_seed_decides_every_weight(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    prints = [
        fit(recipe(seed=seed), chips, tmp_path / str(number)).contract.weights_sha256
        for number, seed in enumerate((7, 7, 8))
    ]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_happened(
    recipe: Recipes, chips: list[Chip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, workers: int
) -> None:
    three = recipe(epochs=3, steps_per_epoch=2)
    whole = fit(three, chips, tmp_path / "whole")
    step = SegmentationModule.training_step

    def falling(self: SegmentationModule, batch: Any, index: int) -> torch.Tensor:
        if self.global_step == 3:
            raise RuntimeError("the power is gone")
        return step(self, batch, index)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationModule, "training_step", falling)
        with pytest.raises(RuntimeError, match="the power is gone"):
            fit(three, chips, tmp_path / "run", workers=workers)
    assert not (tmp_path / "run" / "checkpoint").exists()
    resumed = fit(three, chips, tmp_path / "run", workers=workers)
    (run,) = read_runs(resumed.folder)
    assert (run["from_epoch"], run["to_epoch"]) == (1, 3)
    assert resumed.contract.weights_sha256 == whole.contract.weights_sha256


@pytest.mark.parametrize("kept", [True, False])
def test_a_finished_run_stays_as_it_is(
    recipe: Recipes, chips: list[Chip], tmp_path: Path, *, kept: bool
) -> None:
    first = fit(recipe(), chips, tmp_path / "run")
    (before,) = read_runs(first.folder)
    if not kept:
        # As if the process had died between its last epoch and its checkpoint.
        shutil.rmtree(first.folder)
    again = fit(recipe(), chips, tmp_path / "run")
    assert again.contract == first.contract
    (after,) = read_runs(again.folder)
    # How long a process took says nothing of what it did.
    assert after == before | {"from_epoch": 0 if kept else 2, "minutes": after["minutes"]}


def test_a_run_that_was_begun_with_something_else_is_refused(
    recipe: Recipes, chips: list[Chip], tmp_path: Path
) -> None:
    first = fit(recipe(), chips, tmp_path / "run")
    longer = recipe(epochs=3, learning_rate=0.01)
    for message, call in (
        ("epochs of the recipe, learning_rate of the recipe;", lambda out: fit(longer, chips, out)),
        ("chips;", lambda out: fit(recipe(), chips[:-1], out)),
        ("start;", lambda out: fit(recipe(), chips, out, start_from=first.folder)),
    ):
        with pytest.raises(SettingsError, match=f"run: was begun with another {message} give what .* --out"):
            call(tmp_path / "run")
    assert load_checkpoint(first.folder).contract == first.contract


def test_a_run_may_start_from_another(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    start = fit(recipe(), chips, tmp_path / "start")
    still = recipe(seed=9, learning_rate=1e-12, name="second")
    second = fit(still, chips, tmp_path / "second", start_from=start.folder)
    before = dict(start.network.named_parameters())
    for name, weight in second.network.named_parameters():
        assert torch.equal(weight, before[name]), name
    assert [run["recipe"] for run in read_runs(second.folder)] == ["tiny", "second"]


def test_both_splits_are_needed(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    for split in ("train", "val"):
        with pytest.raises(InputError, match=rf"split '{split}' \(there are such of: none\); add a source"):
            fit(recipe(), [chip for chip in chips if chip.split != split], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_and_names_the_chips(
    recipe: Recipes, chips: list[Chip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = SegmentationModule._loss

    def broken(self: SegmentationModule, planes: torch.Tensor, batch: Any) -> torch.Tensor:
        return loss(self, planes, batch) * (float("nan") if self.global_step == 3 else 1)

    monkeypatch.setattr(SegmentationModule, "_loss", broken)
    with pytest.raises(
        CheckpointError, match=r"batch 1 of epoch 1 is no finite number \(chips .*image_.*\); "
    ):
        fit(recipe(epochs=3, steps_per_epoch=2), chips, tmp_path / "run")
    assert (tmp_path / "run" / "last.ckpt").is_file()
    assert not (tmp_path / "run" / "checkpoint").exists()
    monkeypatch.undo()
    resumed = fit(recipe(epochs=3, steps_per_epoch=2), chips, tmp_path / "run")
    assert read_runs(resumed.folder)[0]["from_epoch"] == 1


def test_a_run_that_gets_no_better_stops_early(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    stuck = recipe(epochs=40, patience=1, learning_rate=1e-12)
    made = fit(stuck, chips, tmp_path / "run")
    (run,) = read_runs(made.folder)
    # The statistics of normalisation still settle, so that the first epochs may be better each time.
    assert 2 <= int(str(run["to_epoch"])) < 40
    before = (tmp_path / "run" / "last.ckpt").read_bytes()
    assert read_runs(fit(stuck, chips, tmp_path / "run").folder) == [run]
    assert (tmp_path / "run" / "last.ckpt").read_bytes() == before
    shutil.rmtree(tmp_path / "run" / "checkpoint")
    assert fit(stuck, chips, tmp_path / "run").contract == made.contract


def test_a_second_head_learns_the_contour_and_is_not_among_the_classes(
    recipe: Recipes, chips: list[Chip], tmp_path: Path
) -> None:
    made = fit(recipe(contour_weight=0.5), chips, tmp_path / "run")
    assert made.contract.contour
    with torch.inference_mode():
        assert made.network(torch.zeros(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    predicted = Predictor(made, Device(torch.device("cpu"))).predict(np.zeros((1, 3, 32, 32), dtype=np.uint8))
    assert predicted.shape == (1, 2, 32, 32)


# The command line, whose first process takes its time over the checkpoint; each says what it draws.
_SLOW = """
import os, sys, time
from pathlib import Path
from vigibati.cli.app import main
from vigibati.datasets.chips.source_sampler import SourceSampler
from vigibati.training import train

rank, draw, contract = os.environ.get("LOCAL_RANK", "0"), SourceSampler.__iter__, train._contract


def told(sampler):
    keys = list(draw(sampler))
    with Path(sys.argv[0]).with_name(f"drawn_{rank}.txt").open("a") as handle:
        handle.write(f"{keys}\\n")
    return iter(keys)


def slow(*arguments):
    time.sleep(3)
    return contract(*arguments)


if __name__ == "__main__":
    SourceSampler.__iter__, train._contract = told, slow
    main()
"""


def test_two_devices_train_as_one(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    config, data = written(recipe(), chips, tmp_path)
    script = tmp_path / "slow.py"
    script.write_text(_SLOW, encoding="utf-8")
    command = [sys.executable, "-P", str(script), "train", "--config", config, "--data", data]
    command += ["--out", str(tmp_path / "run"), "--workers", "1", "--device", "cpu", "--devices", "2"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["checkpoint"] == str(tmp_path / "run" / "checkpoint")
    drawn = [json.loads(line) for rank in (0, 1) for line in (tmp_path / f"drawn_{rank}.txt").open()]
    assert len(drawn) == 4
    assert not any(set(one) & set(other) for one, other in itertools.combinations(drawn, 2))
    (run,) = read_runs(tmp_path / "run" / "checkpoint")
    assert (run["devices"], run["to_epoch"]) == (2, 2)


def test_the_curves_are_kept(recipe: Recipes, chips: list[Chip], tmp_path: Path) -> None:
    fit(recipe(), chips, tmp_path / "run")
    with (tmp_path / "run" / "log" / "version_0" / "metrics.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert {int(row["epoch"]) for row in rows if row["train_loss"]} == {0, 1}
    assert all(0 <= float(row["val_iou_building"]) <= 1 for row in rows if row["val_iou_building"])
    with Image.open(tmp_path / "run" / "curves.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20) or []) > 50
    assert list((tmp_path / "run" / "tensorboard").glob("version_0/events*"))


def test_the_verbs_train_and_evaluate(
    recipe: Recipes,
    chips: list[Chip],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    run = tmp_path / "run"
    config, data = written(recipe(), chips, tmp_path)
    shared = ["--config", config, "--data", data]
    trained = CliRunner().invoke(app, ["train", *shared, "--out", str(run), "--workers", "0", "--json"])
    assert (trained.exit_code, trained.stderr) == (0, "")
    weights = load_checkpoint(run / "checkpoint").contract.weights_sha256
    assert json.loads(trained.stdout) == {"checkpoint": str(run / "checkpoint"), "weights_sha256": weights}
    again = CliRunner().invoke(app, ["train", *shared, "--out", str(run), "--workers", "0", "--quiet"])
    assert (again.exit_code, again.stdout, again.stderr) == (0, "", "")
    shared += ["--checkpoint", str(run / "checkpoint")]
    measured = CliRunner().invoke(app, ["evaluate", *shared, "--json"])
    assert (measured.exit_code, measured.stderr) == (0, "")
    evaluation = json.loads(measured.stdout, parse_constant=pytest.fail)
    assert evaluation["weights_sha256"] == weights
    assert json.loads((run / "checkpoint" / "evaluation.json").read_text(encoding="utf-8")) == evaluation
    card = (run / "checkpoint" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# Model card: tiny\n")
    assert weights in card
    # Nothing was said past the runner either, nor in warnings, which pytest keeps from stderr.
    assert tuple(capfd.readouterr()) == ("", "")
    assert [str(each.message) for each in recwarn if not issubclass(each.category, HIDDEN)] == []
