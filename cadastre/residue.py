"""What sticks out of the records: parts of footprints that no record explains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.pairing import Geometries, Pairs, near_pairs, union_by_left
from vigibati.configs.rules import CaseRules


@dataclass(frozen=True, slots=True)
class Residue:
    """Footprints against the records around them; all arrays are aligned with the footprints.

    Attributes:
        covered: Share of each footprint's area that lies on records.
        seeds: What sticks out of the records buffered by their tolerance, slivers removed.
        bare: What lies outside the unbuffered records.
    """

    covered: NDArray[np.float64]
    seeds: Geometries
    bare: Geometries


def residue(
    footprints: Geometries, records: Geometries, tolerance_m: NDArray[np.float64], *, rules: CaseRules
) -> Residue:
    """Compare each footprint with the union of the records around it.

    Args:
        footprints: Polygons found in the image.
        records: Polygons or multipolygons, already moved onto the image.
        tolerance_m: (records,) how far each record may still be off, in metres.
        rules: Its ``opening_m`` is used.
    """
    reach = float(tolerance_m.max(initial=0.0))
    pairs = near_pairs(footprints, records, distance_m=reach)
    united = union_by_left(pairs, records, count=len(footprints))
    used, place = np.unique(pairs.right, return_inverse=True)
    wider = shapely.buffer(records[used], tolerance_m[used], quad_segs=4)
    wide = union_by_left(Pairs(pairs.left, place), wider, count=len(footprints))
    bare = shapely.difference(footprints, united)
    return Residue(
        covered=np.clip(1 - shapely.area(bare) / shapely.area(footprints), 0, 1),
        seeds=opened(shapely.difference(footprints, wide), rules.opening_m),
        bare=bare,
    )


def opened(geometries: Geometries, width_m: float) -> Geometries:
    """Remove what is narrower than ``width_m`` (morphological opening with round corners)."""
    eroded = shapely.buffer(geometries, -width_m / 2, quad_segs=4)
    result: Geometries = shapely.buffer(eroded, width_m / 2, quad_segs=4)
    return result


def grown_parts(
    footprint: shapely.Geometry,
    seeds: shapely.Geometry,
    bare: shapely.Geometry,
    reach_m: float,
    min_area_m2: float,
) -> list[shapely.Geometry]:
    """Return the unexplained parts of a footprint at their full size.

    The tolerance eats a part on every side that touches a record. So presence is tested on the
    seed, and size on the seed grown back up to the unbuffered records: recall of additions of
    5-20 m² rose from 0.75 to 0.99 by that alone.

    Args:
        footprint: The whole outline.
        seeds: What sticks out of the buffered records, opened.
        bare: What lies outside the unbuffered records.
        reach_m: How far a seed may grow.
        min_area_m2: Smaller parts are dropped, after growing.
    """
    wide = shapely.intersection(shapely.buffer(seeds, reach_m, quad_segs=4), bare)
    parts = shapely.get_parts(shapely.intersection(wide, footprint))
    polygonal = parts[shapely.get_dimensions(parts) == 2]  # noqa: PLR2004 -- 2 is the dimension of areas
    kept = (shapely.area(polygonal) >= min_area_m2) & shapely.intersects(polygonal, seeds)
    return list(polygonal[kept])
