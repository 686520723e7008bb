"""Case numbers: made of kind and place, and taken over from an earlier list."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.overlap import Geometries, as_array, near_pairs, shared_areas
from vigibati.configs.legal import CaseKind

_CELL_M = 5
_REACH_M = 1.5
_SAME_SHARE = 0.5


def case_ids(kinds: Sequence[CaseKind], geometries: Geometries) -> list[str]:
    """Return one identifier per case, such as ``N-896120-6281345``, unique within the call.

    It is made of the kind and of the south-west corner of the 5 m cell that holds the centroid: a
    centroid moves by decimetres where an outline is drawn anew, other inner points by metres. Where
    two cases of a kind share a cell, the larger keeps the plain identifier and the others get
    ``-2``, ``-3``…, in an order that depends on their geometry alone.
    """
    centre = shapely.get_coordinates(shapely.centroid(geometries))
    cell = (np.floor(centre / _CELL_M) * _CELL_M).astype(np.int64)
    letters = [CASE_KIND_SPECS[kind].letter for kind in kinds]
    plain = [f"{letter}-{east}-{north}" for letter, (east, north) in zip(letters, cell, strict=True)]
    taken: dict[str, int] = {}
    unique = list(plain)
    for row in np.lexsort((centre[:, 1], centre[:, 0], -shapely.area(geometries))):
        name = plain[row]
        taken[name] = taken.get(name, 0) + 1
        if taken[name] > 1:
            unique[row] = f"{name}-{taken[name]}"
    return unique


def keep_ids(cases: gpd.GeoDataFrame, previous: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Give each case the number that it had in an earlier list.

    Without an earlier list no number made of the place alone can be stable: wherever its cells end, an
    outline that moves by a decimetre can cross the border. A case and an earlier one of its kind are
    the same if they share at least half of the smaller one, or their centroids are at most 1.5 m
    apart, and neither has a better partner. The number of an earlier case that is not found again is
    never given to another one.

    Args:
        cases: With ``case_id``, ``kind`` and polygons.
        previous: The same of an earlier run, in the same CRS; None where there is none.

    Returns:
        A copy with ``case_id`` unique.
    """
    if previous is None or previous.empty or cases.empty:
        return cases
    earlier = _partners(cases, previous)
    fresh = cases["case_id"].to_numpy(dtype=object)
    old = previous["case_id"].to_numpy(dtype=object)
    kept = earlier >= 0
    names = np.where(kept, old[earlier], fresh)
    taken = set(old.tolist())
    for row in np.flatnonzero(~kept):
        names[row] = _free(str(fresh[row]), taken)
        taken.add(names[row])
    return cases.assign(case_id=names.astype(str)).astype({"case_id": "str"})


def _partners(cases: gpd.GeoDataFrame, previous: gpd.GeoDataFrame) -> NDArray[np.intp]:
    """Return the row of the earlier case that each case is; -1 where there is none."""
    new, old = as_array(cases), as_array(previous)
    pairs = near_pairs(new, old, distance_m=_REACH_M)
    shared = shared_areas(pairs, new, old)
    areas = shapely.area(new)[pairs.left], shapely.area(old)[pairs.right]
    apart = shapely.distance(shapely.centroid(new)[pairs.left], shapely.centroid(old)[pairs.right])
    kinds, old_kinds = cases["kind"].to_numpy(dtype=object), previous["kind"].to_numpy(dtype=object)
    same = kinds[pairs.left] == old_kinds[pairs.right]
    same &= (shared >= _SAME_SHARE * np.minimum(*areas)) | (apart <= _REACH_M)
    left, right = pairs.left[same], pairs.right[same]
    alike = (shared / (areas[0] + areas[1] - shared))[same]
    order = np.lexsort((right, left, apart[same], -alike))
    best_of_new = np.full(len(new), -1, dtype=np.intp)
    best_of_old = np.full(len(old), -1, dtype=np.intp)
    # The first of each in order of likeness is its best.
    best_of_new[left[order[::-1]]] = right[order[::-1]]
    best_of_old[right[order[::-1]]] = left[order[::-1]]
    mutual = best_of_new >= 0
    mutual[mutual] = best_of_old[best_of_new[mutual]] == np.flatnonzero(mutual)
    return np.where(mutual, best_of_new, -1)


def _free(name: str, taken: set[str]) -> str:
    """Return ``name``, or the first of ``name-2``, ``name-3``… that nobody has."""
    if name not in taken:
        return name
    number = 2
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"
