"""Straight walls through ragged lines: the fewest that explain them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

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

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

# Kinds of walls: 0 along the main direction, 1 across it, 2 at any angle.
_OBLIQUE = 2
# Such a wall has one more free parameter, and is the exception among buildings.
_OBLIQUE_COST = 3.0
_MAY_FOLLOW = (np.array([1, 2]), np.array([0, 2]), np.array([0, 1, 2]))
# Walls that meet at less meet far away or nowhere.
_BLUNT = np.sin(np.radians(20))
# No straight wall has as many kinks; keeps time and memory linear for the outline of a whole quarter.
_LONGEST_RUN = 48
# Edges that are worked on side by side.
_CHUNK = 20_000
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

    Every owner has one main direction. Each line is cut at vertices of its simpler version so that
    the squared distances to the walls, integrated along the line, plus a fixed cost for each wall
    are smallest (least squares with a penalty, solved exactly by dynamic programming as in Bellman,
    On the approximation of curves by line segments using dynamic programming, Communications of
    the ACM 4(6), 1961). A wall runs along the main direction or across it, or at three times the
    cost at any angle. At last the main direction is fitted to all the walls that keep to it, and
    parallel walls of an owner that are nearly in line become so.

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
    parts = [_cut(edges, chunk, directions[chunk], wall_cost) for chunk in _chunks(edges.count)]
    walls = _Walls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(_Walls)))
    walls = walls.picked(np.argsort(walls.line, kind="stable"))
    angle = _angles(walls, owner, directions)
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle = _aligned(walls, along, owner, edges.origin, align)
    points, line = _corners(walls, middle, along, edges.closed, bevel)
    return _drawn(points, line, walls, middle, along, edges)


@dataclass(frozen=True, slots=True)
class _Walls:
    """Walls of lines, in order.

    ``moments`` are those of the raw line along the wall, ``begin`` and ``end`` (M, 2) the vertices
    between which it was cut, all from the origin of the line.
    """

    line: _Ints
    kind: _Ints
    moments: _Floats
    begin: _Floats
    end: _Floats

    def picked(self, which: NDArray[np.generic]) -> _Walls:
        return _Walls(*(getattr(self, f.name)[which] for f in fields(self)))


def _chunks(count: _Ints) -> Iterator[_Ints]:
    """Lines with about as many edges, so that little is padded."""
    order = np.argsort(count, kind="stable")
    sizes = count[order]
    begin = 0
    while begin < len(order):
        largest = max(12, int(sizes[begin] * 1.25))
        stop = min(int(np.searchsorted(sizes, largest, side="right")), begin + max(1, _CHUNK // largest))
        yield order[begin:stop]
        begin = stop


def _cut(edges: Edges, lines: _Ints, direction: _Floats, wall_cost: float) -> _Walls:
    """Cut lines into walls; all lines side by side, vertex after vertex."""
    count = edges.count[lines]
    steps = np.arange(count.max())
    inside = steps < count[:, None]
    order = _order(edges, lines, np.where(inside, steps, 0), inside)
    moments = np.where(inside[:, :, None], edges.moments[order], 0)
    before = np.concatenate([np.zeros((len(lines), 1, 6)), np.cumsum(moments, axis=1)], axis=1)
    row, start, stop, kind = _followed(*_cheapest(before, direction, wall_cost), count)
    vertices = edges.vertex[order[row, start]]
    after = edges.vertex[order[row, stop % count[row]]]
    end = np.where(((stop == count[row]) & ~edges.closed[lines[row]])[:, None], edges.end[lines[row]], after)
    walls = _Walls(lines[row], kind, before[row, stop] - before[row, start], vertices, end)
    return _joined(walls, edges.closed)


def _order(edges: Edges, lines: _Ints, steps: _Ints, inside: NDArray[np.bool_]) -> _Ints:
    """Order the edges of each line: a ring from the vertex farthest from its middle, surely a corner."""
    first, count = np.searchsorted(edges.line, lines), edges.count[lines]
    moments = np.where(inside[:, :, None], edges.moments[first[:, None] + steps], 0).sum(axis=1)
    middle = moments[:, 1:3] / moments[:, :1]
    away = np.linalg.norm(edges.vertex[first[:, None] + steps] - middle[:, None], axis=2)
    corner = np.argmax(np.where(inside, away, -1), axis=1)
    start = np.where(edges.closed[lines], corner, 0)
    order: _Ints = first[:, None] + (start[:, None] + steps) % count[:, None]
    return order


def _cheapest(before: _Floats, direction: _Floats, wall_cost: float) -> tuple[_Floats, _Ints]:
    """Return, for walls that end at a vertex and the kind of the last, their price and its start.

    Both have the shape (lines, vertices, 3).
    """
    cost = wall_cost * np.array([1, 1, _OBLIQUE_COST])
    price = np.full((*before.shape[:2], 3), np.inf)
    entry = price.copy()
    entry[:, 0] = 0
    start = np.zeros(price.shape, dtype=np.int64)
    for stop in range(1, before.shape[1]):
        low = max(0, stop - _LONGEST_RUN)
        total = _misfit(before[:, stop, None] - before[:, low:stop], direction) + cost + entry[:, low:stop]
        start[:, stop] = np.argmin(total, axis=1) + low
        price[:, stop] = np.min(total, axis=1)
        for kind, others in enumerate(_MAY_FOLLOW):
            entry[:, stop, kind] = price[:, stop, others].min(axis=1)
    return price, start


def _misfit(moments: _Floats, direction: _Floats) -> _Floats:
    """Integrals of the squared distance to the best wall of each kind, (..., 3)."""
    # Beyond the end of a line there is nothing to fit: any length but 0 will do.
    safe = np.concatenate([np.maximum(moments[..., :1], 1e-9), moments[..., 1:]], axis=-1)
    xx, xy, yy = central(safe)
    cos, sin = np.cos(direction)[:, None], np.sin(direction)[:, None]
    along = sin**2 * xx - 2 * sin * cos * xy + cos**2 * yy
    oblique = (xx + yy) / 2 - np.hypot((xx - yy) / 2, xy)
    return np.stack([along, xx + yy - along, oblique], axis=-1)


def _followed(price: _Floats, start: _Ints, count: _Ints) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    """Follow the cheapest walls back from the end: row, first and last vertex, kind of each, in order."""
    row, stop = np.arange(len(count)), count
    kind = np.argmin(price[row, stop], axis=1)
    allowed = np.array([[False, True, True], [True, False, True], [True, True, True]])
    found = []
    while len(row):
        low = start[row, stop, kind]
        found.append((row, low, stop, kind))
        more = low > 0
        row, stop = row[more], low[more]
        kind = np.argmin(np.where(allowed[kind[more]], price[row, stop], np.inf), axis=1)
    rows, lows, stops, kinds = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((stops, rows))
    return rows[order], lows[order], stops[order], kinds[order]


def _ends(line: _Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell the first and the last wall of each line."""
    change = line[1:] != line[:-1]
    return np.concatenate([[True], change]), np.concatenate([change, [True]])


def _joined(walls: _Walls, closed: NDArray[np.bool_]) -> _Walls:
    """Make one wall of the first and the last of a ring where they have the same direction."""
    first, last = (np.flatnonzero(ends) for ends in _ends(walls.line))
    same = (walls.kind[first] == walls.kind[last]) & (walls.kind[first] != _OBLIQUE)
    same &= closed[walls.line[first]] & (first != last)
    first, last = first[same], last[same]
    moments, begin = walls.moments.copy(), walls.begin.copy()
    moments[first] += moments[last]
    begin[first] = begin[last]
    whole = _Walls(walls.line, walls.kind, moments, begin, walls.end)
    return whole.picked(np.setdiff1d(np.arange(len(walls.line)), last))


def _angles(walls: _Walls, owner: _Ints, directions: _Floats) -> _Floats:
    """Return the angle of every wall, with the main directions fitted to all walls that keep to them."""
    xx, xy, yy = central(walls.moments)
    across = walls.kind == 1
    # Turned by 90°, a wall across supports the same direction as one along.
    turned = np.where(across, yy, xx), np.where(across, -xy, xy), np.where(across, xx, yy)
    square = walls.kind != _OBLIQUE
    whose, count = owner[walls.line[square]], int(owner.max()) + 1
    sums = [np.bincount(whose, part[square], count).astype(np.float64) for part in turned]
    fitted = axis_angle(sums[0], sums[1], sums[2])[owner]
    # Which of the two axes carries more wall does not matter: the nearer one to the direction is meant.
    main = directions + np.mod(fitted - directions + np.pi / 4, np.pi / 2) - np.pi / 4
    return np.where(square, main[walls.line] + across * np.pi / 2, axis_angle(xx, xy, yy))


def _aligned(walls: _Walls, along: _Floats, owner: _Ints, origin: _Floats, align: float) -> _Floats:
    """Return a point of every wall, (M, 2), moved across so that walls nearly in line are in line."""
    length = walls.moments[:, 0]
    middle = walls.moments[:, 1:3] / length[:, None]
    # Lines of one owner are compared from the origin of the first of them.
    _, first_line, number = np.unique(owner, return_index=True, return_inverse=True)
    common = middle + (origin - origin[first_line[number]])[walls.line]
    across = _cross(along, common)
    # An oblique wall is in line with itself alone.
    oblique = walls.kind == _OBLIQUE
    group = np.where(oblique, 2 * len(owner) + np.arange(len(across)), 2 * owner[walls.line] + walls.kind)
    order = np.lexsort((across, group))
    apart = (np.diff(group[order]) != 0) | (np.diff(across[order]) > align)
    row = np.empty(len(order), dtype=np.int64)
    row[order] = np.concatenate([[0], np.cumsum(apart)])
    mean = np.bincount(row, length * across) / np.bincount(row, length)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return middle + (mean[row] - across)[:, None] * normal


def _corners(
    walls: _Walls, middle: _Floats, along: _Floats, closed: NDArray[np.bool_], bevel: float
) -> tuple[_Floats, _Ints]:
    """Return the corners and their lines: where each wall meets the one before it, or begins a line."""
    first, last = _ends(walls.line)
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
    points: _Floats, line: _Ints, walls: _Walls, middle: _Floats, along: _Floats, edges: Edges
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
        last = np.flatnonzero(_ends(walls.line)[1] & ~edges.closed[walls.line])
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
