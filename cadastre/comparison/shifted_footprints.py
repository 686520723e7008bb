"""Buildings that stand beside their records as a whole: drawn elsewhere or leaning, not extended."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.morphology import moved_by, opened, widened
from vigibati.cadastre.overlap import Geometries, Pairs, near_pairs, shared_areas, union_by_left
from vigibati.configs.method import CaseRules

# A record belongs to the building that most of it lies under.
_BELONGS = 0.5
# Of what sticks out on one side, on the other; an extension leaves nothing missing.
_AS_MUCH = 0.5


def displaced(
    walls: Geometries, records: Geometries, tolerance_m: NDArray[np.float64], *, rules: CaseRules
) -> NDArray[np.bool_]:
    """Tell which footprints are their records at another place.

    Registration finds no shift where a roof leans away from its walls, or where its neighbours are not
    seen. What then sticks out on one side is missing on the other: laid with its centre on that of its
    records, the footprint is within the tolerance of them on all sides, and they of it.

    Args:
        walls: Footprints without their eaves.
        records: Polygons or multipolygons, moved onto the image.
        tolerance_m: (records,) how far each may still be off.
        rules: Its ``displaced_max_m``, ``opening_m`` and ``seed_min_m2`` are used.
    """
    result = np.zeros(len(walls), dtype=np.bool_)
    pairs = near_pairs(walls, records)
    belongs = shared_areas(pairs, walls, records) >= _BELONGS * shapely.area(records[pairs.right])
    pairs = Pairs(pairs.left[belongs], pairs.right[belongs])
    united = union_by_left(pairs, records, count=len(walls))
    aside_m = shapely.get_coordinates(shapely.centroid(np.where(shapely.is_empty(united), walls, united)))
    aside_m -= shapely.get_coordinates(shapely.centroid(walls))
    far_m = np.hypot(*aside_m.T)
    each = np.arange(len(walls))
    common_m2 = shared_areas(Pairs(each, each), walls, united)
    missing_m2, beyond_m2 = shapely.area(united) - common_m2, shapely.area(walls) - common_m2
    candidates = np.flatnonzero((far_m <= rules.displaced_max_m) & (missing_m2 >= _AS_MUCH * beyond_m2))
    slack_m = np.zeros(len(walls))
    np.maximum.at(slack_m, pairs.left, tolerance_m[pairs.right])
    shifted, recorded = moved_by(walls[candidates], aside_m[candidates]), united[candidates]
    fits = np.ones(len(candidates), dtype=np.bool_)
    for inner, outer in ((shifted, recorded), (recorded, shifted)):
        left = shapely.difference(inner, widened(outer, slack_m[candidates]))
        fits &= shapely.area(opened(left, rules.opening_m)) < rules.seed_min_m2
    result[candidates] = fits
    return result
