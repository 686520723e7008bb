"""Runs of pixels along rows: where they are, which ones touch, and where the outline around them turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vigibati.inference.vectorisation.pixel_corners import Corners

_Ints = NDArray[np.int64]


def run_ends(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return where the runs of all rows start and stop, in turn.

    Args:
        mask: (H, W).

    Returns:
        Places in rows of W + 1 columns, ascending: runs of different rows never meet.
    """
    changes = np.empty((len(mask), mask.shape[1] + 1), dtype=bool)
    np.not_equal(mask[:, 1:], mask[:, :-1], out=changes[:, 1:-1])
    changes[:, 0], changes[:, -1] = mask[:, 0], mask[:, -1]
    return np.flatnonzero(changes)


def overlapping(starts: _Ints, stops: _Ints, other_starts: _Ints, other_stops: _Ints) -> tuple[_Ints, _Ints]:
    """Find the intervals of two rows that share more than an end.

    Args:
        starts: (N,) where the intervals of the one row begin, ascending.
        stops: (N,) where they end, above their start and not above the next one.
        other_starts: (M,) the same of the other row.
        other_stops: (M,) the same of the other row.

    Returns:
        (P,) places in the one row and (P,) places in the other, a pair for each overlap.
    """
    first = np.searchsorted(other_stops, starts, side="right")
    count = np.searchsorted(other_starts, stops, side="left") - first
    # The k-th pair of an interval is with the k-th of those that overlap it.
    skipped = np.cumsum(count) - count - first
    return np.repeat(np.arange(len(starts)), count), np.arange(count.sum()) - np.repeat(skipped, count)


def turns(ends: _Ints, owner: _Ints, *, before: int, last: int, side: int) -> Corners:
    """Return the corners on the lines between rows.

    Args:
        ends: Where runs start and stop, in turn, as places in rows. The first row lies before those that
            are asked about: its upper line is not.
        owner: The polygon of each run.
        before: How many ends are of the first row.
        last: How many ends are of the last row, whose lower line is not asked about either.
        side: Places in a row.

    Returns:
        In reading order, with rows from 0 for the line between the first row and the second.
    """
    whose = np.repeat(owner, 2)
    weight = np.where(np.arange(len(ends)) % 2, -1, 1)
    complete = len(ends) - last
    index = np.concatenate([ends[:complete] + side, ends[before:]])
    order = np.argsort(index, kind="stable")
    index = index[order]
    weight = np.concatenate([-weight[:complete], weight[before:]])[order]
    whose = np.concatenate([whose[:complete], whose[before:]])[order]
    # Where a run ends right below another, the outline goes straight on.
    straight = np.flatnonzero((index[1:] == index[:-1]) & (weight[1:] != weight[:-1]))
    kept = np.ones(len(index), dtype=bool)
    kept[straight] = kept[straight + 1] = False
    row, col = np.divmod(index[kept], side)
    return Corners(whose[kept], row - 1, col, weight[kept])
