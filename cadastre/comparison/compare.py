"""Footprints against records: which differences a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.case_kinds import RECORD_KINDS
from vigibati.cadastre.cases.table import Found, case_table, listed_chance
from vigibati.cadastre.comparison.sheet_borders import moved_records
from vigibati.cadastre.comparison.shifted_footprints import displaced
from vigibati.cadastre.comparison.unexplained_parts import grown_parts, residue
from vigibati.cadastre.comparison.unseen_records import unseen
from vigibati.cadastre.overlap import Geometries, as_array, boxes_near, largest_overlap
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.size_bands import band_index
from vigibati.configs.errors import RecordsError
from vigibati.configs.rules import CASE_KINDS, CaseKind, ComparisonRules

# Of the image; far more than registration moves a record.
_AROUND_M = 100.0


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Counts of one comparison.

    Attributes:
        footprints: Footprints that were given, of all kinds.
        footprints_outside_cover: Those where the records do not speak: unknown, not a case.
        footprints_unsure: Those beside no record whose probability is too low for a case.
        footprints_recorded: Those inside that led to no case, the unsure ones not counted.
        records: Records that were given, pools included.
        pool_records: Pools among them; without any, every pool in the image is a case.
        records_outside_image: Records, other than pools, that do not lie wholly in the image.
        cases: Cases by kind; a footprint may have several extensions.
    """

    footprints: int
    footprints_outside_cover: int
    footprints_unsure: int
    footprints_recorded: int
    records: int
    pool_records: int
    records_outside_image: int
    cases: Mapping[CaseKind, int]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Cases, in a fixed order, and what was counted on the way."""

    cases: gpd.GeoDataFrame
    report: ComparisonReport


def compare(
    footprints: gpd.GeoDataFrame,
    records: gpd.GeoDataFrame,
    offsets: Offsets,
    *,
    rules: ComparisonRules,
    cover: shapely.Geometry,
    imaged: shapely.Geometry | None = None,
) -> Comparison:
    """Compare what was found in the image with what the cadastre knows.

    A building footprint is compared with the union of all records around it, many to many. Covered
    by less than ``new_below`` it is a new building; otherwise each part of it that no record explains
    is an extension. A pool without a recorded pool within the tolerance is a case of its own kind,
    and a record (other than a pool) with no footprint on it is reported as not seen.

    Args:
        footprints: ``kind`` (building or pool), ``probability``, polygons.
        records: Canonical records as published, in the same projected CRS; they are moved here.
        offsets: From `register`, for these records.
        rules: Its ``cases`` and ``bands_m2`` are used.
        cover: Region in which the records are known, in the same CRS.
        imaged: Region with image; None takes the convex hull of the footprints. Only records
            wholly inside can be reported as not seen.

    Returns:
        Cases with the columns of `CASE_COLUMNS` (``p_building`` is the mean probability of the whole
        footprint, and null for records not seen, where the model has said nothing; ``p_case`` is the
        chance that the case is real, see `listed_chance`) and the counts.

    Raises:
        RecordsError: Footprints and records are in different CRS, or the offsets do not fit.
    """
    if footprints.crs != records.crs:
        raise RecordsError(
            "records", f"are in {records.crs}, footprints in {footprints.crs}", "bring both into one CRS"
        )
    region = imaged
    if region is None:
        region = shapely.GeometryCollection(list(as_array(footprints))).convex_hull
    # The others are many, and say nothing of it.
    around = boxes_near(as_array(records), shapely.get_parts([region]), distance_m=_AROUND_M)
    moved = moved_records(footprints, records[around], offsets)
    shapely.prepare(cover)
    known = shapely.intersects(cover, shapely.point_on_surface(as_array(footprints)))
    inside = footprints[known]
    is_pool, was_pool = inside["kind"] == "pool", moved["kind"] == "pool"
    pool_records = int((records["kind"] == "pool").sum())
    shapely.prepare(region)
    in_image = shapely.covers(region, as_array(moved)) & ~was_pool.to_numpy()
    # Both ask different questions of the same geometries, and GEOS lets other threads run.
    with ThreadPoolExecutor(1) as beside:
        # Whatever stands on a record shows that it is there, also where the records say nothing else.
        standing = footprints[footprints["kind"] != "pool"]
        gone = beside.submit(_not_seen, standing, moved[in_image], rules)
        unrecorded, unsure = _unrecorded(inside[~is_pool], moved[~was_pool], rules)
        pools = _unrecorded_pools(inside[is_pool], moved[was_pool], rules)
        found = [*unrecorded, pools, gone.result()]
    cases = case_table(found, rules, footprints.crs)
    report = ComparisonReport(
        footprints=len(footprints),
        footprints_outside_cover=int((~known).sum()),
        footprints_unsure=unsure,
        footprints_recorded=len(inside)
        - unsure
        - sum(each.sources for each in found if each.kind not in RECORD_KINDS),
        records=len(records),
        pool_records=pool_records,
        records_outside_image=len(records) - pool_records - int(in_image.sum()),
        cases={kind: int((cases["kind"] == kind).sum()) for kind in CASE_KINDS},
    )
    return Comparison(cases=cases, report=report)


def _unrecorded(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, rules: ComparisonRules
) -> tuple[list[Found], int]:
    """Return new buildings and extensions, and how many new buildings were too unsure to be listed."""
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
    fresh = left.covered < rules.cases.new_below
    candidates = fresh & (shapely.area(outlines) >= rules.cases.min_area_m2)
    sure = probability >= rules.cases.new_min_probability
    new = np.flatnonzero(candidates & sure)
    known = np.flatnonzero(~fresh)
    known = known[
        ~displaced(
            left.walls[known],
            as_array(records),
            records["tolerance_m"].to_numpy(dtype=float),
            rules=rules.cases,
        )
    ]
    reach = rules.cases.growth_factor * tolerance[known]
    parts, owner = grown_parts(
        outlines[known], left.seeds[known], left.bare[known], reach, rules.cases.min_area_m2
    )
    grown = len(np.unique(owner))
    real = float(
        listed_chance(
            np.array(grown), np.array(len(footprints) - fresh.sum()), share=rules.cases.extended_share
        )
    )
    kinds: tuple[tuple[CaseKind, Geometries, NDArray[np.intp], float], ...] = (
        ("new_building", outlines[new], new, 1.0),
        ("extension", parts, known[owner], real),
    )
    listed = [
        Found(
            kind,
            shapes,
            probability[of],
            weight * probability[of],
            left.covered[of],
            offset[of],
            tolerance[of],
            sources=len(np.unique(of)),
        )
        for kind, shapes, of, weight in kinds
    ]
    return listed, int((candidates & ~sure).sum())


def _unrecorded_pools(pools: gpd.GeoDataFrame, recorded: gpd.GeoDataFrame, rules: ComparisonRules) -> Found:
    outlines = as_array(pools)
    offset, tolerance = _nearest(outlines, recorded, rules)
    big = shapely.area(outlines) >= rules.cases.min_pool_m2
    known = np.zeros(len(outlines), dtype=bool)
    if len(recorded) > 0:
        known[
            shapely.STRtree(as_array(recorded)).query(outlines, predicate="dwithin", distance=tolerance)[0]
        ] = True
    rows = np.flatnonzero(big & ~known)
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


def _not_seen(footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, rules: ComparisonRules) -> Found:
    big = records[shapely.area(as_array(records)) >= rules.cases.not_seen_min_m2]
    row, seen = unseen(
        big,
        as_array(footprints),
        floor_m=rules.cases.not_seen_slack_m,
        below=rules.cases.not_seen_below,
    )
    gone = big.iloc[row]
    band = band_index(shapely.area(as_array(big)), rules.bands_m2)
    count = len(rules.bands_m2) + 1
    chance = listed_chance(
        np.bincount(band[row], minlength=count),
        np.bincount(band, minlength=count),
        share=rules.cases.gone_share,
    )
    return Found(
        "not_seen",
        as_array(gone),
        np.full(len(gone), np.nan),
        chance[band[row]],
        seen,
        gone["offset_m"].to_numpy(dtype=float),
        gone["tolerance_m"].to_numpy(dtype=float),
        sources=len(gone),
    )


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
