"""Many-to-many overlaps between two layers, without ever uniting a whole layer."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.parallel import in_parts

Geometries = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which geometries of a layer meet which of another: row ``k`` joins ``left[k]`` with ``right[k]``."""

    left: NDArray[np.intp]
    right: NDArray[np.intp]


def near_pairs(left: Geometries, right: Geometries, *, distance_m: float = 0.0) -> Pairs:
    """Return all pairs of geometries at most ``distance_m`` apart, sorted by left, then right."""
    tree = shapely.STRtree(right)
    if distance_m > 0:
        found = tree.query(left, predicate="dwithin", distance=distance_m)
    else:
        found = tree.query(left, predicate="intersects")
    order = np.lexsort((found[1], found[0]))
    return Pairs(left=found[0][order], right=found[1][order])


def boxes_near(left: Geometries, right: Geometries, *, distance_m: float = 0.0) -> NDArray[np.bool_]:
    """Return, per left geometry, whether its bounding box comes so near that of a right one: a fast sieve."""
    west, south, east, north = shapely.bounds(right).T
    around = shapely.box(west - distance_m, south - distance_m, east + distance_m, north + distance_m)
    near = np.zeros(len(left), dtype=np.bool_)
    near[shapely.STRtree(around).query(left)[0]] = True
    return near


def boxes_within(left: Geometries, right: Geometries, *, margin_m: NDArray[np.float64]) -> Pairs:
    """Return the pairs of which the right bounding box, wider by its margin, holds the left one.

    Only boxes that meet even without the margin are looked at: a fast sieve that may let go a few.

    Args:
        left: Geometries.
        right: Geometries.
        margin_m: (right,) metres on each side.
    """
    found = shapely.STRtree(right).query(left)
    inner, outer = shapely.bounds(left)[found[0]], shapely.bounds(right)[found[1]]
    room = margin_m[found[1], np.newaxis]
    held = ((outer[:, :2] - room <= inner[:, :2]) & (inner[:, 2:] <= outer[:, 2:] + room)).all(axis=1)
    return Pairs(left=found[0][held], right=found[1][held])


def largest_box_overlap(left: Geometries, right: Geometries) -> Pairs:
    """Return each left geometry whose bounding box meets another with the right one whose box shares most."""
    found = shapely.STRtree(right).query(left)
    one, other = shapely.bounds(left)[found[0]], shapely.bounds(right)[found[1]]
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    order = np.lexsort((found[1], -sides.prod(axis=1), found[0]))
    first = order[np.unique(found[0][order], return_index=True)[1]]
    return Pairs(left=found[0][first], right=found[1][first])


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

    def shared(pair: NDArray[np.intp]) -> NDArray[np.float64]:
        both: NDArray[np.float64] = shapely.area(
            shapely.intersection(left[pairs.left[pair]], right[pairs.right[pair]])
        )
        return both

    return in_parts(shared, len(pairs.left))


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
