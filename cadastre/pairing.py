"""Many-to-many overlaps between two layers, without ever uniting a whole layer."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which geometries of a layer meet which of another: row ``k`` joins ``left[k]`` with ``right[k]``."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]


def near_pairs(left: Geometries, right: Geometries, *, distance_m: float = 0.0) -> Pairs:
    """Return all pairs of geometries at most ``distance_m`` apart, sorted by left, then right."""
    tree = shapely.STRtree(right)
    found = tree.query(left, predicate="dwithin", distance=distance_m)
    order = np.lexsort((found[1], found[0]))
    return Pairs(left=found[0][order], right=found[1][order])


def union_by_left(pairs: Pairs, right: Geometries, *, count: int) -> Geometries:
    """Unite the right geometries of each left one.

    Args:
        pairs: Sorted by left, as `near_pairs` gives them.
        right: Polygons or multipolygons that the pairs point into.
        count: Number of left geometries.

    Returns:
        One geometry per left geometry; an empty polygon where it has no pair.
    """
    united: Geometries = np.full(count, shapely.Polygon(), dtype=object)
    if pairs.left.size == 0:
        return united
    owners, groups = np.unique(pairs.left, return_inverse=True)
    parts, origin = shapely.get_parts(right[pairs.right], return_index=True)
    collections = np.asarray(shapely.geometrycollections(parts, indices=groups[origin]), dtype=object)
    united[owners] = shapely.union_all(collections[:, np.newaxis], axis=1)
    return united


def shared_areas(pairs: Pairs, left: Geometries, right: Geometries) -> NDArray[np.float64]:
    """Return the area in square metres that each pair has in common."""
    areas: NDArray[np.float64] = shapely.area(shapely.intersection(left[pairs.left], right[pairs.right]))
    return areas


def largest_overlap(left: Geometries, right: Geometries) -> NDArray[np.intp]:
    """Return, per left geometry, the right one that shares most area with it; -1 where none does.

    Ties go to the first of the right layer.
    """
    best = np.full(len(left), -1, dtype=np.intp)
    pairs = near_pairs(left, right)
    areas = shared_areas(pairs, left, right)
    order = np.lexsort((pairs.right, -areas, pairs.left))
    owners, first = np.unique(pairs.left[order], return_index=True)
    chosen = order[first]
    real = areas[chosen] > 0
    best[owners[real]] = pairs.right[chosen[real]]
    return best


def as_array(layer: gpd.GeoDataFrame) -> Geometries:
    """Return the geometries of a layer as an array of objects."""
    return np.asarray(layer.geometry.array, dtype=object)
