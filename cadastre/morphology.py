"""Outlines widened, opened, moved and grouped: the shape operations that several rooms share."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vigibati.cadastre.overlap import Geometries, near_pairs

# Segments of a quarter circle: a corner of 1 m is off by 2 cm at most.
_QUAD_SEGS = 4


def widened(outlines: Geometries, by_m: float | NDArray[np.float64]) -> Geometries:
    """Widen outlines by a distance, one for all or one each, with round corners; shrink them below zero."""
    result: Geometries = shapely.buffer(outlines, by_m, quad_segs=_QUAD_SEGS)
    return result


def opened(outlines: Geometries, width_m: float) -> Geometries:
    """Remove what is narrower than ``width_m`` (morphological opening with round corners)."""
    return widened(widened(outlines, -width_m / 2), width_m / 2)


def with_eaves(outlines: Geometries, overhang_m: NDArray[np.float64]) -> Geometries:
    """Widen roofs with sharp corners; with round ones where sharp ones would lose something.

    Args:
        outlines: Polygons or multipolygons.
        overhang_m: (outlines,) how far the eaves of each reach.

    Returns:
        The polygons; those of a multipolygon one by one.
    """
    parts, owner = shapely.get_parts(outlines, return_index=True)
    width = overhang_m[owner]
    wide: Geometries = shapely.buffer(parts, width, join_style="mitre", mitre_limit=2.0)
    lost = shapely.area(wide) < shapely.area(parts)
    wide[lost] = widened(parts[lost], width[lost])
    return wide


def without_eaves(outlines: Geometries, overhang_m: NDArray[np.float64]) -> Geometries:
    """Shrink roofs to their walls with sharp corners; with round ones where those would cross each other.

    Args:
        outlines: Polygons or multipolygons.
        overhang_m: (outlines,) how far the eaves of each reach, not negative.
    """
    walls: Geometries = shapely.buffer(outlines, -overhang_m, join_style="mitre")
    crossed = ~shapely.is_valid(walls)
    walls[crossed] = widened(outlines[crossed], -overhang_m[crossed])
    return walls


def moved_by(outlines: Geometries, shift_m: NDArray[np.float64]) -> Geometries:
    """Move each outline by a vector of its own, (outlines, 2) in metres."""
    xy, owner = shapely.get_coordinates(outlines, return_index=True)
    # A copy first: shapely writes into the array that it is given.
    moved: Geometries = shapely.set_coordinates(outlines.copy(), xy + shift_m[owner])
    return moved


def blocks_of(outlines: Geometries, *, distance_m: float) -> NDArray[np.intp]:
    """Number the blocks of outlines that are joined by gaps of at most ``distance_m``, from 0."""
    pairs = near_pairs(outlines, outlines, distance_m=distance_m)
    links = coo_array((np.ones(len(pairs.left)), (pairs.left, pairs.right)), shape=(len(outlines),) * 2)
    block: NDArray[np.intp] = connected_components(links, directed=False)[1].astype(np.intp)
    return block
