"""The run of Lightning's trainer: what is kept, what is told, when it stops."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from vigibati.configs.errors import CheckpointError
from vigibati.configs.progress import Advance
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.manifest import Chip
from vigibati.training.datamodule import ChipFeed
from vigibati.training.module import NotFiniteError, SegmentationModule


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a training runs on.

    Attributes:
        accelerator: "cpu" or "cuda", as Lightning names them.
        devices: How many of them; each has a process of its own that draws its own samples.
        workers: Processes that read chips, for each device.
    """

    accelerator: str = "cpu"
    devices: int = 1
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What a call of ``fit`` did.

    Attributes:
        first: Epoch that it began with, more than 0 after a resumption; None if none was left.
        last: Epochs that are done in all.
        leads: This process writes the result; False in the others of a run on several devices.
        wait: Returns when every process of the run has come so far.
    """

    first: int | None
    last: int
    leads: bool
    wait: Callable[[], None]


def fit(
    module: SegmentationModule,
    learnt: Sequence[Chip],
    measured: Sequence[Chip],
    out: Path,
    *,
    hardware: Hardware,
    advance: Advance,
) -> Run:
    """Train up to the last epoch of the recipe; the module then holds the averaged weights.

    Args:
        module: Network and recipe.
        learnt: Chips to learn from.
        measured: Chips to measure on.
        out: Folder of the run: ``last.ckpt`` and ``log/``.
        hardware: What it runs on.
        advance: Told of finished epochs.

    Raises:
        CheckpointError: The loss is no finite number; ``last.ckpt`` is that of the epoch before.
    """
    recipe = module.recipe
    feed = ChipFeed(learnt, measured, recipe, workers=hardware.workers)
    epochs = _Epochs(advance, feed)
    trainer = _trainer(recipe, out, hardware, [epochs])
    # By itself it stays where the network is made, on the processor, and fetches all weights at each step.
    averaging = EMAWeightAveraging(
        device=trainer.strategy.root_device, decay=recipe.ema_decay, use_buffers=True
    )
    trainer.callbacks.insert(0, averaging)  # type: ignore[attr-defined]  # set at run time
    last = out / "last.ckpt"
    with warnings.catch_warnings():
        # Advice on how to use Lightning is of no use to whoever trains.
        warnings.filterwarnings("ignore", module=r"lightning\.")
        try:
            trainer.fit(
                module,
                datamodule=feed,
                ckpt_path=last if last.is_file() else None,
                weights_only=True,
            )
        except NotFiniteError as error:
            raise _not_finite(error, feed, learnt, out) from error
    if epochs.first is None:
        # Nothing was left to do, so that Lightning has not put the averages into the module.
        averaging.on_train_end(trainer, module)
    return Run(
        epochs.first, trainer.current_epoch, leads=trainer.is_global_zero, wait=trainer.strategy.barrier
    )


def _trainer(recipe: Recipe, out: Path, hardware: Hardware, callbacks: list[Callback]) -> lightning.Trainer:
    for name in ("lightning.fabric", "lightning.pytorch"):
        # It speaks on stderr by a handler of its own; what goes wrong is raised.
        logging.getLogger(name).setLevel(logging.ERROR)
    several = hardware.devices > 1
    callbacks.append(
        ModelCheckpoint(out, filename="last", save_on_train_epoch_end=True, enable_version_counter=False)
    )
    if recipe.patience is not None:
        watched = f"val_iou_{recipe.class_names[0]}"
        callbacks.append(_Stopping(watched, mode="max", patience=recipe.patience))
    return lightning.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        strategy="ddp" if several else "auto",
        sync_batchnorm=several and hardware.accelerator == "cuda",
        precision="bf16-mixed" if hardware.accelerator == "cuda" else "32-true",
        max_epochs=recipe.epochs,
        limit_train_batches=recipe.steps_per_epoch,
        check_val_every_n_epoch=recipe.validate_every,
        callbacks=callbacks,
        logger=_loggers(out),
        enable_progress_bar=False,
        enable_model_summary=False,
        # The sampler shares the draws out among the devices; every device validates on all chips.
        use_distributed_sampler=False,
    )


def _loggers(out: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(out, name="log")]
    # A bare GPU machine trains without it; the numbers are the same.
    if find_spec("tensorboardX") or find_spec("tensorboard"):
        loggers.append(TensorBoardLogger(out, name="tensorboard"))
    return loggers


def _not_finite(error: NotFiniteError, feed: ChipFeed, chips: Sequence[Chip], out: Path) -> CheckpointError:
    names = ", ".join(str(chips[number].image) for number in feed.drawn(error.batch))
    return CheckpointError(
        out,
        f"the loss of batch {error.batch} of epoch {error.epoch} is no finite number (chips {names})",
        "look at these chips or lower learning_rate; the last good state is kept in last.ckpt",
    )


class _Stopping(EarlyStopping):
    """Stops a run that gets no better, and lets it rest when it is called again."""

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Take over that it had stopped."""
        if self.stopped_epoch:
            trainer.should_stop = True


class _Epochs(Callback):
    """Tells the caller and the feed of chips of each epoch.

    Attributes:
        first: Epoch that the run began with, more than 0 after a resumption; None if none was left.
    """

    def __init__(self, advance: Advance, feed: ChipFeed) -> None:
        self.first: int | None = None
        self._advance, self._feed = advance, feed

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Take over what was done before an interruption."""
        self._advance(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Give each epoch its own draw of chips, also after a resumption."""
        if self.first is None:
            self.first = trainer.current_epoch
        self._feed.choose_draw(trainer.current_epoch)

    def on_train_epoch_end(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Count the epoch."""
        self._advance(1)
