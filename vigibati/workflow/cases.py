"""From footprints and records to ranked cases: the half of the pipeline that needs no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import shapely

from vigibati.cadastre.cases.context import enrich
from vigibati.cadastre.cases.dating import date_cases
from vigibati.cadastre.cases.ids import keep_ids
from vigibati.cadastre.cases.permits import with_permits
from vigibati.cadastre.cases.rank import rank
from vigibati.cadastre.comparison.compare import ComparisonReport, compare
from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.registration.register import register
from vigibati.cadastre.words import Language
from vigibati.configs.rules import ComparisonRules
from vigibati.workflow.inputs import CadastralInputs


@dataclass(frozen=True, slots=True, eq=False)
class CaseList:
    """Ranked cases, and what they rest on.

    Attributes:
        cases: One row per thing to judge, by rank.
        records: Records as moved onto the image.
        parcels: Parcels as moved onto the image; None if none are known.
        offsets: How far each sheet was moved.
        report: Counts of the comparison.
    """

    cases: gpd.GeoDataFrame
    records: gpd.GeoDataFrame
    parcels: gpd.GeoDataFrame | None
    offsets: Offsets
    report: ComparisonReport


def make_cases(
    footprints: gpd.GeoDataFrame,
    inputs: CadastralInputs,
    *,
    rules: ComparisonRules,
    lang: Language,
    imaged: shapely.Geometry | None = None,
    offsets: Offsets | None = None,
    presence: Callable[[gpd.GeoDataFrame], pd.DataFrame] | None = None,
    image_year: int | None = None,
    budget: int | None = None,
) -> CaseList:
    """Register the records, compare, add context and rank.

    Args:
        footprints: Found in the image, in the CRS of the inputs.
        inputs: Records and context.
        rules: Thresholds, weights and territory.
        lang: Language of the reasons, "fr" or "en".
        imaged: Ground that the image shows; everything when None.
        offsets: How far each sheet is to be moved; estimated here when None.
        presence: Tells of cases how probable it is that older images show them, see `date_cases`; None
            where there are no older images.
        image_year: Year of the image, where it is known.
        budget: How many cases can be looked at.
    """
    if offsets is None:
        offsets = register(footprints, inputs.records, rules=rules)
    parcels = None if inputs.parcels is None else offsets.apply(inputs.parcels)
    drawn = inputs.record_set.sheets
    sheets = None if drawn is None else offsets.apply(drawn, nearest_if_unknown=True)
    records = offsets.apply(inputs.records)
    cover = records_cover(records, parcels=parcels, sheets=sheets)
    comparison = compare(footprints, inputs.records, offsets, rules=rules, cover=cover, imaged=imaged)
    cases = enrich(
        keep_ids(comparison.cases, inputs.previous),
        parcels=parcels,
        zones=inputs.zones,
        risk=inputs.risk,
        protected=inputs.protected,
        least_share=rules.priority.context_share,
        territory=rules.territory,
    )
    if presence is not None:
        cases = date_cases(cases, presence(cases), image_year=image_year, rules=rules.vintages)
    cases = with_permits(cases, inputs.permits, parcels=parcels, rules=rules)
    return CaseList(
        cases=rank(cases, rules=rules, lang=lang, image_year=image_year, budget=budget),
        records=records,
        parcels=parcels,
        offsets=offsets,
        report=comparison.report,
    )
