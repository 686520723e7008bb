"""Whether outlines keep near to others."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

# Of a distance; above the errors of distances between coordinates of any projected CRS.
_ROUNDING = 1e-6


def points_near(
    outlines: NDArray[np.object_], others: NDArray[np.object_], limit: float
) -> NDArray[np.bool_]:
    """Tell whether all points of each outline are near the boundary of its partner.

    Args:
        outlines: (N,) polygons.
        others: (N,) polygons, the partners.
        limit: Largest distance in units of the CRS.
    """
    points, owner = shapely.get_coordinates(outlines, return_index=True)
    boundaries = shapely.boundary(others)
    shapely.prepare(boundaries)

    def within(where: NDArray[np.int64], distance: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - of stubs
        found: NDArray[np.bool_] = shapely.dwithin(
            boundaries[owner[where]], shapely.points(points[where]), distance
        )
        return found

    # Every third point is first asked to be so near that its neighbours must be: few points are left.
    step = np.linalg.norm(np.diff(points, axis=0), axis=1)
    step[owner[1:] != owner[:-1]] = np.inf
    middle = np.arange(1, len(points) - 1, 3)
    reach = limit - np.maximum(step[middle - 1], step[middle]) - _ROUNDING
    middle, reach = middle[reach > 0], reach[reach > 0]
    sure = middle[within(middle, reach)]
    left = np.ones(len(points), dtype=bool)
    left[sure - 1] = left[sure] = left[sure + 1] = False
    rest = np.flatnonzero(left)
    result: NDArray[np.bool_] = np.bincount(owner[rest[~within(rest, limit)]], minlength=len(outlines)) == 0
    return result
