"""Intervals along a line that overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_Ints = NDArray[np.int64]


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
