from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from vigibati.configs.errors import InputError
from vigibati.configs.recipe import Recipe, SourceRecipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.datasets.chips.source_sampler import SourceSampler, sampling_probabilities


def make_chip(name: str, *, source: str = "town") -> Chip:
    return Chip(Path(f"{name}.png"), Path(f"{name}_mask.png"), source, "train", 0.2)


def test_sources_are_drawn_by_weight_not_by_size(recipe: Callable[..., Recipe]) -> None:
    chips = [make_chip("a", source="small")]
    chips += [make_chip(f"b{i}", source="large") for i in range(9)]
    plan = recipe(
        small=SourceRecipe(weight=3, labels=("building",)), large=SourceRecipe(weight=1, labels=("building",))
    )
    assert sampling_probabilities(chips, plan)[0] == pytest.approx(0.75)
    drawn = Counter(chips[key % len(chips)].source for key in SourceSampler(chips, plan))
    assert sum(drawn.values()) == 100
    assert drawn["small"] > 55


def test_epochs_draw_differently_and_never_the_same_crop(recipe: Callable[..., Recipe]) -> None:
    sampler = SourceSampler([make_chip("a")], recipe())
    first = list(sampler)
    sampler.set_epoch(1)
    assert not set(first) & set(sampler)
    assert len(set(first)) == len(first)


def test_a_source_without_chips_is_refused(recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(InputError, match="source 'town': the manifests hold no training chip of it"):
        sampling_probabilities([make_chip("a", source="other")], recipe())
