"""`compare`: from footprints and records to ranked cases, without a model and without the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from vigibati.cadastre.cases.budget import BudgetReport, budget_report
from vigibati.cadastre.cases.decisions import refuse_to_lose_decisions
from vigibati.cadastre.comparison.compare import ComparisonReport
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.registration.offsets_io import read_offsets
from vigibati.cadastre.words import Language
from vigibati.configs.paths import StrPath, as_path
from vigibati.configs.rules import load_rules
from vigibati.workflow.cases import CaseList, make_cases
from vigibati.workflow.inputs import read_with_footprints, tell_of_earlier_decisions
from vigibati.workflow.options import ContextPaths, check_listing, image_year
from vigibati.workflow.provenance import Origin


@dataclass(frozen=True, slots=True, eq=False)
class CompareReport:
    """What a run of ``compare`` made.

    Attributes:
        out: The GeoPackage.
        cases: The cases, by rank.
        offsets: One row per sheet.
        comparison: Counts of the comparison.
        budget: What the planned visits buy.
        run_id: Name of the run, also in every case.
    """

    out: Path
    cases: gpd.GeoDataFrame
    offsets: gpd.GeoDataFrame
    comparison: ComparisonReport
    budget: BudgetReport
    run_id: str


def compare(
    footprints: StrPath,
    *,
    records: StrPath,
    out: StrPath,
    parcels: StrPath | None = None,
    context: ContextPaths = ContextPaths(),
    offsets: StrPath | None = None,
    budget: int | None = None,
    image_date: str | None = None,
    rules: StrPath = "france",
    lang: Language = "fr",
    hints: RecordsHints = NO_HINTS,
    command: Sequence[str] = (),
) -> CompareReport:
    """Compare footprints with records, and publish ranked cases as ``detect`` does.

    The convex hull of the footprints counts as the ground that the image shows.

    Args:
        footprints: Footprints made by ``vectorise``.
        records: Cadastral records.
        out: GeoPackage to write; an earlier one is replaced as a whole, unless a person decided in it.
        parcels: Parcels; those of the records' source when None.
        context: Further files about the places.
        offsets: Offsets made by ``register``; estimated anew when None.
        budget: How many cases can be looked at; the best are marked.
        image_date: Date of the orthophoto, ISO; unknown when None.
        rules: Name of a law preset, or path of a YAML file.
        lang: Language of reasons and forms.
        hints: What overrides the files of the records: CRS, format, columns.
        command: What was typed, for the provenance.

    Raises:
        InputError: An input cannot be used; nothing was written.
    """
    outlines, target, offsets_file = Path(footprints), Path(out), as_path(offsets)
    check_listing(budget, lang)
    year = image_year(image_date)
    refuse_to_lose_decisions(target)
    preset = load_rules(name=rules)
    found, inputs = read_with_footprints(
        outlines,
        records=Path(records),
        parcels=as_path(parcels),
        hints=hints,
        context=context,
        territory=preset.territory,
    )
    tell_of_earlier_decisions(inputs, as_path(context.previous))
    seen = [outlines] if offsets_file is None else [outlines, offsets_file]
    origin = Origin(seen, inputs, preset, image_date, command)
    listed = make_cases(
        found,
        inputs,
        rules=preset,
        lang=lang,
        offsets=None if offsets_file is None else read_offsets(offsets_file),
        image_year=year,
        budget=budget,
    )
    report = CompareReport(
        out=target,
        cases=origin.stamp(listed.cases),
        offsets=listed.offsets.table,
        comparison=listed.report,
        budget=budget_report(listed.cases, budget),
        run_id=origin.run_id,
    )
    _publish(report, found, listed, origin, lang)
    return report


def _publish(
    report: CompareReport, footprints: gpd.GeoDataFrame, listed: CaseList, origin: Origin, lang: Language
) -> None:
    publish(
        report.out,
        cases=report.cases,
        footprints=footprints,
        records=listed.records,
        parcels=listed.parcels,
        provenance=origin.document(listed, report.budget),
        lang=lang,
        territory=origin.rules.territory,
    )
