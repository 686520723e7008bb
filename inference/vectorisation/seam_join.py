"""Components that were traced piece by piece, joined where the pieces meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.inference.vectorisation.components import Components, joined
from vigibati.inference.vectorisation.pixel_corners import Corners, corners_of, draw, united
from vigibati.inference.vectorisation.pixel_runs import overlapping

_Ints = NDArray[np.int64]


def join_at_seams(parts: Components, *, rows: Sequence[int], cols: Sequence[int]) -> Components:
    """Join what touches across the borders of rectangles that were traced independently.

    Args:
        parts: What ``trace`` gave for all the rectangles, in any order.
        rows: Horizontal lines that the rectangles have in common: the number of the row below.
        cols: Vertical lines that they have in common: the number of the column to the right.

    Returns:
        The components of the whole, as if it had been traced at once, in reading order of their
        first pixels.
    """
    ordered = parts.in_order()
    left, upper, right, lower = shapely.bounds(ordered.outlines).reshape(-1, 4).T
    beside = np.isin(upper, rows) | np.isin(lower, rows) | np.isin(left, cols) | np.isin(right, cols)
    near = ordered.take(beside)
    corners = corners_of(near.outlines)
    flipped = Corners(corners.owner, corners.col, corners.row, corners.weight)
    pairs = [_touching(corners, rows), _touching(flipped, cols)]
    first, second = (np.concatenate(places) for places in zip(*pairs, strict=True))
    whole, number = joined(near, first, second)
    several = np.bincount(number, minlength=len(whole)) > 1
    rank = np.cumsum(several) - 1
    crossing = corners.take(several[number[corners.owner]])
    outlines = whole.outlines.copy()
    outlines[several] = draw(united(replace(crossing, owner=rank[number[crossing.owner]])))
    return Components.concatenate([ordered.take(~beside), replace(whole, outlines=outlines)]).in_order()


def _touching(corners: Corners, lines: Sequence[int]) -> tuple[_Ints, _Ints]:
    """Return the owners of horizontal edges from above and from below that overlap on one of the lines."""
    at_seam = corners.take(np.isin(corners.row, lines))
    left, right = at_seam.edges()
    # Places in reading order, each line wider than all: edges of different lines never meet.
    side = int(corners.col.max(initial=0)) + 1
    start, stop = (at_seam.row[end] * side + at_seam.col[end] for end in (left, right))
    order = np.argsort(start)
    above = order[at_seam.weight[left[order]] < 0]
    below = order[at_seam.weight[left[order]] > 0]
    upper, lower = overlapping(start[above], stop[above], start[below], stop[below])
    owner = at_seam.owner[left]
    return owner[above[upper]], owner[below[lower]]
