"""All stages in order: orthophotos and records in, ranked cases in a GeoPackage out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from vigibati.cadastre.cases.budget import budget_report
from vigibati.cadastre.cases.decisions import refuse_to_lose_decisions
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.words import Language
from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath, StrPaths, as_path
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.datasets.pictures.quicklook import check_picture
from vigibati.detection.report import DetectReport
from vigibati.detection.sight import Sight, segment_or_adapt
from vigibati.inference.energy import Energy, measure_energy
from vigibati.workflow.case_picture import draw_cases
from vigibati.workflow.cases import CaseList, make_cases
from vigibati.workflow.inputs import tell_of_earlier_decisions
from vigibati.workflow.options import ContextPaths, ImageOptions, RunOptions, check_listing, image_year
from vigibati.workflow.place import Place, open_place
from vigibati.workflow.provenance import Origin
from vigibati.workflow.vintages import open_vintages, presence

if TYPE_CHECKING:
    from vigibati.adaptation.run_setup import AdaptSettings


def detect(
    ortho: StrPaths,
    *,
    records: StrPath,
    out: StrPath,
    parcels: StrPath | None = None,
    context: ContextPaths = ContextPaths(),
    vintages: Mapping[int, StrPaths] = MappingProxyType({}),
    budget: int | None = None,
    checkpoint: StrPath | None = None,
    image: ImageOptions = ImageOptions(),
    image_date: str | None = None,
    rules: StrPath = "france",
    lang: Language = "fr",
    hints: RecordsHints = NO_HINTS,
    run: RunOptions = RunOptions(),
    adaptation: AdaptSettings | None = None,
    quicklook_png: StrPath | None = None,
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
        context: Further files about the places: zones, risk, protected sectors, permits, an earlier list.
        vintages: Older orthophotos by year, read as ``image`` says too; their probabilities are kept as
            ``<name>_probabilities_<year>.tif``.
        budget: How many cases can be looked at; the best are marked.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        image: How the orthophoto is read.
        image_date: Date of the orthophoto, ISO; unknown when None.
        rules: Name of a law preset, or path of a YAML file.
        lang: Language of reasons and forms.
        hints: What overrides the files of the records: CRS, format, columns.
        run: Where the work is done, and what of an earlier call is taken.
        adaptation: How the model is first adapted to the place, in the folder ``<name>_adapted``; what
            that sees out of fold is compared. The model is taken as it is when None.
        quicklook_png: Picture of the result to write as well.
        command: What was typed, for the provenance.
        progress: Listener.

    Raises:
        InputError: An input cannot be used; nothing was written.
    """
    target, picture = Path(out), as_path(quicklook_png)
    check_listing(budget, lang)
    _check_outputs(target, picture)
    preset, year = load_rules(name=rules), _checked_year(image_date, vintages, run, adaptation)
    with (
        open_place(
            ortho,
            records=records,
            parcels=parcels,
            checkpoint=checkpoint,
            image=image,
            hints=hints,
            context=context,
            territory=preset.territory,
        ) as place,
        open_vintages(vintages, place.image, place.model, image_year=year, options=image) as older,
    ):
        tell_of_earlier_decisions(place.inputs, as_path(context.previous))
        origin = Origin(_files(place.image, *older.values()), place.inputs, preset, image_date, command)
        with measure_energy() as energy:
            sight = segment_or_adapt(
                place, older, target, run=run, adaptation=adaptation, rules=preset, progress=progress
            )
            listed = _list(sight, place, rules=preset, lang=lang, image_year=year, budget=budget)
        report = _report(target, sight, listed, origin, budget, energy.result)
        _publish(report, sight, listed, origin, lang)
        if picture is not None:
            draw_cases(place.image, report.cases, listed.records, picture, lang)
    return report


def _checked_year(
    image_date: str | None,
    vintages: Mapping[int, StrPaths],
    run: RunOptions,
    adaptation: AdaptSettings | None,
) -> int | None:
    """Refuse options that do not go together, and return the year of the image."""
    if vintages and image_date is None:
        raise SettingsError("--vintage", "means nothing beside an image without date", "add --image-date")
    if adaptation is not None and run.dask is not None:
        raise SettingsError("--dask", "does not go with --adapt", "leave one of them out")
    return image_year(image_date)


def _check_outputs(out: Path, picture: Path | None) -> None:
    if picture is not None:
        check_picture(picture)
    refuse_to_lose_decisions(out)


def _files(*images: Orthophoto) -> list[Path]:
    return [path for image in images for path in image.paths]


def _list(
    sight: Sight,
    place: Place,
    *,
    rules: ComparisonRules,
    lang: Language,
    image_year: int | None,
    budget: int | None,
) -> CaseList:
    rasters = {year: path for year, (path, _) in sight.vintages.items()}
    return make_cases(
        sight.found.table,
        place.inputs,
        rules=rules,
        lang=lang,
        imaged=sight.found.imaged,
        presence=partial(presence, probabilities=rasters) if rasters else None,
        image_year=image_year,
        budget=budget,
    )


def _report(
    out: Path, sight: Sight, listed: CaseList, origin: Origin, budget: int | None, energy: Energy | None
) -> DetectReport:
    return DetectReport(
        out=out,
        probabilities=sight.probabilities,
        cases=origin.stamp(listed.cases),
        offsets=listed.offsets.table,
        segmentation=sight.found.report,
        adaptation=sight.adapted,
        vintages={year: report for year, (_, report) in sight.vintages.items()},
        comparison=listed.report,
        budget=budget_report(listed.cases, budget),
        energy=energy,
        run_id=origin.run_id,
    )


def _publish(report: DetectReport, sight: Sight, listed: CaseList, origin: Origin, lang: Language) -> None:
    seen = {
        "model": sight.model.contract.model_dump(mode="json"),
        "segmentation": asdict(report.segmentation),
        "vintages": {str(year): asdict(each) for year, each in report.vintages.items()},
        "adaptation": None if report.adaptation is None else report.adaptation.figures(),
        "energy": None if report.energy is None else asdict(report.energy),
    }
    publish(
        report.out,
        cases=report.cases,
        footprints=sight.found.table,
        records=listed.records,
        parcels=listed.parcels,
        provenance={**origin.document(listed, report.budget), **seen},
        lang=lang,
        territory=origin.rules.territory,
    )
