from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vigibati.configs.adaptation import Adaptation
from vigibati.configs.contract import ModelContract
from vigibati.configs.recipe import Recipe
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.training.finetune import finetuning, seconds_per_step
from vigibati.training.module import SegmentationModule


def recipe(contract: ModelContract, *, steps: int = 60) -> Recipe:
    return finetuning(
        contract,
        Adaptation(steps_per_epoch=25, crop_px=64, batch_size=2),
        name="ours",
        sources={"built": 0.75, "open": 0.25},
        labels=("building",),
        steps=steps,
    )


def test_the_network_is_that_of_the_checkpoint(checkpoint: Path) -> None:
    start = load_checkpoint(checkpoint)
    SegmentationModule(recipe(start.contract)).network.load_state_dict(start.network.state_dict())


def test_a_second_head_is_kept_and_another_is_not_added(contract: Callable[..., ModelContract]) -> None:
    assert recipe(contract(contour=True)).contour_weight > 0
    assert recipe(contract(contour=False)).contour_weight == 0


@pytest.mark.parametrize(("steps", "epochs"), [(1, 1), (25, 1), (26, 2), (60, 3)])
def test_steps_are_rounded_up_to_epochs(
    contract: Callable[..., ModelContract], steps: int, epochs: int
) -> None:
    made = recipe(contract(), steps=steps)
    assert (made.epochs, made.validate_every) == (epochs, epochs)
    assert {name: source.weight for name, source in made.sources.items()} == {"built": 0.75, "open": 0.25}


def test_a_step_takes_some_time(checkpoint: Path) -> None:
    made = recipe(load_checkpoint(checkpoint).contract)
    assert 0 < seconds_per_step(made, torch.device("cpu")) < 60
