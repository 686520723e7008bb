"""One fold's chain of models: none of them ever reads a label of the fold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from vigibati.adaptation.territory import LabelledTerritory, View, labels_of
from vigibati.cadastre.overlap import as_array
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import InputError
from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE, Chip
from vigibati.datasets.chips.territory_chips import Labels, Piece
from vigibati.datasets.grid import ground_of
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.training.calibration.unrecorded_detections import OffRecord
from vigibati.training.finetune import finetuning
from vigibati.training.train import train
from vigibati.training.trainer import Hardware
from vigibati.workflow.footprints import find_footprints

_BUILT, _OPEN = "built", "open"
_OFF = "off_record.json"


@dataclass(frozen=True, slots=True, eq=False)
class Workshop:
    """What every training of an adaptation shares.

    Attributes:
        territory: Where labels come from.
        pieces: Of the territory, with the mask of what is recorded there.
        masks: Of each piece, in the same order: the records as the first model saw them registered.
        device: Where models look at the image: auto, cpu, cuda or openvino.
        hardware: What they are trained on.
        steps: Length of each training.
        done: Told of finished steps.
    """

    territory: LabelledTerritory
    pieces: Sequence[Piece]
    masks: Sequence[Path]
    device: str
    hardware: Hardware
    steps: int
    done: Advance


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """What a round of a fold came to.

    Attributes:
        view: What its model sees: the whole territory, after the last round the fold alone.
        off: What was known of detections beside records before it learnt.
    """

    view: View
    off: OffRecord


def adapt_fold(
    workshop: Workshop, fold: shapely.Geometry, start: View, folder: Path, *, rounds: int, name: str
) -> list[Round]:
    """Train the models of one fold, one from the other.

    Registration, labels and chances of a round come from what the model of the round before sees,
    and from records outside the fold alone.

    Args:
        workshop: What all folds share.
        fold: Its ground, in the working CRS.
        start: What the starting model sees.
        folder: In which everything of the fold is kept.
        rounds: How many models.
        name: Of the last model.
    """
    views, finished = [start], list[Round]()
    for number in range(1, rounds + 1):
        home = folder / f"round_{number}"
        if _is_trained(home):
            workshop.done(workshop.steps)
            off = OffRecord(**json.loads((home / _OFF).read_text(encoding="utf-8")))
        else:
            labels, off = labels_of(workshop.territory, views, without=fold)
            with whole_file(home / _OFF) as part:
                part.write_text(json.dumps(asdict(off)) + "\n", encoding="utf-8")
            learn(workshop, labels, home, start_from=views[-1].checkpoint, fold=fold, name=name)
        model = load_checkpoint(home / "checkpoint")
        ground = fold if number == rounds else None
        views.append(look(workshop.territory, model, home, device=workshop.device, fold=ground))
        finished.append(Round(views[-1], off))
    return finished


def learn(
    workshop: Workshop,
    labels: Labels,
    home: Path,
    *,
    start_from: Path,
    fold: shapely.Geometry | None,
    name: str,
) -> None:
    """Train one model; a training that was interrupted goes on.

    Args:
        workshop: What all trainings share.
        labels: What is learnt.
        home: Folder of the training; the model appears in ``home/checkpoint``.
        start_from: Checkpoint that it starts from.
        fold: Ground to measure on; all when None.
        name: Of the model.

    Raises:
        InputError: Hardly anything is known of any piece.
    """
    grid = workshop.territory.image.grid
    learnt = [
        Chip(piece.image, mask, _OPEN, "train", grid.gsd_m, soft)
        for piece, mask in zip(workshop.pieces, workshop.masks, strict=True)
        if (soft := labels.write(home, piece, grid)) is not None
    ]
    if not learnt:
        cause = "say nothing of the image outside one of the folds"
        raise InputError("records", cause, "give records of the whole territory, or fewer --folds")
    learnt = [replace(chip, source=_BUILT) if _is_built(chip) else chip for chip in learnt]
    share = workshop.territory.settings.built_share
    weights = {_BUILT: share, _OPEN: 1 - share}
    sources = {each: weights[each] for each in dict.fromkeys(chip.source for chip in learnt)}
    measured = of_fold(workshop, fold, source=next(iter(sources)))
    contract = load_checkpoint(start_from).contract
    recorded = [each for each, evidence in labels.evidence.items() if evidence is not None]
    recipe = finetuning(
        contract,
        workshop.territory.settings,
        name=name,
        sources=sources,
        labels=recorded,
        steps=workshop.steps,
    )
    train(
        recipe,
        [*learnt, *measured],
        home,
        start_from=start_from,
        hardware=workshop.hardware,
        progress=_Steps(workshop.done, recipe.steps_per_epoch),
    )


def of_fold(workshop: Workshop, fold: shapely.Geometry | None, *, source: str) -> list[Chip]:
    """Return the pieces whose middle lies in a fold, or that touch it where there is none such.

    Args:
        workshop: What all trainings share.
        fold: Ground in the working CRS; everything when None.
        source: Name that they get.
    """
    territory = workshop.territory
    grid = territory.image.grid
    grounds = ground_of(grid, [piece.window for piece in workshop.pieces])
    inside = np.ones(len(grounds), dtype=np.bool_)
    if fold is not None:
        (ground,) = territory.on_image(np.array([fold], dtype=object))
        inside = shapely.intersects(ground, shapely.centroid(grounds))
        if not inside.any():
            inside = shapely.intersects(ground, grounds)
    return [
        Chip(piece.image, mask, source, "val", grid.gsd_m)
        for piece, mask, within in zip(workshop.pieces, workshop.masks, inside, strict=True)
        if within
    ]


def _is_built(chip: Chip) -> bool:
    """Whether a record, or a decision, says that something stands there; fold by fold, as labels are."""
    target, weight = chip.read_soft()[:2]
    return bool(((target > TARGET_SCALE // 2) & (weight >= WEIGHT_SCALE)).any())


class _Steps:
    """Passes finished epochs on as steps, and what an earlier call had finished too."""

    def __init__(self, done: Advance, steps_per_epoch: int) -> None:
        self._done, self._each = done, steps_per_epoch

    def stage(
        self,
        name: str,  # noqa: ARG002 - the protocol's names
        total: float,  # noqa: ARG002
        unit: str,  # noqa: ARG002
        *,
        km2: float | None = None,  # noqa: ARG002
    ) -> AbstractContextManager[Advance]:
        return nullcontext(lambda epochs: self._done(epochs * self._each))


def _is_trained(home: Path) -> bool:
    return (home / "checkpoint" / "training.json").is_file()


def look(
    territory: LabelledTerritory,
    model: Checkpoint,
    home: Path,
    *,
    device: str,
    fold: shapely.Geometry | None = None,
    progress: Progress = SILENT,
) -> View:
    """Let a model look at a territory: where parcels are known, at what is near them.

    Args:
        territory: Where.
        model: The model.
        home: Folder in which its raster is kept.
        device: auto, cpu, cuda or openvino.
        fold: The part that is looked at; all of it when None.
        progress: Listener.
    """
    parcels = territory.inputs.parcels
    area = None if parcels is None else as_array(parcels)
    if fold is not None:
        area = np.array([fold], dtype=object) if area is None else area[shapely.intersects(area, fold)]
    settings = SegmentSettings(device=device, area=None if area is None else territory.on_image(area))
    path = home / "probabilities.tif"
    found = find_footprints(
        territory.image, model, path, crs=territory.crs, settings=settings, progress=progress
    )
    return View(path, found.table, model.folder, found.report)
