"""From a recipe and chip manifests to a checkpoint."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import lightning
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from vigibati.configs.contract import ModelContract, TrainingSource
from vigibati.configs.errors import CheckpointError, InputError, OutputError
from vigibati.configs.files import whole_file
from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips import Sample, SourceSampler, TrainingChips, stack
from vigibati.datasets.manifest import Chip, manifest_sha256
from vigibati.datasets.validation_chips import ValidationChips
from vigibati.inference.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from vigibati.inference.energy import measure_energy
from vigibati.training.module import SegmentationModule
from vigibati.training.pretrained import load_imagenet

_RUNS_FILE = "training.json"


def train(
    recipe: Recipe,
    chips: Sequence[Chip],
    out: Path,
    *,
    start_from: Path | None = None,
    accelerator: str = "cpu",
    workers: int = 1,
    progress: Progress = SILENT,
) -> Checkpoint:
    """Train a network and write it as a checkpoint.

    A run that was interrupted goes on from its last finished epoch when it is called again with
    the same ``out``, and one that is finished stays as it is; the curves lie in
    ``out/log/version_N/metrics.csv``, one N per interruption.

    Args:
        recipe: What to train and how.
        chips: All chips; those of split "train" are learnt from, those of split "val" measured.
        out: Folder of the run; the checkpoint itself appears in ``out/checkpoint``.
        start_from: Checkpoint folder whose weights the training starts from; when None, what the recipe
            says.
        accelerator: "cpu" or "cuda", as Lightning names them.
        workers: Processes that read chips.
        progress: Listener.

    Raises:
        InputError: No chip to learn from or to measure on.
        CheckpointError: ``start_from`` does not fit the recipe.
        OutputError: ``out`` cannot be made.
    """
    learnt, measured = _split(recipe, chips)
    lightning.seed_everything(recipe.seed, workers=True, verbose=False)
    module = SegmentationModule(recipe)
    if start_from is not None:
        _take_over(module, load_checkpoint(start_from))
    elif recipe.weights == "imagenet":
        load_imagenet(module.network.encoder, recipe.encoder)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(out, f"cannot be made ({error.strerror})", "give the name of a folder") from error
    started = time.monotonic()
    with measure_energy() as energy, progress.stage("train", recipe.epochs, "epochs") as advance:
        epochs = _Epochs(advance)
        loaders = _training_loader(recipe, learnt, workers), _loader(ValidationChips(measured, recipe))
        _fit(module, loaders, out, epochs=epochs, accelerator=accelerator)
    if epochs.first is None and (out / "checkpoint" / _RUNS_FILE).is_file():
        return load_checkpoint(out / "checkpoint")
    checkpoint = save_checkpoint(module.network.eval(), _contract(recipe, chips, learnt), out / "checkpoint")
    run = {
        "recipe": recipe.name,
        # What an interrupted run spent before its resumption was not seen by this process.
        "from_epoch": recipe.epochs if epochs.first is None else epochs.first,
        "to_epoch": recipe.epochs,
        "device": accelerator,
        "minutes": round((time.monotonic() - started) / 60, 1),
        "energy_kwh": None if energy.result is None else round(energy.result.kwh, 4),
        "energy_method": "not measured" if energy.result is None else energy.result.method,
    }
    runs = [*([] if start_from is None else read_runs(start_from)), run]
    with whole_file(checkpoint.folder / _RUNS_FILE) as temporary:
        temporary.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")
    return checkpoint


def read_runs(folder: Path) -> list[dict[str, object]]:
    """Return the training runs that led to a checkpoint, oldest first; none where none are recorded."""
    path = folder / _RUNS_FILE
    runs: list[dict[str, object]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return runs


def _fit(
    module: SegmentationModule,
    loaders: tuple[DataLoader[Sample], DataLoader[Sample]],
    out: Path,
    *,
    epochs: _Epochs,
    accelerator: str,
) -> None:
    """Train up to the last epoch of the recipe; the module then holds the averaged weights."""
    for name in ("lightning.fabric", "lightning.pytorch"):
        # It speaks on stderr by a handler of its own; what goes wrong is raised.
        logging.getLogger(name).setLevel(logging.ERROR)
    averaging = EMAWeightAveraging(decay=module.recipe.ema_decay, use_buffers=True)
    keeping = ModelCheckpoint(
        out, filename="last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    trainer = lightning.Trainer(
        accelerator=accelerator,
        devices=1,
        precision="bf16-mixed" if accelerator == "cuda" else "32-true",
        max_epochs=module.recipe.epochs,
        limit_train_batches=module.recipe.steps_per_epoch,
        check_val_every_n_epoch=module.recipe.validate_every,
        callbacks=[averaging, keeping, epochs],
        logger=CSVLogger(out, name="log"),
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    last = out / "last.ckpt"
    with warnings.catch_warnings():
        # Advice on how to use Lightning is of no use to whoever trains.
        warnings.filterwarnings("ignore", module=r"lightning\.")
        trainer.fit(module, *loaders, ckpt_path=last if last.is_file() else None, weights_only=True)
    if epochs.first is None:
        # Nothing was left to do, so that Lightning has not put the averages into the module.
        averaging.on_train_end(trainer, module)


def _take_over(module: SegmentationModule, checkpoint: Checkpoint) -> None:
    try:
        module.network.load_state_dict(checkpoint.network.state_dict())
    except RuntimeError as error:
        first = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            checkpoint.folder, f"does not fit the recipe ({first})", "take a recipe of the same network"
        ) from error


class _Epochs(Callback):
    """Tells the caller and the sampler of each epoch.

    Attributes:
        first: Epoch that the run began with, more than 0 after a resumption; None if none was left.
    """

    def __init__(self, advance: Advance) -> None:
        self.first: int | None = None
        self._advance = advance

    def on_train_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Take over what was done before an interruption."""
        self.first = trainer.current_epoch
        self._advance(trainer.current_epoch)

    def on_train_epoch_start(self, trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Give each epoch its own draw of chips, also after a resumption."""
        sampler = getattr(trainer.train_dataloader, "sampler", None)
        if isinstance(sampler, SourceSampler):
            sampler.set_epoch(trainer.current_epoch)

    def on_train_epoch_end(self, _trainer: lightning.Trainer, _module: lightning.LightningModule) -> None:
        """Count the epoch."""
        self._advance(1)


def _split(recipe: Recipe, chips: Sequence[Chip]) -> tuple[list[Chip], list[Chip]]:
    used = [chip for chip in chips if chip.source in recipe.sources]
    learnt = [chip for chip in used if chip.split == "train"]
    measured = [chip for chip in used if chip.split == "val"]
    for split, members in (("train", learnt), ("val", measured)):
        if not members:
            raise InputError(
                f"recipe '{recipe.name}'", f"no chip of split '{split}' in its sources", "add a manifest"
            )
    return learnt, measured


def _training_loader(recipe: Recipe, chips: list[Chip], workers: int) -> DataLoader[Sample]:
    return DataLoader(
        TrainingChips(chips, recipe),
        batch_size=recipe.batch_size,
        sampler=SourceSampler(chips, recipe),
        num_workers=workers,
        collate_fn=stack,
        # Fork would copy the threads' locks of the parent into the workers.
        multiprocessing_context="spawn" if workers else None,
        persistent_workers=False,
    )


def _loader(dataset: ValidationChips) -> DataLoader[Sample]:
    # One chip at a time: sources differ in size.
    return DataLoader(dataset, batch_size=1, collate_fn=stack)


def _contract(recipe: Recipe, chips: Sequence[Chip], learnt: Sequence[Chip]) -> ModelContract:
    total = sum(source.weight for source in recipe.sources.values())
    sources = []
    for name, source in recipe.sources.items():
        own = [chip for chip in learnt if chip.source == name]
        pixels = sum(mask.size for mask in (chip.read_mask() for chip in own))
        sources.append(
            TrainingSource(
                name=name,
                chips=len(own),
                megapixels=round(pixels / 1e6, 3),
                share=round(source.weight / total, 4),
            )
        )
    return ModelContract(
        name=recipe.name,
        architecture=recipe.architecture,
        encoder=recipe.encoder,
        decoder_channels=recipe.decoder_channels,
        bands=("red", "green", "blue"),
        mean=recipe.mean,
        std=recipe.std,
        gsd_m=recipe.gsd_m,
        class_names=recipe.class_names,
        contour=recipe.contour_weight > 0,
        thresholds=tuple(0.5 for _ in recipe.class_names),
        margin_px=recipe.margin_px,
        sources=tuple(sources),
        data_sha256=manifest_sha256([chip for chip in chips if chip.source in recipe.sources]),
        weights_sha256="0" * 64,
        trained_with=version("vigibati"),
        recipe=recipe.name,
    )
