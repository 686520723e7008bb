"""Straight walls and right angles for the outlines of buildings."""

from __future__ import annotations

from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry import Polygon

from vigibati.inference.regularisation.shared_walls import (
    divided,
    inner_walls,
    lengthened,
    points_near,
    simplified_block,
)
from vigibati.inference.regularisation.straighten import straighten

_Objects = NDArray[np.object_]
_Flags = NDArray[np.bool_]
_Ints = NDArray[np.int64]

# One and a half pixels at 20 cm: takes the stairs off a slanting wall and keeps its corners.
_SIMPLIFY_M = 0.3
# A bulge of a long wall stays where its width times its depth squared is above four times this: from
# three pixels of 20 cm deep over four metres, or six deep over one. The second is tried where the
# first strays too far from the outline.
_WALL_COSTS_M3 = (0.35, 0.08)
MAX_SHIFT_M: Final = 1.0
"""No outline moves farther when it is straightened."""
_MAX_AREA_SHARE = 0.1
# Two pixels of 20 cm: a wall between neighbours and the step of the outline that it ends in are one line.
_ALIGN_M = 0.4
# A corner farther than four pixels from where the outline turns is cut: there the outline is round.
_BEVEL_M = 0.8
# Lines that should meet or coincide do so on a grid of this size.
_GRID_M = 0.001
# Where distances are taken along a boundary; between two such points they grow by half of it at most.
_SAMPLE_M = 0.4
_TOUCH_M2 = 1e-6


def regularise(
    outlines: NDArray[np.object_],
    *,
    straight: NDArray[np.bool_],
    metres_per_unit: float,
    simplified: NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Give the outlines of buildings straight walls and right angles.

    Buildings that share walls are one block: one main direction, and walls that are moved once for
    both sides, so that neighbours meet in the new outlines as they did in the old. A new outline is
    valid, has as many holes as the old one, lies within 1 m of it (Hausdorff distance of the
    boundaries), differs from it by at most a tenth in area, and overlaps no other that the old one
    did not. A block where that cannot be had is simplified by 0.3 m instead, and one that even so
    would overlap a neighbour keeps its outlines.

    What becomes of an outline depends on itself and on those that it touches or would overlap.

    Args:
        outlines: (N,) valid polygons along the edges of pixels.
        straight: (N,) False for free forms such as pools: they are simplified by 0.3 m, no more.
        metres_per_unit: Metres on the ground per unit of the coordinates.
        simplified: (N,) what ``simplify`` makes of the outlines, where that is at hand.

    Returns:
        (N,) polygons.
    """
    if not len(outlines):
        return outlines
    block, overlapping = _blocks(outlines, straight)
    simple = simplify(outlines, metres_per_unit=metres_per_unit) if simplified is None else simplified.copy()
    for group in _members(block):
        simple[group] = simplified_block(outlines[group], _SIMPLIFY_M / metres_per_unit)
    drawn, waiting = simple.copy(), straight.copy()
    for wall_cost_m3 in _WALL_COSTS_M3:
        where = np.flatnonzero(waiting)
        new = _straightened(outlines[where], block[where], wall_cost_m3, metres_per_unit)
        bad = ~_acceptable(new, outlines[where], metres_per_unit)
        good = ~np.isin(block[where], block[where][bad])
        drawn[where[good]] = new[good]
        waiting[where[good]] = False
    return _without_overlaps((drawn, simple, outlines), block, overlapping, metres_per_unit)


def simplify(outlines: NDArray[np.object_], *, metres_per_unit: float) -> NDArray[np.object_]:
    """Simplify each outline by 0.3 m on the ground; one that would become invalid stays as it is.

    Args:
        outlines: (N,) valid polygons.
        metres_per_unit: Metres on the ground per unit of the coordinates.
    """
    simple = shapely.simplify(outlines, _SIMPLIFY_M / metres_per_unit, preserve_topology=True)
    result: NDArray[np.object_] = np.where(shapely.is_valid(simple), simple, outlines)
    return result


def _blocks(raw: _Objects, straight: _Flags) -> tuple[_Ints, set[tuple[int, int]]]:
    """Return the number of each footprint's block, and the pairs that overlap."""
    first, second = _meeting(raw)
    shared = shapely.intersection(raw[first], raw[second])
    overlap = shapely.area(shared) > 0
    walls = ~overlap & (shapely.length(shared) > 0) & straight[first] & straight[second]
    graph = coo_array((np.ones(walls.sum()), (first[walls], second[walls])), shape=(len(raw), len(raw)))
    _, block = connected_components(graph, directed=False)
    return block.astype(np.int64), set(zip(first[overlap].tolist(), second[overlap].tolist(), strict=True))


def _meeting(outlines: _Objects) -> tuple[_Ints, _Ints]:
    first, second = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    return first[first < second], second[first < second]


def _members(block: _Ints) -> list[_Ints]:
    """Return the places of the members of every block that has more than one."""
    several = np.flatnonzero(np.bincount(block)[block] > 1)
    order = several[np.argsort(block[several], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(block[order])) + 1) if len(order) else []


def _straightened(raw: _Objects, block: _Ints, wall_cost_m3: float, scale: float) -> _Objects:
    """Return new outlines, None where there is none."""
    groups = _members(block)
    wholes = raw.copy()
    walls, wall_owner = [np.array([], dtype=object)], [np.array([], dtype=np.int64)]
    for group in groups:
        wholes[group] = None
        wholes[group[0]] = shapely.union_all(raw[group])
        walls.append(inner_walls(raw[group]))
        wall_owner.append(np.full(len(walls[-1]), group[0]))
    rings, ring_owner = shapely.get_rings(wholes, return_index=True)
    lines, owner = np.concatenate([rings, *walls]), np.concatenate([ring_owner, *wall_owner])
    simpler = shapely.simplify(lines, _SIMPLIFY_M / scale)
    new = straighten(
        lines,
        simpler,
        owner,
        wall_cost=wall_cost_m3 / scale**3,
        align=_ALIGN_M / scale,
        bevel=_BEVEL_M / scale,
    )
    outlines = _polygons(new[: len(rings)], ring_owner, len(raw))
    new_walls = new[len(rings) :]
    new_owner = owner[len(rings) :]
    for group in groups:
        of_group = new_walls[(new_owner == group[0]) & ~shapely.is_missing(new_walls)]
        inside = [lengthened(wall, 2 * MAX_SHIFT_M / scale) for wall in of_group]
        outline = outlines[group[0]]
        parts = None
        if outline is not None and outline.is_valid:
            parts = divided(outline, np.array(inside, dtype=object), raw[group], grid=_GRID_M / scale)
        outlines[group] = None if parts is None else parts
    return outlines


def _polygons(rings: _Objects, owner: _Ints, count: int) -> _Objects:
    """Make polygons of rings, shell first; None where one of the rings is."""
    result = np.full(count, None, dtype=object)
    shells, first, number = np.unique(owner, return_index=True, return_counts=True)
    missing = np.zeros(count, dtype=bool)
    missing[owner[shapely.is_missing(rings)]] = True
    without_holes = (number == 1) & ~missing[shells]
    result[shells[without_holes]] = shapely.polygons(rings[first[without_holes]])
    for index in np.flatnonzero((number > 1) & ~missing[shells]):
        shell, *holes = rings[first[index] : first[index] + number[index]]
        result[shells[index]] = Polygon(shell, holes)
    return result


def _acceptable(new: _Objects, raw: _Objects, scale: float) -> _Flags:
    fine: _Flags = shapely.is_valid(new) & (shapely.get_type_id(new) == shapely.GeometryType.POLYGON)
    fine &= shapely.get_num_interior_rings(new) == shapely.get_num_interior_rings(raw)
    area = shapely.area(raw)
    fine &= np.abs(shapely.area(new) - area) <= _MAX_AREA_SHARE * area
    sampled = shapely.segmentize(new[fine], _SAMPLE_M / scale)
    fine[fine] = points_near(sampled, raw[fine], (MAX_SHIFT_M - _SAMPLE_M / 2) / scale)
    around = shapely.buffer(shapely.boundary(new[fine]), MAX_SHIFT_M / scale)
    fine[fine] = shapely.covers(around, shapely.boundary(raw[fine]))
    return fine


def _without_overlaps(
    levels: tuple[_Objects, ...], block: _Ints, overlapping: set[tuple[int, int]], scale: float
) -> _Objects:
    """Take blocks back, level by level, until none overlaps another that it did not overlap before."""
    level = np.zeros(len(block), dtype=np.int64)
    while True:
        outlines: _Objects = np.choose(level, levels)
        first, second = _meeting(outlines)
        new = np.array([pair not in overlapping for pair in zip(first, second, strict=True)], dtype=bool)
        first, second = first[new], second[new]
        area = shapely.area(shapely.intersection(outlines[first], outlines[second]))
        clash = (area > _TOUCH_M2 / scale**2) & (block[first] != block[second])
        blocks = np.unique(np.concatenate([block[first[clash]], block[second[clash]]]))
        back = np.isin(block, blocks) & (level < len(levels) - 1)
        if not back.any():
            return outlines
        level[back] += 1
