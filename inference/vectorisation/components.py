"""Connected components of a mask that arrives in strips, closed as soon as they are complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vigibati.inference.probabilities.strip_masks import Strip
from vigibati.inference.vectorisation.pixel_corners import Corners, draw
from vigibati.inference.vectorisation.pixel_runs import overlapping, run_ends, turns

_Ints = NDArray[np.int64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Sets of pixels that hang together by their sides, as a table.

    Attributes:
        outlines: (N,) Polygon along pixel edges in (column, row) of the whole grid, without points on
            straight lines, as ``shapely.normalize`` would return it.
        row: (N,) row of the first pixel in reading order.
        col: (N,) its column.
        pixels: (N,) number of pixels.
        total: (N,) sum of their values.
        at_edge: (N,) whether one of them lies at an edge of the image.
    """

    outlines: NDArray[np.object_]
    row: _Ints
    col: _Ints
    pixels: _Ints
    total: _Ints
    at_edge: _Flags

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, where: _Ints | _Flags) -> Components:
        """Return the components at places, or where a mask is True."""
        return Components(*(getattr(self, field.name)[where] for field in fields(self)))

    def in_order(self) -> Components:
        """Return the components in reading order of their first pixels."""
        return self.take(np.lexsort((self.col, self.row)))

    @staticmethod
    def concatenate(parts: Iterable[Components]) -> Components:
        """Return one table of those in ``parts``, which may be none."""
        whole = [_NOTHING, *parts]
        names = (field.name for field in fields(Components))
        return Components(*(np.concatenate([getattr(part, name) for part in whole]) for name in names))


_NONE = np.array([], dtype=np.int64)
_NOTHING = Components(np.array([], dtype=object), _NONE, _NONE, _NONE, _NONE, np.array([], dtype=bool))


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """Components that may go on in the next strip, in reading order of their first pixels.

    Attributes:
        table: What is known of them; their outlines are None.
        corners: Of their outlines down to the line below which nothing is known yet.
        ends: Columns at which the runs of the last row start and stop, in turn.
        owner: The component of each of these runs.
    """

    table: Components
    corners: Corners
    ends: _Ints
    owner: _Ints


def trace(strips: Iterable[Strip]) -> Iterator[Components]:
    """Trace the 4-connected components of a mask, with the same result for every height of strips.

    Memory holds one strip, and the corners of the components that reach its last row.

    Args:
        strips: The mask from its top to its bottom.

    Yields:
        After each strip and at the end the components that were completed.
    """
    pending = _Open(_NOTHING, Corners(_NONE, _NONE, _NONE, _NONE), _NONE, _NONE)
    strip: Strip | None = None
    for strip in strips:
        closed, pending = _advance(pending, strip)
        yield closed
    if strip is not None:
        nothing = np.zeros((1, strip.mask.shape[1]), dtype=bool)
        below = Strip(strip.row + len(strip.mask), nothing, nothing.view(np.uint8), nothing, strip.col)
        yield _advance(pending, below)[0]


def joined(parts: Components, first: _Ints, second: _Ints) -> tuple[Components, _Ints]:
    """Make one component of all parts that hang together.

    Args:
        parts: In reading order of their first pixels.
        first: (P,) part of each pair that touch.
        second: (P,) the other part.

    Returns:
        The components, in the same order and with the outline of their first part, and (parts,) the
        component of each.
    """
    graph = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(len(parts), len(parts)))
    count, label = connected_components(graph, directed=False)
    foremost = np.empty(count, dtype=np.int64)
    # Of several values for one place the last is kept.
    foremost[label[::-1]] = np.arange(len(parts))[::-1]
    order = np.argsort(foremost)
    rank = np.empty_like(order)
    rank[order] = np.arange(count)
    number = rank[label]
    # Sums of integers below 2^53 are exact in the float64 that bincount weighs with.
    pixels, total, at_edge = (
        np.bincount(number, values, count) for values in (parts.pixels, parts.total, parts.at_edge)
    )
    whole = replace(
        parts.take(foremost[order]),
        pixels=pixels.astype(np.int64),
        total=total.astype(np.int64),
        at_edge=at_edge > 0,
    )
    return whole, number


def _advance(pending: _Open, strip: Strip) -> tuple[Components, _Open]:
    """Return the components that are complete above the last row of the strip, and the others."""
    # Places in rows of one column more, the last row of the strip before included: runs of different
    # rows never meet. Starts and stops take turns.
    height, side = len(strip.mask), strip.mask.shape[1] + 1
    added = run_ends(strip.mask)
    ends = np.concatenate([pending.ends, added + side])
    starts, stops = ends[::2], ends[1::2]
    count = len(pending.table)
    part = np.concatenate([pending.owner, np.arange(count, count + len(added) // 2)])
    touching = overlapping(starts + side, stops + side, starts, stops)
    parts = Components.concatenate([pending.table, _runs(strip, added)])
    table, number = joined(parts, *(part[index] for index in touching))
    owner = number[part]
    last = starts >= height * side
    new = turns(ends, owner, before=len(pending.ends), last=2 * int(last.sum()), side=side)
    corners = Corners(
        np.concatenate([number[pending.corners.owner], new.owner]),
        np.concatenate([pending.corners.row, new.row + strip.row]),
        np.concatenate([pending.corners.col, new.col + strip.col]),
        np.concatenate([pending.corners.weight, new.weight]),
    )
    lasting = np.zeros(len(table), dtype=bool)
    lasting[owner[last]] = True
    closed, outline = _parted(table, corners, ~lasting)
    table, corners = _parted(table, corners, lasting)
    rest = ends[np.repeat(last, 2)] - height * side
    rank = np.cumsum(lasting) - 1
    return replace(closed, outlines=draw(outline)), _Open(table, corners, rest, rank[owner[last]])


def _runs(strip: Strip, ends: _Ints) -> Components:
    """Return the runs of the rows of a strip as components."""
    starts, pixels = ends[::2], ends[1::2] - ends[::2]
    row, col = np.divmod(starts, strip.mask.shape[1] + 1)
    # What is inside, picked row by row, comes run by run.
    first = np.cumsum(pixels) - pixels
    total, at_edge = (
        np.add.reduceat(of_all[strip.mask], first, dtype=np.int64) for of_all in (strip.values, strip.edge)
    )
    outlines = np.full(len(starts), None, dtype=object)
    return Components(outlines, strip.row + row, strip.col + col, pixels, total, at_edge > 0)


def _parted(table: Components, corners: Corners, chosen: _Flags) -> tuple[Components, Corners]:
    """Return the chosen components and their corners, numbered anew."""
    rank = np.cumsum(chosen) - 1
    kept = corners.take(chosen[corners.owner])
    return table.take(chosen), replace(kept, owner=rank[kept.owner])
