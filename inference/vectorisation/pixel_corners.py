"""Polygons along pixel edges as the corners of their pixels, and back.

A corner has a weight: the pixel below right of it minus the one below left, minus the one above right,
plus the one above left, where a pixel inside counts 1. It is 0 where an outline does not turn, so that the
corners of a polygon are those of non-zero weight; those of several without common pixels are the sum.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

_Ints = NDArray[np.int64]
_Polygons = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False)
class Corners:
    """Corners of polygons. Where two pixels of a polygon meet at a corner alone, it is there twice.

    Attributes:
        owner: (N,) number of the polygon.
        row: (N,) line between rows of pixels: the upper one of a row has the row's number.
        col: (N,) line between columns.
        weight: (N,) 1 or -1.
    """

    owner: _Ints
    row: _Ints
    col: _Ints
    weight: _Ints

    def take(self, where: NDArray[np.int64] | NDArray[np.bool_]) -> Corners:
        """Return the corners at places, or where a mask is True."""
        return Corners(*(getattr(self, field.name)[where] for field in fields(self)))

    def edges(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the places of the left and of the right end of every horizontal edge.

        The corners are in the order of owners and rows. The weight at the left is 1 where the polygon
        lies below the edge, -1 where it lies above.
        """
        order = np.lexsort((self.col, self.row, self.owner))
        return order[::2], order[1::2]


def corners_of(polygons: _Polygons) -> Corners:
    """Return the corners of (N,) polygons in the form that ``draw`` gives them."""
    rings, owner = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    closing = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    points, ring = points[~closing].astype(np.int64), ring[~closing]
    # A shell begins at its upper left corner, of weight 1; the polygon lies around a hole, so that there
    # the same corner has -1. From then on they alternate, and no ring has an odd number.
    first = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    weight = np.where(first, 1, -1)[ring] * (1 - 2 * (np.arange(len(ring)) % 2))
    return Corners(owner[ring], points[:, 1], points[:, 0], weight)


def united(corners: Corners) -> Corners:
    """Return the corners of the unions of the polygons that have the same owner and share no pixel.

    They are in the order of owners, rows and columns.
    """
    if not len(corners.owner):
        return corners
    ordered = corners.take(np.lexsort((corners.col, corners.row, corners.owner)))
    change = np.zeros(len(ordered.owner), dtype=bool)
    change[0] = True
    for values in (ordered.owner, ordered.row, ordered.col):
        change[1:] |= values[1:] != values[:-1]
    first = np.flatnonzero(change)
    weight = np.add.reduceat(ordered.weight, first)
    number = np.abs(weight)
    whole = ordered.take(np.repeat(first, number))
    return Corners(whole.owner, whole.row, whole.col, np.repeat(np.sign(weight), number))


def draw(corners: Corners) -> _Polygons:
    """Draw the polygons that have these corners.

    Args:
        corners: Of polygons whose pixels hang together by their sides, numbered from 0 without gaps;
            those of each in reading order.

    Returns:
        (polygons,) in (column, row), as ``shapely.normalize`` would return them.
    """
    corners = corners.take(np.argsort(corners.owner, kind="stable"))
    upright = _in_columns(corners)
    partner = np.empty_like(upright)
    partner[upright[::2]], partner[upright[1::2]] = upright[1::2], upright[::2]
    # Corners 2k and 2k + 1 bound a horizontal edge. Rings have the polygon on their right (in axes that
    # point right and up), hence run to the left where it lies below the edge.
    end = np.arange(0, len(upright), 2) + (corners.weight[::2] < 0)
    edges, length = _walk(upright[::2] // 2, partner[end] // 2)
    if not len(edges):
        return np.array([], dtype=object)
    path = np.stack([end[edges] ^ 1, end[edges]], axis=1).ravel()
    points = np.stack([corners.col[path], corners.row[path]], axis=1).astype(np.float64)
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(len(length)), 2 * length))
    owner = corners.owner[2 * edges[np.cumsum(length) - length]]
    # The ring with the first corner of all in the order of columns is the shell.
    polygons: Any = shapely.polygons(rings, indices=owner)
    normal: _Polygons = shapely.normalize(polygons)
    return normal


def _in_columns(corners: Corners) -> _Ints:
    """Return the places of the corners by owner, column and row: two by two the ends of vertical edges.

    Where pixels of a polygon meet at a corner alone, what lies beside it is two places outside: the ring
    of the one touches that of the other there, and neither touches itself.
    """
    index = np.arange(len(corners.owner))
    twice = np.ones(max(0, len(index) - 1), dtype=bool)
    for values in (corners.owner, corners.row, corners.col):
        twice &= values[1:] == values[:-1]
    falling = np.flatnonzero(twice & (corners.weight[:-1] > 0))
    index[falling], index[falling + 1] = falling + 1, falling
    order: _Ints = index[np.lexsort((corners.col[index], corners.owner[index]))]
    return order


def _walk(candidates: _Ints, following: _Ints) -> tuple[_Ints, _Ints]:
    """Walk around every ring.

    Args:
        candidates: Edges to begin at.
        following: (E,) the edge after each.

    Returns:
        (E,) the edges ring by ring, and (rings,) their numbers.
    """
    # Step by step in plain Python: a tenth of a microsecond an edge, without the passes over all edges
    # that jumps of doubling lengths would take.
    after, seen = following.tolist(), bytearray(len(following))
    edges: list[int] = []
    begins: list[int] = []
    for candidate in candidates.tolist():
        edge = candidate
        if not seen[edge]:
            begins.append(len(edges))
        while not seen[edge]:
            seen[edge] = 1
            edges.append(edge)
            edge = after[edge]
    return np.array(edges, dtype=np.int64), np.diff([*begins, len(edges)])
