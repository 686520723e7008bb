"""Edges of traced lines and the directions that they keep to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]

_QUARTER = np.pi / 2
# 5° a bin: finer than buildings differ from one another, coarser than edges of two metres err.
_BINS = 18
_SPREAD = np.radians(10)


@dataclass(frozen=True, slots=True)
class Edges:
    """Edges of lines, each with what a least-squares fit needs to know of the raw line along it.

    Attributes:
        line: (E,) number of the line, ascending.
        vertex: (E, 2) where the edge begins, from the origin of its line.
        moments: (E, 6) integrals of 1, x, y, x², xy, y² along the raw line, from the same origin.
        count: (N,) edges of each line.
        closed: (N,) whether the line is a ring.
        origin: (N, 2) first point of the line, in the CRS.
        end: (N, 2) last vertex of the line, from its origin; of a ring the last before it closes.
    """

    line: _Ints
    vertex: _Floats
    moments: _Floats
    count: _Ints
    closed: NDArray[np.bool_]
    origin: _Floats
    end: _Floats


def measure_edges(lines: NDArray[np.object_], simpler: NDArray[np.object_]) -> Edges:
    """Measure raw lines along the edges of their simpler versions.

    Args:
        lines: (N,) LinearRing or LineString without repeated points, but for a ring's closing one.
        simpler: (N,) the same lines, reduced to some of their points; open ones keep their ends.
    """
    points, line = shapely.get_coordinates(lines, return_index=True)
    kept_points, kept_line = shapely.get_coordinates(simpler, return_index=True)
    closed = shapely.is_closed(lines)
    numbers = np.arange(len(lines))
    origin = points[np.searchsorted(line, numbers)]
    final = np.append(line[1:] != line[:-1], True)[: len(line)]
    kept = _among(points, line, kept_points, kept_line) & ~(final & closed[line])
    vertices = np.flatnonzero(kept)
    first = np.searchsorted(line[vertices], numbers)
    last = np.append(first[1:], len(vertices)) - 1
    edge = np.cumsum(kept) - 1
    # What a ring has before its first vertex belongs to its last edge.
    edge = np.where(edge < first[line], last[line], edge)
    points = points - origin[line]
    moments = _moments(points[:-1][~final[:-1]], points[1:][~final[:-1]], edge[~final], len(vertices))
    # The last vertex of an open line begins no edge.
    begins = np.ones(len(vertices), dtype=bool)
    begins[last[~closed]] = False
    owner = line[vertices][begins]
    count = np.bincount(owner, minlength=len(lines))
    where = points[vertices]
    return Edges(owner, where[begins], moments[begins], count, closed, origin, where[last])


def main_directions(edges: Edges, owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """Find the direction that most wall of each owner runs along or across.

    The peak of the histogram of the edges' angles modulo 90°, weighted by length, then twice the
    mean of the angles within 10° of it.

    Args:
        edges: Of N lines.
        owner: (N,) from 0, whose line it is.

    Returns:
        (owners,) angles in radians, anticlockwise from x, modulo 90°.
    """
    angle = np.mod(axis_angle(*central(edges.moments)), _QUARTER)
    whose, length = owner[edges.line], edges.moments[:, 0]
    count = int(owner.max(initial=-1)) + 1
    slot = np.minimum((angle / _QUARTER * _BINS).astype(np.int64), _BINS - 1)
    votes = np.bincount(whose * _BINS + slot, length, count * _BINS).reshape(count, _BINS)
    smooth = np.sum([np.roll(votes, shift, axis=1) * (3 - abs(shift)) for shift in range(-2, 3)], axis=0)
    main: NDArray[np.float64] = (np.argmax(smooth, axis=1) + 0.5) * _QUARTER / _BINS
    for _ in range(2):
        apart = np.mod(angle - main[whose] + _QUARTER / 2, _QUARTER) - _QUARTER / 2
        # The variance of a fitted slope falls with the third power of the wall's length.
        weight = np.where(np.abs(apart) < _SPREAD, length**3, 0)
        total = np.bincount(whose, weight, count)
        main = main + np.bincount(whose, weight * apart, count) / np.where(total > 0, total, 1)
    return np.mod(main, _QUARTER)


def central(
    moments: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the integrals of x², xy, y² from the mean, given (..., 6) ``moments`` of length > 0."""
    length, x, y, xx, xy, yy = np.moveaxis(moments, -1, 0)
    return xx - x * x / length, xy - x * y / length, yy - y * y / length


def axis_angle(
    xx: NDArray[np.float64], xy: NDArray[np.float64], yy: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the angle of the straight line with the least sum of squared distances."""
    angle: NDArray[np.float64] = np.arctan2(2 * xy, xx - yy) / 2
    return angle


def _among(points: _Floats, line: _Ints, kept: _Floats, kept_line: _Ints) -> NDArray[np.bool_]:
    """Tell which points of the lines their simpler versions kept."""
    both = np.concatenate([points, kept])
    key = np.concatenate([line, kept_line])
    for axis in (0, 1):
        values, rank = np.unique(both[:, axis], return_inverse=True)
        key = np.unique(key * len(values) + rank, return_inverse=True)[1]
    return np.isin(key[: len(points)], key[len(points) :])


def _moments(begin: _Floats, end: _Floats, edge: _Ints, count: int) -> _Floats:
    step, (x, y) = end - begin, ((begin + end) / 2).T
    length, (dx, dy) = np.hypot(*step.T), step.T
    parts = (1 + 0 * x, x, y, x * x + dx * dx / 12, x * y + dx * dy / 12, y * y + dy * dy / 12)
    return np.stack([np.bincount(edge, length * part, count) for part in parts], axis=1)
