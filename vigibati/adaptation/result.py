"""What an adaptation leaves behind: one raster out of fold, and models with contracts and cards."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.adaptation.fold_training import Workshop, learn, of_fold
from vigibati.adaptation.territory import LabelledTerritory, View, labels_of, registered
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.contract import Calibration, ModelContract
from vigibati.datasets.chips.territory_chips import write_mask
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.segmentation.mosaic import Patch, mosaic
from vigibati.inference.vectorisation.vectorise import vectorise
from vigibati.training.evaluate import evaluate
from vigibati.training.finetune import finetuning
from vigibati.training.publishing.write_card import write_report

WORK: Final = "work"
"""Folder in an adaptation's folder with everything that a stopped run goes on from."""

_SHORT_M = 50.0
_RASTER = "probabilities.tif"
_SOURCE = "territory"
_OF_FOLD = """\
This model learnt from the records of the other folds of its territory, moved onto the image, and never
saw those of fold {fold}; its figures are those of fold {fold}. What they call the truth are the records there
as they were moved: incomplete, and not drawn by hand."""
_OF_ALL = """\
This model learnt from the records of all folds of its territory, moved onto the image, and from what the
models of the folds see where no record is. Its figures are those of ground that it learnt from: they show
that it learnt, not how well it will do elsewhere. What they call the truth are the records, as they were
moved."""
_CALIBRATED = """\
Its figures are those of its own probabilities. Its contract holds a calibration that was fitted on what the
models of all folds say of ground whose labels they never saw: temperature {temperature:g}, and for footprints
the slope {slope:g} and the offset {offset:g}."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What is gone on with.

    Attributes:
        seen: What is to be compared with the records.
        checkpoint: Model for other places.
        fold_checkpoints: Models of the folds; none where the adaptation is refused.
        calibrations: Fitted out of fold, by class; none where it is refused.
    """

    seen: View
    checkpoint: Path
    fold_checkpoints: tuple[Path, ...]
    calibrations: tuple[Calibration, ...]


def refused(start: View, checkpoint: Path, out: Path) -> Outcome:
    """Put what the starting model sees where the result would have been.

    Args:
        start: What the starting model sees.
        checkpoint: Its folder.
        out: Folder of the adaptation.
    """
    path = out / _RASTER
    with whole_file(path) as part:
        shutil.copyfile(start.probabilities, part)
    return Outcome(replace(start, probabilities=path), checkpoint, (), ())


def accepted(
    workshop: Workshop,
    folds: NDArray[np.object_],
    views: Sequence[View],
    calibrations: tuple[Calibration, ...],
    model: Checkpoint,
    out: Path,
) -> Outcome:
    """Write the result out of fold, and keep the models.

    Args:
        workshop: What all trainings share.
        folds: Their ground, in the working CRS.
        views: What the last model of each fold sees of it.
        calibrations: Fitted to just that, by class.
        model: The starting one.
        out: Folder of the adaptation.
    """
    contract = model.contract.model_copy(update={"calibrations": calibrations})
    seen = united(workshop.territory, folds, views, contract, out / _RASTER)
    name = f"{contract.name}-adapted"
    single = _distil(workshop, seen, model.folder, out / WORK / "single", name=name)
    judging = _with_masks(workshop, seen, out / WORK / "judged")
    models = tuple(
        _keep_model(judging, view.checkpoint, out / f"fold_{number}", calibrations, fold=fold, number=number)
        for number, (view, fold) in enumerate(zip(views, folds, strict=True), start=1)
    )
    return Outcome(seen, _keep_model(judging, single, out / "checkpoint", calibrations), models, calibrations)


def united(
    territory: LabelledTerritory,
    folds: NDArray[np.object_],
    views: Sequence[View],
    contract: ModelContract,
    out: Path,
) -> View:
    """Put together what each fold's model sees of its fold.

    Args:
        territory: Where.
        folds: Their ground, in the working CRS.
        views: Of each fold.
        contract: Names classes and thresholds, and holds the calibration that is to be applied.
        out: Raster to write.
    """
    # A straight border stays one to within a millimetre in the CRS of the image.
    grounds = territory.on_image(shapely.segmentize(folds, _SHORT_M))
    patches = [Patch(view.probabilities, ground) for view, ground in zip(views, grounds, strict=True)]
    mosaic(patches, contract, out)
    return View(out, vectorise(out).to_crs(territory.crs), views[0].checkpoint, views[0].report)


def _distil(workshop: Workshop, seen: View, start: Path, home: Path, *, name: str) -> Path:
    """Train one model on what the models of all folds see, each of ground that it never learnt from.

    Where records or decisions speak they count as in a fold; elsewhere the target is what was seen,
    so that a building that nobody recorded stays one.

    Args:
        workshop: What all trainings share.
        seen: Out of fold, calibrated.
        start: Checkpoint to start from.
        home: Folder of the training.
        name: Of the model.

    Returns:
        Its folder.
    """
    checkpoint = home / "checkpoint"
    if (checkpoint / "training.json").is_file():
        workshop.done(workshop.steps)
        return checkpoint
    labels, _ = labels_of(workshop.territory, [seen])
    recorded = {
        each: None if known is None else replace(known, possible=known.possible[:0], chance=known.chance[:0])
        for each, known in labels.evidence.items()
    }
    taught = replace(labels, evidence=recorded, taught=True, view_weight=1.0)
    learn(workshop, taught, home, start_from=start, fold=None, name=name)
    return checkpoint


def _with_masks(workshop: Workshop, seen: View, out: Path) -> Workshop:
    """Return the workshop with masks of the records as they lie on what is seen at last."""
    territory = workshop.territory
    found = registered(territory, seen.footprints)
    outlines = [territory.on_image(found.roofs(name)) for name in territory.class_names]
    grid = territory.image.grid
    return replace(workshop, masks=[write_mask(out, piece, grid, outlines) for piece in workshop.pieces])


def _keep_model(
    workshop: Workshop,
    source: Path,
    folder: Path,
    calibrations: Sequence[Calibration],
    *,
    fold: shapely.Geometry | None = None,
    number: int = 0,
) -> Path:
    """Copy a model, measure it, write its card and give it a calibration.

    Args:
        workshop: Pieces and masks to measure on.
        source: Folder of the model.
        folder: Where it is to be kept.
        calibrations: Of each class.
        fold: Ground that it never saw the labels of, on which it is measured; all when None.
        number: Of the fold.

    Returns:
        ``folder``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        shutil.copy2(file, folder / file.name)
    model, territory = load_checkpoint(folder), workshop.territory
    recorded = ["building"] + ["pool"] * bool((territory.inputs.records["kind"] == "pool").any())
    labelled = [name for name in model.contract.class_names if name in recorded]
    recipe = finetuning(
        model.contract,
        territory.settings,
        name=model.contract.name,
        sources={_SOURCE: 1.0},
        labels=labelled,
        steps=workshop.steps,
    )
    chips = of_fold(workshop, fold, source=_SOURCE)
    building = calibrations[territory.class_names.index("building")]
    fitted = _CALIBRATED.format(
        temperature=building.temperature, slope=building.object_slope, offset=building.object_offset
    )
    story = _OF_ALL if fold is None else _OF_FOLD.format(fold=number)
    write_report(model, evaluate(model, recipe, chips), adapted=f"{story}\n\n{fitted}")
    calibrated = model.contract.model_copy(update={"calibrations": tuple(calibrations)})
    with whole_file(folder / "contract.json") as part:
        part.write_text(calibrated.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return folder
