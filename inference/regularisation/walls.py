"""Lines cut into walls: at which vertices, and along which direction, so that the fewest explain them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vigibati.inference.regularisation.edge_directions import Edges, central

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


ACROSS, OBLIQUE = 1, 2
"""Kinds of walls beside 0, along the main direction: across it, and at any angle."""
# Such a wall has one more free parameter, and is the exception among buildings.
_OBLIQUE_COST = 3.0
_MAY_FOLLOW = (np.array([1, 2]), np.array([0, 2]), np.array([0, 1, 2]))
# No straight wall has as many kinks; keeps time and memory linear for the outline of a whole quarter.
_LONGEST_RUN = 48
# Edges that are worked on side by side.
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Walls:
    """Walls of lines, in order.

    Attributes:
        line: (M,) number of the line, ascending.
        kind: (M,) 0 along the main direction, `ACROSS` it, or `OBLIQUE`.
        moments: (M, 6) of the raw line along the wall, as in `Edges`, from the origin of the line.
        begin: (M, 2) vertex at which it was cut from the wall before, from the same origin.
        end: (M, 2) vertex at which it was cut from the next one.
    """

    line: _Ints
    kind: _Ints
    moments: _Floats
    begin: _Floats
    end: _Floats

    def take(self, where: NDArray[np.generic]) -> Walls:
        """Return the walls at places, or where a mask is True."""
        return Walls(*(getattr(self, f.name)[where] for f in fields(self)))


def cut_into_walls(edges: Edges, directions: _Floats, wall_cost: float) -> Walls:
    """Cut lines at vertices so that the misfit to the walls and their cost are smallest.

    The misfit is the squared distance to the wall, integrated along the line. Solved exactly by dynamic
    programming (Bellman, On the approximation of curves by line segments using dynamic programming,
    Communications of the ACM 4(6), 1961).

    Args:
        edges: Of the lines.
        directions: (N,) main direction of each line, radians.
        wall_cost: Cost of a wall in cubed units of the CRS; an oblique one costs three times as much.

    Returns:
        At least one wall for each line; a ring begins at one of its corners.
    """
    parts = [_cut(edges, chunk, directions[chunk], wall_cost) for chunk in _chunks(edges.count)]
    walls = Walls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Walls)))
    return walls.take(np.argsort(walls.line, kind="stable"))


def line_ends(line: _Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell the first and the last wall of each line.

    Args:
        line: (M,) number of the line of each wall, ascending.
    """
    change = line[1:] != line[:-1]
    return np.concatenate([[True], change]), np.concatenate([change, [True]])


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


def _cut(edges: Edges, lines: _Ints, direction: _Floats, wall_cost: float) -> Walls:
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
    walls = Walls(lines[row], kind, before[row, stop] - before[row, start], vertices, end)
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


def _joined(walls: Walls, closed: NDArray[np.bool_]) -> Walls:
    """Make one wall of the first and the last of a ring where they have the same direction."""
    first, last = (np.flatnonzero(ends) for ends in line_ends(walls.line))
    same = (walls.kind[first] == walls.kind[last]) & (walls.kind[first] != OBLIQUE)
    same &= closed[walls.line[first]] & (first != last)
    first, last = first[same], last[same]
    moments, begin = walls.moments.copy(), walls.begin.copy()
    moments[first] += moments[last]
    begin[first] = begin[last]
    whole = Walls(walls.line, walls.kind, moments, begin, walls.end)
    return whole.take(np.setdiff1d(np.arange(len(walls.line)), last))
