"""Chips as Lightning asks for them: each process of a run draws its own share, from the very first epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
from torch.utils.data import DataLoader

from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.datasets.chips.source_sampler import SourceSampler
from vigibati.datasets.chips.training_chips import Sample, TrainingChips, stack
from vigibati.datasets.chips.validation_chips import ValidationChips


class ChipFeed(lightning.LightningDataModule):
    """Chips to learn from and to measure on.

    Args:
        learnt: Chips to learn from.
        measured: Chips to measure on.
        recipe: How they are drawn.
        workers: Processes that read chips.
    """

    def __init__(
        self, learnt: Sequence[Chip], measured: Sequence[Chip], recipe: Recipe, *, workers: int
    ) -> None:
        super().__init__()
        self._sampler = SourceSampler(learnt, recipe)
        self._training = DataLoader(
            TrainingChips(learnt, recipe),
            batch_size=recipe.batch_size,
            sampler=self._sampler,
            num_workers=workers,
            collate_fn=stack,
            # Fork would copy the threads' locks of the parent into the workers.
            multiprocessing_context="spawn" if workers else None,
            persistent_workers=False,
        )
        # One chip at a time: sources differ in size.
        self._validation = DataLoader(ValidationChips(measured, recipe), batch_size=1, collate_fn=stack)

    def train_dataloader(self) -> DataLoader[Sample]:
        """Return the chips to learn from, at the draw of the epoch that begins."""
        # Lightning lets the workers begin before it tells anybody of the first epoch, and counts an
        # epoch after which it was stopped as completed only later still.
        trainer: Any = self.trainer
        self.choose_draw(trainer.fit_loop.epoch_progress.current.processed)
        return self._training

    def val_dataloader(self) -> DataLoader[Sample]:
        """Return the chips to measure on."""
        return self._validation

    def choose_draw(self, epoch: int) -> None:
        """Give an epoch its own draw of chips, and each process its own share of it."""
        # Lightning's types allow for a feed without a run.
        trainer: Any = self.trainer
        self._sampler.set_epoch(epoch, rank=trainer.global_rank, world=trainer.world_size)

    def drawn(self, batch: int) -> list[int]:
        """Return the numbers of the chips of a batch of the epoch at hand."""
        size = self._training.batch_size or 1
        keys = list(self._sampler)[batch * size : (batch + 1) * size]
        return [key % len(self._training.dataset) for key in keys]  # type: ignore[arg-type]
