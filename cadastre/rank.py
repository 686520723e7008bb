"""The order in which cases are worth a person's time."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.bands import band_index
from vigibati.cadastre.reasons import REASON_COLUMNS, reason
from vigibati.cadastre.words import Language
from vigibati.configs.rules import ComparisonRules


def rank(cases: gpd.GeoDataFrame, *, rules: ComparisonRules, lang: Language = "fr") -> gpd.GeoDataFrame:
    """Give each case a priority, a rank and its reasons.

    Priority = probability × legal weight of kind and size × weight of the zone, each 0-1, so that
    it is 0-1 too and every factor can be read in the preset. Ties go to the larger area, then to
    the smaller ``case_id``.

    Args:
        cases: From `enrich`.
        rules: Its ``priority`` and ``bands_m2`` are used.
        lang: Language of ``reasons``.

    Returns:
        A copy sorted by ``rank`` (1 is first, no two alike) with ``priority`` and ``reasons``.
    """
    chance = cases["p_building"].fillna(rules.priority.unknown_probability).to_numpy(dtype=float)
    band = band_index(cases["area_m2"].to_numpy(dtype=float), rules.bands_m2)
    kinds = cases["kind"].to_numpy(dtype=object)
    legal = [rules.priority.legal_weight[kind][step] for kind, step in zip(kinds, band, strict=True)]
    number, zones = pd.factorize(cases["zone_kind"], use_na_sentinel=False)
    context = np.array([_zone_weight(zone, rules.priority.zone_weight) for zone in zones])[number]
    # Column by column: a cell of a pandas table is slow to ask for.
    columns = {name: cases[name].to_numpy(dtype=object) for name in REASON_COLUMNS}
    reasons = [
        reason(dict(zip(columns, row, strict=True)), bounds_m2=rules.bands_m2, lang=lang)
        for row in zip(*columns.values(), strict=True)
    ]
    ranked = cases.assign(
        # Rounded, so that two machines agree on ties.
        priority=np.round(chance * np.asarray(legal, dtype=float) * context, 6),
        reasons=pd.Series(reasons, index=cases.index, dtype="str"),
    )
    ordered = ranked.sort_values(
        ["priority", "area_m2", "case_id"], ascending=[False, False, True], kind="stable", ignore_index=True
    )
    return ordered.assign(rank=np.arange(1, len(ordered) + 1))


def _zone_weight(zone_kind: str | float, weights: Mapping[str, float]) -> float:
    """Return the weight of the longest beginning of ``zone_kind`` that is named; ``AUc`` finds ``AU``."""
    known = "" if pd.isna(zone_kind) else str(zone_kind)
    return weights[max((name for name in weights if known.startswith(name)), key=len)]
