"""Outlines of strips put together from the top, handed on as soon as nothing below can change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from vigibati.inference.vectorisation.components import Components
from vigibati.inference.vectorisation.seam_join import join_at_seams


def settle(
    strips: Iterable[tuple[Mapping[str, Components], range]], *, cols: Sequence[int], reach_px: float
) -> Iterator[dict[str, Components]]:
    """Join outlines at the seams of strips, and yield those that are settled.

    What lies within reach of an outline that may still grow is held back with it, and so on from
    neighbour to neighbour, because outlines are straightened together with those around them.
    Memory holds one strip and what is held back.

    Args:
        strips: By class, what was traced in each strip, and the rows of the strip; from the top without
            gaps.
        cols: Columns at which strips were cut into units.
        reach_px: How far outlines have a say in one another.

    Yields:
        By class, outlines in the order of their first pixel within what is yielded together.
    """
    held: dict[str, Components] = {}
    for traced, rows in strips:
        joined = {
            name: join_at_seams(
                Components.concatenate([held[name], added]) if name in held else added,
                rows=[rows.start],
                cols=cols,
            )
            for name, added in traced.items()
        }
        waiting = _waiting(joined, rows.stop - reach_px, reach_px)
        yield {name: each.take(~waiting[name]) for name, each in joined.items()}
        held = {name: each.take(waiting[name]) for name, each in joined.items()}
    if held:
        yield held


def _waiting(joined: Mapping[str, Components], below: float, reach_px: float) -> dict[str, NDArray[np.bool_]]:
    """Return by class which outlines may grow below a row, or depend on one that may."""
    outlines = np.concatenate([each.outlines for each in joined.values()])
    lowest = shapely.bounds(outlines)[:, 3]
    growing = lowest >= below
    if growing.any():
        growing = _with_neighbours(outlines, growing, reach_px)
    ends = np.cumsum([len(each) for each in joined.values()])[:-1]
    return dict(zip(joined, np.split(growing, ends), strict=True))


def _with_neighbours(
    outlines: NDArray[np.object_], chosen: NDArray[np.bool_], reach_px: float
) -> NDArray[np.bool_]:
    first, second = shapely.STRtree(outlines).query(_grown(outlines, reach_px))
    first, second = first[first < second], second[first < second]
    # The longer one is searched through its index: a maze may have a hundred thousand points, and as
    # many specks near it.
    corners = shapely.get_num_coordinates(outlines)
    longer, other = np.where(corners[first] >= corners[second], (first, second), (second, first))
    shapely.prepare(outlines[np.unique(longer)])
    near = shapely.dwithin(outlines[longer], outlines[other], reach_px)
    longer, other = longer[near], other[near]
    pairs = coo_array((np.ones(len(longer)), (longer, other)), shape=(len(outlines), len(outlines)))
    _, group = connected_components(pairs, directed=False)
    return np.isin(group, group[chosen])


def _grown(outlines: NDArray[np.object_], by_px: float) -> NDArray[np.object_]:
    left, top, right, bottom = shapely.bounds(outlines).T
    boxes: NDArray[np.object_] = shapely.box(left - by_px, top - by_px, right + by_px, bottom + by_px)
    return boxes
