"""Footprints against records: which differences a person should look at."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import geopandas as gpd
import shapely

from vigibati.cadastre.case_kinds import RECORD_KINDS
from vigibati.cadastre.cases.table import case_table
from vigibati.cadastre.comparison.classify import (
    records_not_seen,
    unrecorded_buildings,
    unrecorded_pools,
)
from vigibati.cadastre.comparison.sheet_borders import moved_records
from vigibati.cadastre.overlap import as_array, boxes_near
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.configs.errors import RecordsError
from vigibati.configs.legal import CASE_KINDS, CaseKind
from vigibati.configs.rules import ComparisonRules

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
    in_cover = shapely.intersects(cover, shapely.point_on_surface(as_array(footprints)))
    inside = footprints[in_cover]
    is_pool, was_pool = inside["kind"] == "pool", moved["kind"] == "pool"
    pool_records = int((records["kind"] == "pool").sum())
    shapely.prepare(region)
    in_image = shapely.covers(region, as_array(moved)) & ~was_pool.to_numpy()
    # Both ask different questions of the same geometries, and GEOS lets other threads run.
    with ThreadPoolExecutor(1) as beside:
        # Whatever stands on a record shows that it is there, also where the records say nothing else.
        standing = footprints[footprints["kind"] != "pool"]
        missing = beside.submit(records_not_seen, standing, moved[in_image], rules)
        unrecorded, unsure = unrecorded_buildings(inside[~is_pool], moved[~was_pool], rules)
        pools = unrecorded_pools(inside[is_pool], moved[was_pool], rules)
        found = [*unrecorded, pools, missing.result()]
    cases = case_table(found, rules, footprints.crs)
    report = ComparisonReport(
        footprints=len(footprints),
        footprints_outside_cover=int((~in_cover).sum()),
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
