"""A model adapted to a territory, with the territory's own records as labels."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from vigibati.adaptation.agreement import agreement, calibrations
from vigibati.adaptation.fold_training import Round, Workshop, adapt_fold, look
from vigibati.adaptation.forecast import Outlook, ground_of_folds, outlook, warnings_about
from vigibati.adaptation.report import AdaptReport
from vigibati.adaptation.result import WORK, accepted, refused, united
from vigibati.adaptation.run_setup import AdaptSettings, enter, steps_of
from vigibati.adaptation.territory import Territory, View, registered
from vigibati.cadastre.cases.decisions import decided
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.sheets import check_overlap
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.datasets.chips.territory_chips import choose_windows, cut_pieces, write_mask
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.energy import measure_energy
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.workflow.footprints import open_for
from vigibati.workflow.inputs import CadastralInputs, read_cadastral_inputs
from vigibati.workflow.json_output import as_json
from vigibati.workflow.layer_files import write_layer
from vigibati.workflow.options import ContextPaths


def adapt(
    ortho: Sequence[Path],
    *,
    records: Path,
    out: Path,
    parcels: Path | None = None,
    previous: Path | None = None,
    checkpoint: Path | None = None,
    settings: AdaptSettings = AdaptSettings(),  # noqa: B008 - frozen
    rules: str = "france",
    crs: str | None = None,
    hints: RecordsHints = NO_HINTS,
    bands: tuple[int, ...] | None = None,
    scale: tuple[float, float] | None = None,
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
        rules: Name of the preset of thresholds.
        crs: CRS of an orthophoto that does not state it.
        hints: What overrides the files of the records.
        bands: Numbers of the bands to read as red, green and blue, from 1.
        scale: Values that become 0 and 255 in images of more than 8 bits.
        restart: Whether what an earlier call left in ``out`` is thrown away.
        progress: Listener.

    Raises:
        InputError: An input cannot be used, or ``out`` was begun with others.
    """
    sources = _Sources(ortho, records, parcels, previous, checkpoint, crs, hints, bands, scale)
    with _opened(sources) as (image, inputs, model):
        return adapt_to(
            image,
            inputs,
            model,
            out,
            settings=settings,
            rules=load_rules(name=rules),
            restart=restart,
            progress=progress,
        )


def foresee(
    ortho: Sequence[Path],
    *,
    records: Path,
    parcels: Path | None = None,
    checkpoint: Path | None = None,
    settings: AdaptSettings = AdaptSettings(),  # noqa: B008 - frozen
    crs: str | None = None,
    hints: RecordsHints = NO_HINTS,
    bands: tuple[int, ...] | None = None,
    scale: tuple[float, float] | None = None,
) -> Outlook:
    """Tell what `adapt` would do with the same arguments; writes nothing.

    Raises:
        InputError: An input cannot be used.
    """
    with _opened(_Sources(ortho, records, parcels, None, checkpoint, crs, hints, bands, scale)) as opened:
        image, inputs, model = opened
        return outlook(image, inputs, model, settings)


@dataclass(frozen=True, slots=True)
class _Sources:
    """What ``adapt`` reads, as its arguments describe it."""

    ortho: Sequence[Path]
    records: Path
    parcels: Path | None
    previous: Path | None
    checkpoint: Path | None
    crs: str | None
    hints: RecordsHints
    bands: tuple[int, ...] | None
    scale: tuple[float, float] | None


@contextmanager
def _opened(sources: _Sources) -> Iterator[tuple[Orthophoto, CadastralInputs, Checkpoint]]:
    image, model, working = open_for(
        sources.ortho,
        checkpoint=sources.checkpoint,
        crs=sources.crs,
        bands=sources.bands,
        scale=sources.scale,
    )
    with image:
        inputs = read_cadastral_inputs(
            records=sources.records,
            parcels=sources.parcels,
            crs=working,
            hints=sources.hints,
            context=ContextPaths(previous=sources.previous),
        )
        check_overlap(inputs.records, image.grid.bounds, bounds_crs=image.grid.crs, path=sources.records)
        yield image, inputs, model


def adapt_to(
    image: Orthophoto,
    inputs: CadastralInputs,
    model: Checkpoint,
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
        image: The orthophoto, at the pixel size of the model.
        inputs: Records and context; decisions are those of ``previous``.
        model: To start from.
        out: Folder to fill.
        settings: How.
        rules: Of registration and comparison.
        restart: Whether what an earlier call left in ``out`` is thrown away.
        progress: Listener.

    Raises:
        InputError: Too few records, or ``out`` was begun with other inputs.
    """
    started = time.monotonic()
    enter(out, image=image, inputs=inputs, model=model, settings=settings, restart=restart)
    judged = decided(inputs.records.iloc[:0] if inputs.previous is None else inputs.previous)
    territory = Territory(image, inputs, judged, rules, settings.learning, model.contract.class_names)
    contract = model.contract.model_copy(update={"calibrations": None})
    with measure_energy() as energy:
        looked = time.monotonic()
        start = look(territory, model, out / WORK / "start", device=settings.device, progress=progress)
        looked = time.monotonic() - looked
        folds = _folds(territory, settings.folds, out)
        steps = steps_of(out, settings, model, started=started, look_s=looked)
        with progress.stage("adapt", steps * settings.trainings, "steps") as advance:
            workshop = _workshop(territory, start, settings, steps, out / WORK, advance)
            chains = [
                adapt_fold(
                    workshop,
                    fold,
                    start,
                    out / WORK / f"fold_{number}",
                    rounds=settings.rounds,
                    name=f"{contract.name}-fold-{number}",
                )
                for number, fold in enumerate(folds, start=1)
            ]
            after = [
                united(territory, folds, views, contract, out / WORK / f"round_{number}.tif")
                for number, views in enumerate(_by_round(chains), start=1)
            ]
            agreed = tuple(agreement(territory, view) for view in (start, *after))
            if agreed[-1].is_worse_than(agreed[0]):
                outcome = refused(start, model.folder, out)
            else:
                fits = calibrations(workshop, after[-1], model.contract)
                outcome = accepted(workshop, folds, _by_round(chains)[-1], fits, model, out)
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
        warnings=warnings_about(inputs.records),
    )
    with whole_file(out / "report.json") as part:
        part.write_text(as_json(report.summary()) + "\n", encoding="utf-8")
    return report


def _folds(territory: Territory, count: int, out: Path) -> NDArray[np.object_]:
    """Cut the image's ground into folds, and leave them for people to look at."""
    folds = ground_of_folds(territory.image, territory.inputs.records, count)
    table = gpd.GeoDataFrame({"fold": range(1, count + 1)}, geometry=folds, crs=territory.crs)
    write_layer(table, out / "folds.gpkg", layer="folds")
    return folds


def _workshop(
    territory: Territory, start: View, settings: AdaptSettings, steps: int, work: Path, done: Advance
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


def _by_round(chains: Sequence[Sequence[Round]]) -> list[list[View]]:
    return [[made.view for made in of_round] for of_round in zip(*chains, strict=True)]
