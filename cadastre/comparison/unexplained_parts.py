"""What sticks out of the records: parts of footprints that no record explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.morphology import opened, widened, without_eaves
from vigibati.cadastre.overlap import (
    Geometries,
    Pairs,
    boxes_near,
    boxes_within,
    largest_box_overlap,
    near_pairs,
    union_by_left,
)
from vigibati.cadastre.parallel import in_parts
from vigibati.configs.method import CaseRules


@dataclass(frozen=True, slots=True)
class Residue:
    """Footprints of which something sticks out of the records; all arrays are aligned.

    Attributes:
        rows: Which footprints these are, rising.
        covered: Share of each footprint's area that lies on records.
        seeds: What sticks out of the records buffered by their tolerance, slivers removed.
        bare: What lies outside the unbuffered records.
        walls: The footprints without their eaves.
    """

    rows: NDArray[np.intp]
    covered: NDArray[np.float64]
    seeds: Geometries
    bare: Geometries
    walls: Geometries


def residue(
    footprints: Geometries,
    records: Geometries,
    tolerance_m: NDArray[np.float64],
    overhang_m: NDArray[np.float64],
    *,
    rules: CaseRules,
) -> Residue:
    """Compare each footprint with the union of the records around it.

    Most footprints lie within the tolerance of one record, or stick out of it by too little, which is
    quickly seen; for the others the records around are united, and exact shares are worked out for those
    of which enough sticks out.

    Args:
        footprints: Polygons found in the image.
        records: Polygons or multipolygons, already moved onto the image.
        tolerance_m: (records,) how far each record may still be off, in metres.
        overhang_m: (records,) how far roofs reach beyond each record. Footprints are shrunk by the mean
            of the records around, so that eaves are no part of what the tolerance is for.
        rules: Its ``opening_m`` and ``seed_min_m2`` are used.
    """
    widest_m = float(tolerance_m.max(initial=0.0))
    near = boxes_near(records, footprints, distance_m=widest_m)
    records, tolerance_m, overhang_m = records[near], tolerance_m[near], overhang_m[near]
    left = np.flatnonzero(~_within_one(footprints, records, tolerance_m))
    left = left[_sticks_out(footprints[left], records, tolerance_m) >= rules.seed_min_m2]
    pairs = near_pairs(footprints[left], records, distance_m=widest_m)
    unique, inverse = np.unique(pairs.right, return_inverse=True)
    wider = widened(records[unique], tolerance_m[unique])
    wide = union_by_left(Pairs(pairs.left, inverse), wider, count=len(left))
    walls = _walls(footprints[left], pairs, overhang_m)

    def beyond(row: NDArray[np.intp]) -> Geometries:
        return opened(shapely.difference(walls[row], wide[row]), rules.opening_m)

    seeds = in_parts(beyond, len(left))
    seeded = shapely.area(seeds) >= rules.seed_min_m2
    rows = left[seeded]
    again = seeded[pairs.left]
    kept = Pairs((np.cumsum(seeded) - 1)[pairs.left[again]], pairs.right[again])
    bare = shapely.difference(walls[seeded], union_by_left(kept, records, count=len(rows)))
    covered = np.clip(1 - shapely.area(bare) / shapely.area(walls[seeded]), 0, 1)
    return Residue(rows=rows, covered=covered, seeds=seeds[seeded], bare=bare, walls=walls[seeded])


def _walls(footprints: Geometries, pairs: Pairs, overhang_m: NDArray[np.float64]) -> Geometries:
    """Return the footprints made smaller by the mean overhang of the records that each is paired with."""
    count = np.bincount(pairs.left, minlength=len(footprints))
    total = np.bincount(pairs.left, overhang_m[pairs.right], minlength=len(footprints))
    return without_eaves(footprints, np.maximum(total / np.maximum(count, 1), 0.0))


def _within_one(
    footprints: Geometries, records: Geometries, tolerance_m: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which footprints a single record, buffered by its tolerance, holds."""
    pairs = boxes_within(footprints, records, margin_m=tolerance_m)

    def held(pair: NDArray[np.intp]) -> NDArray[np.bool_]:
        record = pairs.right[pair]
        wider = widened(records[record], tolerance_m[record])
        return shapely.covers(wider, footprints[pairs.left[pair]])

    holding = in_parts(held, len(pairs.left))
    within: NDArray[np.bool_] = np.bincount(pairs.left[holding], minlength=len(footprints)) > 0
    return within


def _sticks_out(
    footprints: Geometries, records: Geometries, tolerance_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the area of each footprint outside one buffered record, whose box shares most with its own.

    The other records, the eaves and the opening can only make it smaller.
    """
    pairs = largest_box_overlap(footprints, records)

    def outside(pair: NDArray[np.intp]) -> NDArray[np.float64]:
        record = pairs.right[pair]
        wider = widened(records[record], tolerance_m[record])
        area: NDArray[np.float64] = shapely.area(shapely.difference(footprints[pairs.left[pair]], wider))
        return area

    area_m2: NDArray[np.float64] = shapely.area(footprints)
    area_m2[pairs.left] = in_parts(outside, len(pairs.left))
    return area_m2


def grown_parts(
    footprints: Geometries,
    seeds: Geometries,
    bare: Geometries,
    reach_m: NDArray[np.float64],
    min_area_m2: float,
) -> tuple[Geometries, NDArray[np.intp]]:
    """Return the unexplained parts of footprints at their full size.

    The tolerance eats a part on every side that touches a record. So presence is tested on the
    seed, and size on the seed grown back up to the unbuffered records: recall of additions of
    5-20 m² rose from 0.75 to 0.99 by that alone.

    Args:
        footprints: The whole outlines.
        seeds: What sticks out of the buffered records, opened.
        bare: What lies outside the unbuffered records.
        reach_m: How far the seeds of each may grow.
        min_area_m2: Smaller parts are dropped, after growing.

    Returns:
        The parts, and for each the number of its footprint, rising.
    """
    wide = shapely.intersection(widened(seeds, reach_m), bare)
    parts, owner = shapely.get_parts(shapely.intersection(wide, footprints), return_index=True)
    kept = shapely.get_dimensions(parts) == 2  # noqa: PLR2004 -- 2 is the dimension of areas
    kept &= (shapely.area(parts) >= min_area_m2) & shapely.intersects(parts, seeds[owner])
    return parts[kept], owner[kept]
