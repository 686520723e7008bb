"""Walls as points with outward normals: what registration compares."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.overlap import Geometries

# Twice as far as the polygons of a block may stand apart.
_BEHIND_M = 0.6


@dataclass(frozen=True, slots=True)
class WallPoints:
    """Points on the outlines of polygons.

    Attributes:
        xy: (n, 2) float64, metres in the working CRS.
        normals: (n, 2) float64, unit vectors that point out of the polygon.
        weights: (n,) float64; the points of one wall share a weight of 1, because errors are per
            wall and not per metre.
        blocks: (n,) index of the polygon, or of the block of polygons, that each point comes from.
    """

    xy: NDArray[np.float64]
    normals: NDArray[np.float64]
    weights: NDArray[np.float64]
    blocks: NDArray[np.intp]

    @property
    def design(self) -> NDArray[np.float64]:
        """The (n, 3) design matrix: what dx, dy and overhang of a record add to its walls' distances."""
        return np.column_stack([self.normals, np.ones(len(self.normals))])

    def thinned(self, most: int) -> WallPoints:
        """Return at most ``most`` points, evenly taken: the same ones every time."""
        return self.only(slice(None, None, max(1, -(-len(self.xy) // most))))

    def grouped(self, of: NDArray[np.intp]) -> WallPoints:
        """Return the same points, each said to come from ``of`` its polygon."""
        return replace(self, blocks=of[self.blocks])

    def only(self, chosen: slice | NDArray[np.bool_]) -> WallPoints:
        """Return the points that are chosen."""
        return WallPoints(self.xy[chosen], self.normals[chosen], self.weights[chosen], self.blocks[chosen])


def wall_points(
    polygons: Geometries, *, spacing_m: float, min_edge_m: float, simplify_m: float
) -> WallPoints:
    """Place points along the walls of polygons.

    Args:
        polygons: Polygons, one block each; holes count as walls too.
        spacing_m: About one point per this length, at least one per wall.
        min_edge_m: Shorter walls are left out.
        simplify_m: Douglas-Peucker tolerance applied first; 0 keeps every vertex.
    """
    drawn = shapely.simplify(polygons, simplify_m) if simplify_m > 0 else polygons
    parts, blocks = shapely.get_parts(drawn, return_index=True)
    rings, owner = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same_ring = ring[1:] == ring[:-1]
    start, end = xy[:-1][same_ring], xy[1:][same_ring]
    length = np.hypot(*(end - start).T)
    long_enough = length >= max(min_edge_m, np.finfo(float).tiny)
    start, end, length = start[long_enough], end[long_enough], length[long_enough]
    block = blocks[owner[ring[:-1][same_ring][long_enough]]]
    count = np.maximum(1, np.floor(length / spacing_m)).astype(np.intp)
    wall = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(wall)) - np.repeat(np.cumsum(count) - count, count)
    along = ((step + 0.5) / count[wall])[:, np.newaxis]
    tangent = (end - start) / length[:, np.newaxis]
    # Exteriors run counter-clockwise and holes clockwise, so that outside is on the right of both.
    normal = np.column_stack([tangent[:, 1], -tangent[:, 0]])
    return WallPoints(
        xy=start[wall] + along * (end - start)[wall],
        normals=normal[wall],
        weights=1.0 / count[wall],
        blocks=block[wall],
    )


def outer_walls(polygons: Geometries, walls: WallPoints, block: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the (n,) walls behind which no other polygon of the same block stands: the image may show them.

    Args:
        polygons: Polygons that the walls come from.
        walls: From `wall_points`, one block for each polygon.
        block: (polygons,) those of one number touch.
    """
    crowded = (np.bincount(block)[block] > 1)[walls.blocks]
    behind = shapely.points((walls.xy + _BEHIND_M * walls.normals)[crowded])
    point, polygon = shapely.STRtree(polygons).query(behind, predicate="intersects")
    owner = walls.blocks[crowded][point]
    hidden = (polygon != owner) & (block[polygon] == block[owner])
    outer = np.ones(len(walls.xy), dtype=np.bool_)
    outer[np.flatnonzero(crowded)[point[hidden]]] = False
    return outer
