"""Blocks of neighbours that share walls: taken apart into outline and walls, and put together again."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString

_Objects = NDArray[np.object_]
# Side of the triangles that points off a straight line by half the grid span over some metres.
_STRAIGHT = 50


def inner_walls(members: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return the walls inside a block as LineStrings from one junction to the next.

    Args:
        members: Polygons that touch, without overlap.
    """
    first, second = np.triu_indices(len(members), k=1)
    shared = shapely.get_parts(shapely.intersection(members[first], members[second]))
    lines = shared[shapely.get_type_id(shared) == shapely.GeometryType.LINESTRING]
    return shapely.get_parts(shapely.line_merge(shapely.union_all(lines)))


def lengthened(wall: shapely.Geometry, by: float) -> LineString:
    """Carry the first and the last edge of a LineString on by so much; a closed one stays as it is."""
    points = shapely.get_coordinates(wall)
    if shapely.is_closed(wall):
        return LineString(points)
    for end, next_one in ((0, 1), (-1, -2)):
        step = points[end] - points[next_one]
        points[end] += step * (by / max(float(np.hypot(*step)), by / 100))
    return LineString(points)


def divided(
    outline: shapely.Geometry, walls: NDArray[np.object_], members: NDArray[np.object_], *, grid: float
) -> NDArray[np.object_] | None:
    """Divide an outline by walls among the members that the block had.

    Each part goes to the member that covers most of it: no gap, no overlap, and every corner of a
    member on a wall is a point of its neighbour too.

    Args:
        outline: Of the whole block.
        walls: Lines inside it; what ends short of another line does not divide.
        members: (M,) polygons before.
        grid: Size of the grid on which lines meet; those that nearly coincide become one.

    Returns:
        (M,) polygons after, or None where a member is left with nothing.
    """
    lines = shapely.union_all([shapely.boundary(outline), *walls], grid_size=grid)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    faces = faces[shapely.contains(outline, shapely.point_on_surface(faces))]
    if not len(faces):
        return None
    owner = np.argmax(shapely.area(shapely.intersection(faces[:, None], members[None, :])), axis=1)
    if len(np.unique(owner)) < len(members):
        return None
    parts = [shapely.union_all(faces[owner == number]) for number in range(len(members))]
    # What walls that ran on along others left as points on straight lines.
    clean: _Objects = shapely.coverage_simplify(np.array(parts, dtype=object), _STRAIGHT * grid)
    return clean


def simplified_block(members: NDArray[np.object_], tolerance: float) -> NDArray[np.object_]:
    """Simplify neighbours so that they go on sharing their walls.

    Args:
        members: (M,) polygons that touch, without overlap.
        tolerance: Side of the triangles that are cut off, about, in units of the CRS.
    """
    # A corner on the straight wall of a neighbour has to be a point of both.
    noded = divided(shapely.union_all(members), shapely.boundary(members), members, grid=0.0)
    if noded is None:
        return members
    simple: _Objects = shapely.coverage_simplify(noded, tolerance)
    return simple if shapely.is_valid(simple).all() else members


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
