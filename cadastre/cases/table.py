"""The table of cases: one row per thing to judge, what is known of it so far, how likely it is real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.cases.ids import case_ids
from vigibati.cadastre.overlap import Geometries
from vigibati.cadastre.size_bands import size_bands
from vigibati.configs.legal import CASE_KINDS, CaseKind
from vigibati.configs.rules import ComparisonRules

CASE_COLUMNS = (
    "case_id",
    "kind",
    "area_m2",
    "area_low_m2",
    "area_high_m2",
    "size_band",
    "p_building",
    "p_case",
    "covered",
    "offset_m",
    "tolerance_m",
    "geometry",
)


@dataclass(frozen=True, slots=True)
class Found:
    """Cases of one kind; arrays are aligned.

    Attributes:
        kind: Kind of all of them.
        geometry: Outlines, in metres.
        probability: Mean probability of the footprint; NaN where the model has said nothing.
        chance: That the case is real.
        covered: Share of the footprint that is recorded, or of the record that is seen.
        offset_m: How far the nearest record was moved.
        tolerance_m: How far it may still be off.
        sources: Number of footprints or records that they come from.
    """

    kind: CaseKind
    geometry: Geometries
    probability: NDArray[np.float64]
    chance: NDArray[np.float64]
    covered: NDArray[np.float64]
    offset_m: NDArray[np.float64]
    tolerance_m: NDArray[np.float64]
    sources: int


def case_table(found: Sequence[Found], rules: ComparisonRules, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Return all cases, from west to east within each kind, with the measures derived from their outlines."""
    geometry = np.concatenate([each.geometry for each in found])
    kind = np.repeat([each.kind for each in found], [len(each.geometry) for each in found]).astype(object)
    tolerance = np.concatenate([each.tolerance_m for each in found])
    area = shapely.area(geometry)
    doubt = shapely.length(geometry) * tolerance
    values = {
        "case_id": case_ids(list(kind), geometry),
        "kind": kind,
        "area_m2": area,
        "area_low_m2": np.maximum(area - doubt, 0.0),
        "area_high_m2": area + doubt,
        "size_band": size_bands(area, rules.bands_m2),
        "p_building": np.concatenate([each.probability for each in found]),
        "p_case": np.concatenate([each.chance for each in found]),
        "covered": np.concatenate([each.covered for each in found]),
        "offset_m": np.concatenate([each.offset_m for each in found]),
        "tolerance_m": tolerance,
    }
    parts, origin = shapely.get_parts(geometry, return_index=True)
    outlines = shapely.multipolygons(parts, indices=origin)
    table = gpd.GeoDataFrame(pd.DataFrame(values), geometry=outlines, crs=crs)
    centre = table.geometry.centroid
    order = np.lexsort((centre.y, centre.x, table["kind"].map(list(CASE_KINDS).index)))
    text = dict.fromkeys(("case_id", "kind", "size_band"), "str")
    return table.iloc[order].reset_index(drop=True).astype(text)[list(CASE_COLUMNS)]


def listed_chance(
    listed: NDArray[np.intp], compared: NDArray[np.intp], *, share: float
) -> NDArray[np.float64]:
    """Return the chance that one of the cases listed is real.

    Of ``compared`` things about ``share`` may really have changed. Where more are listed, the others are
    errors of outlines and of the model, such as roofs that it does not know. One case more on both sides
    keeps a single one among a few from being taken for an error.

    Args:
        listed: Cases of a kind.
        compared: Footprints or records that could have become one.
        share: Of these, between 0 and 1, that are expected to have changed.
    """
    return np.minimum((share * compared + 1) / (listed + 1), 1.0)
