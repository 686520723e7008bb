"""Which chip comes next in a training: each source has the share that the recipe gives it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from vigibati.configs.errors import InputError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip


class SourceSampler(Sampler[int]):
    """Draws chips so that each source has the share that the recipe gives it."""

    def __init__(self, chips: Sequence[Chip], recipe: Recipe) -> None:
        self._length = recipe.steps_per_epoch * recipe.batch_size
        self._seed = recipe.seed
        self._epoch, self._rank, self._world = 0, 0, 1
        self._probabilities = sampling_probabilities(chips, recipe)

    def set_epoch(self, epoch: int, *, rank: int = 0, world: int = 1) -> None:
        """Choose which draw comes next, so that a resumed run goes on where it stopped.

        Args:
            epoch: Epoch, from 0.
            rank: Number of this process among those that train together.
            world: How many there are; together they draw ``world`` times as many samples.
        """
        self._epoch, self._rank, self._world = epoch, rank, world

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        count = len(self._probabilities)
        generator = np.random.default_rng((self._seed, self._epoch, count))
        total = self._length * self._world
        chosen = generator.choice(count, size=total, p=self._probabilities)
        # A chip drawn twice must be cropped twice: the key carries the draw beside the chip.
        draws = np.arange(total) + self._epoch * total
        keys = draws * count + chosen
        yield from keys[self._rank :: self._world].tolist()


def sampling_probabilities(chips: Sequence[Chip], recipe: Recipe) -> NDArray[np.float64]:
    """Return the probability of each chip: the weight of its source, shared by its chips.

    Raises:
        InputError: A source of the recipe has no chip.
    """
    counts = {name: sum(chip.source == name for chip in chips) for name in recipe.sources}
    for name, count in counts.items():
        if not count:
            raise InputError(
                f"source '{name}'",
                "the manifests hold no training chip of it",
                "add its manifest with --data",
            )
    weights = np.array([recipe.sources[chip.source].weight / counts[chip.source] for chip in chips])
    probabilities: NDArray[np.float64] = weights / weights.sum()
    return probabilities
