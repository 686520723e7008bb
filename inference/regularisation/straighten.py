"""Straight walls through ragged lines: cut, turned to one direction, brought in line, drawn."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.inference.regularisation.edge_directions import (
    Edges,
    axis_angle,
    central,
    main_directions,
    measure_edges,
)
from vigibati.inference.regularisation.walls import ACROSS, OBLIQUE, Walls, cut_into_walls, line_ends

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

# Walls that meet at less meet far away or nowhere.
_BLUNT = np.sin(np.radians(20))
_TRIANGLE = 3


def straighten(
    lines: NDArray[np.object_],
    simpler: NDArray[np.object_],
    owner: NDArray[np.int64],
    *,
    wall_cost: float,
    align: float,
    bevel: float,
) -> NDArray[np.object_]:
    """Replace lines by straight walls that meet at corners.

    Every owner has one main direction. Each line is cut at vertices of its simpler version into walls
    along the main direction or across it, or at three times the cost at any angle (`cut_into_walls`).
    Then the main direction is fitted to all the walls that keep to it, and parallel walls of an owner
    that are nearly in line become so.

    Args:
        lines: (N,) LinearRing or LineString, as traced.
        simpler: (N,) the same lines, reduced to some of their points; open ones keep their ends.
        owner: (N,) from 0, whose line it is.
        wall_cost: Cost of a wall in cubed units of the CRS. A bulge of a long wall needs four walls
            more: it stays where its width times its depth squared is above four times the cost.
        bevel: Corners farther than this from the vertex between the walls are cut off at it.
        align: Walls are in line when sorted by their distance across, each is this near to the next.

    Returns:
        (N,) lines of the same types; None for a ring with fewer than three walls. The ends of a
        LineString are the old ones, moved onto its first and last wall.
    """
    if not len(lines):
        return lines
    edges = measure_edges(lines, simpler)
    directions = main_directions(edges, owner)[owner]
    walls = cut_into_walls(edges, directions, wall_cost)
    angle = _angles(walls, owner, directions)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle = _aligned(walls, along, owner, edges.origin, align)
    points, line = _corners(walls, middle, along, edges.closed, bevel)
    return _drawn(points, line, walls, middle, along, edges)


def _angles(walls: Walls, owner: _Ints, directions: _Floats) -> _Floats:
    """Return the angle of every wall, with the main directions fitted to all walls that keep to them."""
    xx, xy, yy = central(walls.moments)
    across = walls.kind == ACROSS
    # Turned by 90°, a wall across supports the same direction as one along.
    turned = np.where(across, yy, xx), np.where(across, -xy, xy), np.where(across, xx, yy)
    square = walls.kind != OBLIQUE
    whose, count = owner[walls.line[square]], int(owner.max()) + 1
    sums = [np.bincount(whose, part[square], count).astype(np.float64) for part in turned]
    fitted = axis_angle(sums[0], sums[1], sums[2])[owner]
    # Which of the two axes carries more wall does not matter: the nearer one to the direction is meant.
    main = directions + np.mod(fitted - directions + np.pi / 4, np.pi / 2) - np.pi / 4
    return np.where(square, main[walls.line] + across * np.pi / 2, axis_angle(xx, xy, yy))


def _aligned(walls: Walls, along: _Floats, owner: _Ints, origin: _Floats, align: float) -> _Floats:
    """Return a point of every wall, (M, 2), moved across so that walls nearly in line are in line."""
    length = walls.moments[:, 0]
    middle = walls.moments[:, 1:3] / length[:, None]
    # Lines of one owner are compared from the origin of the first of them.
    _, first_line, number = np.unique(owner, return_index=True, return_inverse=True)
    common = middle + (origin - origin[first_line[number]])[walls.line]
    across = _cross(along, common)
    # An oblique wall is in line with itself alone.
    oblique = walls.kind == OBLIQUE
    group = np.where(oblique, 2 * len(owner) + np.arange(len(across)), 2 * owner[walls.line] + walls.kind)
    order = np.lexsort((across, group))
    apart = (np.diff(group[order]) != 0) | (np.diff(across[order]) > align)
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.concatenate([[0], np.cumsum(apart)])
    mean = np.bincount(row, length * across) / np.bincount(row, length)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return middle + (mean[row] - across)[:, None] * normal


def _corners(
    walls: Walls, middle: _Floats, along: _Floats, closed: NDArray[np.bool_], bevel: float
) -> tuple[_Floats, _Ints]:
    """Return the corners and their lines: where each wall meets the one before it, or begins a line."""
    first, last = line_ends(walls.line)
    previous = np.arange(len(along)) - 1
    previous[first] = np.flatnonzero(last)
    here = _projected(walls.begin, middle, along)
    before = _projected(walls.begin, middle[previous], along[previous])
    sine = _cross(along[previous], along)
    sharp = np.abs(sine) > _BLUNT
    reach = _cross(middle - middle[previous], along) / np.where(sharp, sine, 1)
    meeting = middle[previous] + reach[:, None] * along[previous]
    corners = np.where(sharp[:, None], meeting, (here + before) / 2)
    starts = first & ~closed[walls.line]
    cut = (np.linalg.norm(corners - walls.begin, axis=1) > bevel) & ~starts
    corners = np.where((starts | cut)[:, None], here, corners)
    shown = np.stack([cut, np.ones_like(cut)], axis=1)
    return np.stack([before, corners], axis=1)[shown], np.repeat(walls.line, 1 + cut)


def _drawn(
    points: _Floats, line: _Ints, walls: Walls, middle: _Floats, along: _Floats, edges: Edges
) -> NDArray[np.object_]:
    result = np.full(len(edges.count), None, dtype=object)
    enough = edges.closed & (np.bincount(line, minlength=len(edges.count)) >= _TRIANGLE)
    placed = points + edges.origin[line]
    ring = enough[line]
    number = np.cumsum(enough) - 1
    if enough.any():
        result[enough] = shapely.linearrings(placed[ring], indices=number[line[ring]])
    open_ones = np.flatnonzero(~edges.closed)
    if len(open_ones):
        last = np.flatnonzero(line_ends(walls.line)[1] & ~edges.closed[walls.line])
        ends = _projected(edges.end[open_ones], middle[last], along[last]) + edges.origin[open_ones]
        corners = np.concatenate([placed[~edges.closed[line]], ends])
        whose = np.concatenate([line[~edges.closed[line]], open_ones])
        order = np.argsort(whose, kind="stable")
        number = np.cumsum(~edges.closed) - 1
        result[open_ones] = shapely.linestrings(corners[order], indices=number[whose[order]])
    return result


def _projected(points: _Floats, middle: _Floats, along: _Floats) -> _Floats:
    projected: _Floats = middle + np.sum((points - middle) * along, axis=1, keepdims=True) * along
    return projected


def _cross(a: _Floats, b: _Floats) -> _Floats:
    product: _Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product
