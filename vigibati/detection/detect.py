"""All stages in order: orthophotos and records in, ranked cases in a GeoPackage out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.cases.budget import budget_report
from vigibati.cadastre.cases.decisions import refuse_to_lose_decisions
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.sheets import check_overlap
from vigibati.cadastre.words import Language
from vigibati.configs.atomic_files import check_geopackage
from vigibati.configs.errors import SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.rules import load_rules
from vigibati.datasets.pictures.quicklook import check_picture
from vigibati.detection.provenance import origin_of
from vigibati.detection.report import DetectReport
from vigibati.inference.energy import measure_energy
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.case_picture import draw_cases
from vigibati.workflow.cases import make_cases
from vigibati.workflow.footprints import find_footprints, open_for
from vigibati.workflow.inputs import read_cadastral_inputs, tell_of_earlier_decisions
from vigibati.workflow.options import ContextPaths
from vigibati.workflow.vintages import open_vintages, presence, segment_vintages

if TYPE_CHECKING:
    from vigibati.adaptation.run_setup import AdaptSettings


def detect(
    ortho: Sequence[Path],
    *,
    records: Path,
    out: Path,
    parcels: Path | None = None,
    zones: Sequence[Path] = (),
    risk: Sequence[Path] = (),
    protected: Sequence[Path] = (),
    permits: Sequence[Path] = (),
    vintages: Mapping[int, Sequence[Path]] = MappingProxyType({}),
    previous: Path | None = None,
    budget: int | None = None,
    checkpoint: Path | None = None,
    device: str = "auto",
    rules: str = "france",
    lang: Language = "fr",
    crs: str | None = None,
    hints: RecordsHints = NO_HINTS,
    bands: tuple[int, ...] | None = None,
    scale: tuple[float, float] | None = None,
    image_date: str | None = None,
    quicklook_png: Path | None = None,
    dask: str | None = None,
    restart: bool = False,
    retry_failed: bool = False,
    adaptation: AdaptSettings | None = None,
    command: Sequence[str] = (),
    progress: Progress = SILENT,
) -> DetectReport:
    """Find buildings in an orthophoto, compare them with records, and publish ranked cases.

    All inputs are read and checked before the first pixel is inferred. The probability raster is
    kept beside ``out`` as ``<name>_probabilities.tif``: the same call with other records, zones or rules
    does not segment again, and a call that was stopped goes on where it was. Where parcels are known,
    what is farther than 20 m from all of them is skipped.

    Args:
        ortho: Files of one orthophoto, folders of such files, or lists of them.
        records: Cadastral records.
        out: GeoPackage to write; an earlier one is replaced as a whole, unless a person decided in it.
        parcels: Parcels; those of the records' source when None.
        zones: Planning zones.
        risk: Zones of risk plans.
        protected: Protected sectors.
        permits: CSV lists of permits by parcel.
        vintages: Older orthophotos by year; their probabilities are kept as
            ``<name>_probabilities_<year>.tif``.
        previous: Cases of an earlier run, which keep their numbers.
        budget: How many cases can be looked at; the best are marked.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        device: auto, cpu, cuda or openvino.
        rules: Name of the preset of thresholds.
        lang: Language of reasons and forms.
        crs: CRS of an orthophoto that does not state it.
        hints: What overrides the files of the records: CRS, format, columns.
        bands: Numbers of the bands to read as red, green and blue, from 1; as the files name them when None.
            Holds for ``vintages`` too, as ``crs`` and ``scale`` do.
        scale: Values that become 0 and 255 in images of more than 8 bits.
        image_date: Date of the orthophoto, ISO; unknown when None.
        quicklook_png: Picture of the result to write as well.
        dask: Address of a Dask scheduler, or "local" or "local:N"; this process alone when None.
        restart: Whether what an earlier call segmented is thrown away.
        retry_failed: Whether parts that an earlier call gave up are tried again.
        adaptation: How the model is first adapted to the place, in the folder ``<name>_adapted``; what
            that sees out of fold is compared. The model is taken as it is when None.
        command: What was typed, for the provenance.
        progress: Listener.

    Raises:
        InputError: An input cannot be used; nothing was written.
    """
    check_geopackage(out)
    if quicklook_png is not None:
        check_picture(quicklook_png)
    image_year = None if image_date is None else _checked_date(image_date).year
    if vintages and image_year is None:
        raise SettingsError("--vintage", "means nothing beside an image without date", "add --image-date")
    refuse_to_lose_decisions(out)
    thresholds = load_rules(name=rules)
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    probabilities = out.with_name(f"{out.stem}_probabilities.tif")
    image, model, working = open_for(ortho, checkpoint=checkpoint, crs=crs, bands=bands, scale=scale)
    older = open_vintages(
        vintages, image=image, model=model, image_year=image_year, crs=crs, bands=bands, scale=scale
    )
    with image, older as opened:
        inputs = read_cadastral_inputs(
            records=records,
            parcels=parcels,
            crs=working,
            hints=hints,
            context=ContextPaths(zones, risk, protected, permits, previous),
        )
        check_overlap(inputs.records, image.grid.bounds, bounds_crs=image.grid.crs, path=records)
        tell_of_earlier_decisions(inputs, previous)
        settings = SegmentSettings(
            device=device,
            area=None
            if inputs.parcels is None
            else inputs.parcels.to_crs(image.grid.crs).geometry.to_numpy(),
            dask=dask,
            restart=restart,
            retry_failed=retry_failed,
        )
        with measure_energy() as energy:
            if adaptation is None:
                adapted = None
                found = find_footprints(
                    image, model, probabilities, crs=working, settings=settings, progress=progress
                )
            else:
                # It needs all that trains, which takes seconds to load.
                from vigibati.adaptation.adapt import adapt_to  # noqa: PLC0415

                adapted = adapt_to(
                    image,
                    inputs,
                    model,
                    out.with_name(f"{out.stem}_adapted"),
                    settings=adaptation,
                    rules=thresholds,
                    restart=restart,
                    progress=progress,
                )
                model, found = load_checkpoint(adapted.checkpoint), adapted.found(working)
            seen = segment_vintages(
                opened, model, probabilities, settings, area_crs=image.grid.crs, progress=progress
            )
            listed = make_cases(
                found.table,
                inputs,
                rules=thresholds,
                lang=lang,
                imaged=found.imaged,
                presence=partial(presence, probabilities={year: path for year, (path, _) in seen.items()})
                if seen
                else None,
                image_year=image_year,
                budget=budget,
            )
        report = DetectReport(
            out=out,
            probabilities=probabilities if adapted is None else adapted.probabilities,
            cases=listed.cases.assign(
                run_id=run_id, image_date=image_date, records_date=_records_date(inputs.records)
            ),
            offsets=listed.offsets.table,
            segmentation=found.report,
            adaptation=adapted,
            vintages={year: each for year, (_, each) in seen.items()},
            comparison=listed.report,
            budget=budget_report(listed.cases, budget),
            energy=energy.result,
            run_id=run_id,
        )
        images = [*image.paths, *(path for each in opened.values() for path in each.paths)]
        publish(
            out,
            cases=report.cases,
            footprints=found.table,
            records=listed.records,
            parcels=listed.parcels,
            provenance=origin_of(
                report,
                files=[*images, *inputs.paths],
                model=model.contract,
                rules=thresholds,
                repairs=inputs.record_set.repairs,
                command=command,
            ),
            lang=lang,
        )
        if quicklook_png is not None:
            draw_cases(image, report.cases, listed.records, quicklook_png, lang)
    return report


def _checked_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError("--image-date", f"'{text}' is no date", "write it as 2024-07-01") from error


def _records_date(records: gpd.GeoDataFrame) -> str | None:
    # The newest change in the extract is the only date that says how fresh it is.
    dates = pd.concat([records["created"], records["updated"]]).dropna()
    return None if dates.empty else str(dates.max())
