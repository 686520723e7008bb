"""A model adapted to a territory, with the territory's own records as labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from vigibati.adaptation.agreement import Agreement, agreement, calibrations
from vigibati.adaptation.fold_training import Round, Workshop, adapt_fold, look
from vigibati.adaptation.forecast import Outlook, ground_of_folds, outlook, warnings_about
from vigibati.adaptation.report import AdaptReport
from vigibati.adaptation.result import WORK, Outcome, accepted, refused, united
from vigibati.adaptation.run_setup import AdaptSettings, enter, steps_of
from vigibati.adaptation.territory import LabelledTerritory, View, registered
from vigibati.cadastre.cases.decisions import decided
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.paths import StrPath, StrPaths
from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.datasets.chips.territory_chips import choose_windows, cut_pieces, write_mask
from vigibati.inference.energy import measure_energy
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.workflow.json_output import as_json
from vigibati.workflow.layer_files import write_layer
from vigibati.workflow.options import ContextPaths, ImageOptions
from vigibati.workflow.place import Place, open_place


def adapt(
    ortho: StrPaths,
    *,
    records: StrPath,
    out: StrPath,
    parcels: StrPath | None = None,
    previous: StrPath | None = None,
    checkpoint: StrPath | None = None,
    settings: AdaptSettings = AdaptSettings(),
    image: ImageOptions = ImageOptions(),
    rules: StrPath = "france",
    hints: RecordsHints = NO_HINTS,
    restart: bool = False,
    progress: Progress = SILENT,
) -> AdaptReport:
    """Adapt a model to a territory, without a label drawn by hand.

    See `adapt_to`, which does the work.

    Args:
        ortho: Files of one orthophoto, folders of such files, or lists of them.
        records: Cadastral records.
        out: Folder to fill; the same call goes on where an earlier one was stopped.
        parcels: Parcels; those of the records' source when None.
        previous: Cases of which people decided some; their decisions override the records.
        checkpoint: Folder of the checkpoint to start from; the shipped one when None.
        settings: How.
        image: How the orthophoto is read.
        rules: Name of a law preset, or path of a YAML file.
        hints: What overrides the files of the records.
        restart: Whether what an earlier call left in ``out`` is thrown away.
        progress: Listener.

    Raises:
        InputError: An input cannot be used, or ``out`` was begun with others.
    """
    preset = load_rules(name=rules)
    with open_place(
        ortho,
        records=records,
        parcels=parcels,
        checkpoint=checkpoint,
        image=image,
        hints=hints,
        context=ContextPaths(previous=previous),
        territory=preset.territory,
    ) as place:
        return adapt_to(place, Path(out), settings=settings, rules=preset, restart=restart, progress=progress)


def foresee(
    ortho: StrPaths,
    *,
    records: StrPath,
    parcels: StrPath | None = None,
    checkpoint: StrPath | None = None,
    settings: AdaptSettings = AdaptSettings(),
    image: ImageOptions = ImageOptions(),
    rules: StrPath = "france",
    hints: RecordsHints = NO_HINTS,
) -> Outlook:
    """Tell what `adapt` would do with the same arguments; writes nothing.

    Raises:
        InputError: An input cannot be used.
    """
    with open_place(
        ortho,
        records=records,
        parcels=parcels,
        checkpoint=checkpoint,
        image=image,
        hints=hints,
        territory=load_rules(name=rules).territory,
    ) as place:
        return outlook(place, settings)


def adapt_to(
    place: Place,
    out: Path,
    *,
    settings: AdaptSettings,
    rules: ComparisonRules,
    restart: bool = False,
    progress: Progress = SILENT,
) -> AdaptReport:
    """Adapt a model to what an open image and records show.

    The starting model looks at the whole image. The territory is cut into folds; for each, models learn
    from the records of the other folds, moved onto what the model before sees, with labels as
    uncertain as the records are (see `soft_labels` and `measure_off_record`). Every place is then
    seen by a model that never read a label of it, nor was any label registered with one of its
    records. What is seen is calibrated and judged against records and decisions; if it agrees less than
    the starting model does, that one is gone on with.

    Args:
        place: The orthophoto, its records and the model to start from; decisions are those of ``previous``.
        out: Folder to fill.
        settings: How.
        rules: Of registration and comparison.
        restart: Whether what an earlier call left in ``out`` is thrown away.
        progress: Listener.

    Raises:
        InputError: Too few records, or ``out`` was begun with other inputs.
    """
    started = time.monotonic()
    enter(out, place, settings=settings, restart=restart)
    territory = _territory(place, rules, settings)
    with measure_energy() as energy:
        looked = time.monotonic()
        start = look(territory, place.model, out / WORK / "start", device=settings.device, progress=progress)
        looked = time.monotonic() - looked
        folds = _folds(territory, settings.folds, out)
        steps = steps_of(out, settings, place.model, started=started, look_s=looked)
        with progress.stage("adapt", steps * settings.trainings, "steps") as advance:
            workshop = _workshop(territory, start, settings, steps, out / WORK, advance)
            chains = _chains(workshop, folds, start, settings.rounds, place.model, out / WORK)
            agreed, outcome = _judged(workshop, folds, start, chains, place.model, out)
    write_layer(outcome.seen.footprints, out / "footprints.gpkg", layer="footprints")
    report = AdaptReport(
        accepted=bool(outcome.fold_checkpoints),
        probabilities=outcome.seen.probabilities,
        footprints=outcome.seen.footprints,
        segmentation=start.report,
        checkpoint=outcome.checkpoint,
        fold_checkpoints=outcome.fold_checkpoints,
        agreement=agreed,
        off_record=tuple(chain[-1].off for chain in chains),
        calibrations=outcome.calibrations,
        steps=steps,
        minutes=round((time.monotonic() - started) / 60, 1),
        energy=energy.result,
        warnings=warnings_about(place.inputs.records),
    )
    with whole_file(out / "report.json") as part:
        part.write_text(as_json(report.summary()) + "\n", encoding="utf-8")
    return report


def _territory(place: Place, rules: ComparisonRules, settings: AdaptSettings) -> LabelledTerritory:
    inputs = place.inputs
    judged = decided(inputs.records.iloc[:0] if inputs.previous is None else inputs.previous)
    classes = place.model.contract.class_names
    return LabelledTerritory(place.image, inputs, judged, rules, settings.learning, classes)


def _folds(territory: LabelledTerritory, count: int, out: Path) -> NDArray[np.object_]:
    """Cut the image's ground into folds, and leave them for people to look at."""
    folds = ground_of_folds(territory.image, territory.inputs.records, count)
    table = gpd.GeoDataFrame({"fold": range(1, count + 1)}, geometry=folds, crs=territory.crs)
    write_layer(table, out / "folds.gpkg", layer="folds")
    return folds


def _workshop(
    territory: LabelledTerritory, start: View, settings: AdaptSettings, steps: int, work: Path, done: Advance
) -> Workshop:
    found, learning = registered(territory, start.footprints), settings.learning
    grid = territory.image.grid
    (cover,) = territory.on_image(np.array([found.cover], dtype=object))
    windows = choose_windows(
        grid, cover, chip_px=learning.chip_px, most=learning.most_chips, seed=learning.seed
    )
    pieces = cut_pieces(territory.image, windows, work / "pieces")
    outlines = [territory.on_image(found.roofs(name)) for name in territory.class_names]
    masks = [write_mask(work / "pieces", piece, grid, outlines) for piece in pieces]
    return Workshop(territory, pieces, masks, settings.device, settings.hardware, steps, done)


def _chains(
    workshop: Workshop,
    folds: NDArray[np.object_],
    start: View,
    rounds: int,
    model: Checkpoint,
    work: Path,
) -> list[list[Round]]:
    """Train the models of every fold."""
    return [
        adapt_fold(
            workshop,
            fold,
            start,
            work / f"fold_{number}",
            rounds=rounds,
            name=f"{model.contract.name}-fold-{number}",
        )
        for number, fold in enumerate(folds, start=1)
    ]


def _judged(
    workshop: Workshop,
    folds: NDArray[np.object_],
    start: View,
    chains: Sequence[Sequence[Round]],
    model: Checkpoint,
    out: Path,
) -> tuple[tuple[Agreement, ...], Outcome]:
    """Measure what was seen before and after each round, and take the last one if it agrees no less."""
    territory, rounds = workshop.territory, _by_round(chains)
    contract = model.contract.model_copy(update={"calibrations": None})
    after = [
        united(territory, folds, views, contract, out / WORK / f"round_{number}.tif")
        for number, views in enumerate(rounds, start=1)
    ]
    agreed = tuple(agreement(territory, view) for view in (start, *after))
    if agreed[-1].is_worse_than(agreed[0]):
        return agreed, refused(start, model.folder, out)
    fits = calibrations(workshop, after[-1], model.contract)
    return agreed, accepted(workshop, folds, rounds[-1], fits, model, out)


def _by_round(chains: Sequence[Sequence[Round]]) -> list[list[View]]:
    return [[made.view for made in of_round] for of_round in zip(*chains, strict=True)]
