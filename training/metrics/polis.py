"""How far apart two outlines run: the PoLiS distance."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray


def polis_m(a: NDArray[np.object_], b: NDArray[np.object_]) -> NDArray[np.float64]:
    """Measure the PoLiS distance between polygons, pair by pair.

    Half the mean distance from the vertices of the one to the nearest place on the boundary of
    the other, plus half of the same the other way (Avbelj, Müller, Bamler: A metric for polygon
    comparison and building extraction evaluation, IEEE Geoscience and Remote Sensing Letters
    12(1), 2015, equation 2). Symmetric, 0 for equal outlines, and unlike IoU in metres.
    Vertices and boundaries of holes count like those of the shell; the closing point of a ring
    counts once. Parts of multipolygons count together.

    Args:
        a: (N,) polygons or multipolygons in a CRS of metres.
        b: (N,) what to compare them with, in the same CRS.

    Returns:
        (N,) distances in metres; NaN where one of a pair is empty or missing.

    Raises:
        ValueError: The arrays differ in length.
    """
    a, b = np.asarray(a, dtype=object), np.asarray(b, dtype=object)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} polygons cannot be paired with {len(b)}")
    return (_mean_distance(a, b) + _mean_distance(b, a)) / 2


def _mean_distance(of: NDArray[np.object_], to: NDArray[np.object_]) -> NDArray[np.float64]:
    """Mean distance from the vertices of each polygon to the boundary of its partner."""
    parts, part_owner = shapely.get_parts(of, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    closing = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    points, ring = points[~closing], ring[~closing]
    owner = part_owner[ring_part[ring]]
    boundaries = shapely.boundary(to)
    shapely.prepare(boundaries)
    distances = shapely.distance(shapely.points(points), boundaries[owner])
    count = np.bincount(owner, minlength=len(of))
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = np.bincount(owner, weights=distances, minlength=len(of)) / count
    return mean
