"""The order in which cases are worth a person's time."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.cases.budget import with_budget
from vigibati.cadastre.cases.dating import elapsed, time_facts
from vigibati.cadastre.cases.formality import formality_facts, limits_m2
from vigibati.cadastre.cases.reasons import REASON_COLUMNS, reason
from vigibati.cadastre.choices import AUTHORISED
from vigibati.cadastre.size_bands import band_index
from vigibati.cadastre.words import Language
from vigibati.configs.legal import CASE_KINDS
from vigibati.configs.rules import ComparisonRules


def rank(
    cases: gpd.GeoDataFrame,
    *,
    rules: ComparisonRules,
    lang: Language = "fr",
    image_year: int | None = None,
    budget: int | None = None,
) -> gpd.GeoDataFrame:
    """Give each case a priority, a rank and its reasons.

    Priority = chance to be real × legal weight of kind and size × context, each 0-1, so that it is 0-1 too
    and every factor can be read in the preset. Ties go to the larger area, then to the smaller
    ``case_id``.

    Args:
        cases: From `enrich`, and from `with_permits` and `date_cases` where permits and older images
            are known.
        rules: Its ``priority``, ``bands_m2``, ``legal`` and ``deadlines`` are used.
        lang: Language of ``reasons``.
        image_year: Year of the image, where it is known.
        budget: How many cases can be looked at; they are marked ``in_budget``.

    Returns:
        A copy sorted by ``rank`` (1 is first, no two alike) with ``priority``, ``reasons``,
        ``formality``, ``in_budget`` and ``expected_precision``.
    """
    chance = cases["p_case"].to_numpy(dtype=float)
    formality, usual = formality_facts(cases, rules.legal, lang=lang)
    factors = chance * _legal_weight(cases, rules) * _context_weight(cases, rules, image_year)
    ranked = cases.assign(
        # Rounded, so that two machines agree on ties.
        priority=np.round(factors, 6),
        formality=pd.Series(formality, index=cases.index, dtype="str"),
        reasons=_reasons(cases, rules, usual, lang),
    )
    ordered = ranked.sort_values(
        ["priority", "area_m2", "case_id"], ascending=[False, False, True], kind="stable", ignore_index=True
    )
    return with_budget(ordered.assign(rank=np.arange(1, len(ordered) + 1)), budget)


def _legal_weight(cases: gpd.GeoDataFrame, rules: ComparisonRules) -> NDArray[np.float64]:
    band = band_index(cases["area_m2"].to_numpy(dtype=float), rules.bands_m2)
    weights = np.array([rules.priority.legal_weight[kind] for kind in CASE_KINDS])
    chosen: NDArray[np.float64] = weights[pd.Index(CASE_KINDS).get_indexer(cases["kind"]), band]
    return chosen


def _context_weight(
    cases: gpd.GeoDataFrame, rules: ComparisonRules, image_year: int | None
) -> NDArray[np.float64]:
    weights = rules.priority
    number, zones = pd.factorize(cases["zone_kind"], use_na_sentinel=False)
    context = np.array([_zone_weight(zone, weights.zone_weight) for zone in zones], dtype=float)[number]
    for name, weight in (("risk_zone", weights.risk_weight), ("protected", weights.protected_weight)):
        context = np.where(cases[name].notna(), np.maximum(context, weight), context)
    if "status" in cases:
        explained = cases["permit"].notna() & (cases["status"] == AUTHORISED)
        context[explained.to_numpy()] *= weights.authorised_weight
    context[elapsed(cases, rules.deadlines, image_year=image_year)] *= weights.elapsed_weight
    return context


def _reasons(
    cases: gpd.GeoDataFrame, rules: ComparisonRules, usual: list[str | None], lang: Language
) -> pd.Series[str]:
    bounds = {
        kind: limits_m2(kind, rules.legal)
        if CASE_KIND_SPECS[kind].class_name == "pool"
        else (*rules.bands_m2, *limits_m2(kind, rules.legal))
        for kind in CASE_KINDS
    }
    # Column by column: a cell of a pandas table is slow to ask for.
    columns = {
        name: cases[name].to_numpy(dtype=object) if name in cases else np.full(len(cases), None, dtype=object)
        for name in REASON_COLUMNS
    }
    columns |= {"usual": usual, "time": time_facts(cases, rules.deadlines, lang=lang)}
    told = [
        reason(dict(zip(columns, row, strict=True)), bounds_m2=bounds[row[0]], lang=lang)
        for row in zip(*columns.values(), strict=True)
    ]
    return pd.Series(told, index=cases.index, dtype="str")


def _zone_weight(zone_kind: str | float, weights: Mapping[str, float]) -> float:
    """Return the weight of the longest beginning of ``zone_kind`` that is named; ``AUc`` finds ``AU``."""
    known = "" if pd.isna(zone_kind) else str(zone_kind)
    return weights[max((name for name in weights if known.startswith(name)), key=len)]
