"""Which kind of case each difference is: a new building, an extension, a pool, or a record not seen."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.cases.table import Found, listed_chance
from vigibati.cadastre.comparison.shifted_footprints import displaced
from vigibati.cadastre.comparison.unexplained_parts import Residue, grown_parts, residue
from vigibati.cadastre.comparison.unseen_records import unseen
from vigibati.cadastre.overlap import Geometries, as_array, largest_overlap
from vigibati.cadastre.size_bands import band_index
from vigibati.configs.legal import CaseKind
from vigibati.configs.method import CaseRules
from vigibati.configs.rules import ComparisonRules


def unrecorded_buildings(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, rules: ComparisonRules
) -> tuple[list[Found], int]:
    """Return new buildings and extensions, and how many new buildings were too unsure to be listed.

    Args:
        footprints: Of buildings, where the records speak, with ``probability``.
        records: Other than pools, moved onto the image, with ``tolerance_m``, ``overhang_m``, ``offset_m``.
        rules: Its ``cases`` are used, and the tolerance where nothing is registered.
    """
    left = residue(
        as_array(footprints),
        as_array(records),
        records["tolerance_m"].to_numpy(dtype=float),
        records["overhang_m"].to_numpy(dtype=float),
        rules=rules.cases,
    )
    outlines = as_array(footprints)[left.rows]
    probability = footprints["probability"].to_numpy(dtype=float)[left.rows]
    offset, tolerance = _nearest(outlines, records, rules)
    is_new = left.covered < rules.cases.new_below
    is_candidate = is_new & (shapely.area(outlines) >= rules.cases.min_area_m2)
    is_sure = probability >= rules.cases.new_min_probability
    parts, grown = _extensions(outlines, left, np.flatnonzero(~is_new), tolerance, records, rules.cases)
    listed, compared = len(np.unique(grown)), len(footprints) - is_new.sum()
    real = float(listed_chance(np.array(listed), np.array(compared), share=rules.cases.extended_share))

    def found(kind: CaseKind, shapes: Geometries, of: NDArray[np.intp], chance: float) -> Found:
        return Found(
            kind,
            shapes,
            probability[of],
            chance * probability[of],
            left.covered[of],
            offset[of],
            tolerance[of],
            sources=len(np.unique(of)),
        )

    new = np.flatnonzero(is_candidate & is_sure)
    cases = [found("new_building", outlines[new], new, 1.0), found("extension", parts, grown, real)]
    return cases, int((is_candidate & ~is_sure).sum())


def unrecorded_pools(pools: gpd.GeoDataFrame, recorded: gpd.GeoDataFrame, rules: ComparisonRules) -> Found:
    """Return the pools with no recorded pool within the tolerance.

    Args:
        pools: Footprints of pools, where the records speak, with ``probability``.
        recorded: Recorded pools, moved onto the image.
        rules: Its ``cases`` are used, and the tolerance where nothing is registered.
    """
    outlines = as_array(pools)
    offset, tolerance = _nearest(outlines, recorded, rules)
    is_large = shapely.area(outlines) >= rules.cases.min_pool_m2
    is_known = np.zeros(len(outlines), dtype=bool)
    if len(recorded) > 0:
        near = shapely.STRtree(as_array(recorded)).query(outlines, predicate="dwithin", distance=tolerance)
        is_known[near[0]] = True
    rows = np.flatnonzero(is_large & ~is_known)
    probability = pools["probability"].to_numpy(dtype=float)[rows]
    return Found(
        "pool",
        outlines[rows],
        probability,
        probability,
        np.zeros(len(rows)),
        offset[rows],
        tolerance[rows],
        sources=len(rows),
    )


def records_not_seen(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, rules: ComparisonRules
) -> Found:
    """Return the records with too little of them under footprints.

    Args:
        footprints: Of buildings, also where the records do not speak.
        records: Other than pools, wholly in the image, moved onto it.
        rules: Its ``cases`` and ``bands_m2`` are used.
    """
    large = records[shapely.area(as_array(records)) >= rules.cases.not_seen_min_m2]
    row, seen = unseen(
        large,
        as_array(footprints),
        floor_m=rules.cases.not_seen_slack_m,
        below=rules.cases.not_seen_below,
    )
    missing = large.iloc[row]
    band = band_index(shapely.area(as_array(large)), rules.bands_m2)
    count = len(rules.bands_m2) + 1
    chance = listed_chance(
        np.bincount(band[row], minlength=count),
        np.bincount(band, minlength=count),
        share=rules.cases.gone_share,
    )
    return Found(
        "not_seen",
        as_array(missing),
        np.full(len(missing), np.nan),
        chance[band[row]],
        seen,
        missing["offset_m"].to_numpy(dtype=float),
        missing["tolerance_m"].to_numpy(dtype=float),
        sources=len(missing),
    )


def _extensions(
    outlines: Geometries,
    left: Residue,
    rows: NDArray[np.intp],
    tolerance_m: NDArray[np.float64],
    records: gpd.GeoDataFrame,
    rules: CaseRules,
) -> tuple[Geometries, NDArray[np.intp]]:
    """Return the parts that no record explains, and of which of the outlines in ``rows`` each is."""
    recorded, uncertain_m = as_array(records), records["tolerance_m"].to_numpy(dtype=float)
    rows = rows[~displaced(left.walls[rows], recorded, uncertain_m, rules=rules)]
    reach_m = rules.growth_factor * tolerance_m[rows]
    parts, owner = grown_parts(outlines[rows], left.seeds[rows], left.bare[rows], reach_m, rules.min_area_m2)
    return parts, rows[owner]


def _nearest(
    outlines: Geometries, records: gpd.GeoDataFrame, rules: ComparisonRules
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return offset and tolerance of the record that most of each outline lies on, or else the nearest."""
    if len(records) == 0:
        return np.zeros(len(outlines)), np.full(len(outlines), rules.registration.unregistered_tolerance_m)
    recorded = as_array(records)
    row = largest_overlap(outlines, recorded)
    apart = row < 0
    row[apart] = shapely.STRtree(recorded).nearest(outlines[apart])
    return records["offset_m"].to_numpy(dtype=float)[row], records["tolerance_m"].to_numpy(dtype=float)[row]
