"""The table of footprints of a raster, from components that arrive batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.datasets.encoding import PROBABILITY_SCALE
from vigibati.datasets.grid import PixelGrid
from vigibati.inference.probabilities.object_calibration import object_probabilities
from vigibati.inference.regularisation.regularise import MAX_SHIFT_M, regularise, simplify
from vigibati.inference.vectorisation.components import Components

REACH_M: Final = 2 * MAX_SHIFT_M
"""Outlines farther apart have no say in one another."""

# Chimneys, dormers and noise; no courtyard is that small.
_MIN_HOLE_M2 = 2.0
# What is nowhere as wide as twice this is a wall, a kerb or the edge of a shadow.
_OPENING_M = 0.5
# Kinds without straight walls.
_FREE_FORMS = frozenset({"pool"})
# Far more than a batch costs by itself, far less than fills the memory.
_TOGETHER = 1000
_ORDER = ["row", "col", "kind"]


def footprints_of(
    batches: Iterable[Mapping[str, Components]],
    *,
    grid: PixelGrid,
    calibrations: Mapping[str, tuple[float, float]],
    min_area_m2: float = 4.0,
    regular: bool = True,
) -> gpd.GeoDataFrame:
    """Return footprints of components, as ``vectorise`` describes them.

    Args:
        batches: The components of each class; no outline is within ``REACH_M`` of one of another batch.
        grid: The pixels that they are traced in.
        calibrations: Slope and offset per class, of those that are calibrated.
        min_area_m2: Smallest area on the ground that is kept.
        regular: Whether buildings get straight walls; otherwise outlines are simplified only.
    """
    tables = [_table(batch, grid, calibrations, min_area_m2, regular=regular) for batch in _gathered(batches)]
    whole = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    whole = whole.sort_values(_ORDER, ignore_index=True).drop(columns=["row", "col"])
    whole.insert(0, "footprint_id", np.arange(1, len(whole) + 1, dtype=np.int64))
    return gpd.GeoDataFrame(whole, crs=grid.crs)


def _gathered(batches: Iterable[Mapping[str, Components]]) -> Iterator[dict[str, Components]]:
    """Put small batches together: each costs as much as some hundred outlines, whatever is in it."""
    waiting: list[Mapping[str, Components]] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(components) for each in waiting for components in each.values()) >= _TOGETHER:
            yield _together(waiting)
            waiting = []
    if waiting:
        yield _together(waiting)


def _together(batches: Sequence[Mapping[str, Components]]) -> dict[str, Components]:
    return {name: Components.concatenate(batch[name] for batch in batches) for name in batches[0]}


def as_drawn(outlines: NDArray[np.object_], *, kind: str, metres_per_unit: float) -> NDArray[np.object_]:
    """Return outlines along pixel edges as footprints show them: without small holes and stairs.

    Args:
        outlines: (N,) polygons of one class.
        kind: The class.
        metres_per_unit: Metres on the ground per unit of their coordinates.
    """
    whole = _without_small_holes(outlines, _MIN_HOLE_M2 / metres_per_unit**2)
    flags = np.full(len(whole), kind not in _FREE_FORMS)
    return regularise(whole, straight=flags, metres_per_unit=metres_per_unit)


def _table(
    found: Mapping[str, Components],
    grid: PixelGrid,
    calibrations: Mapping[str, tuple[float, float]],
    min_area_m2: float,
    *,
    regular: bool,
) -> gpd.GeoDataFrame:
    components = Components.concatenate(found.values())
    kinds = np.repeat(np.array(list(found), dtype=str), [len(part) for part in found.values()])
    order = np.lexsort((kinds, components.col, components.row))
    components, kinds = components.take(order), kinds[order]
    scale, transform = grid.ground_scale, grid.transform
    to_crs = np.array([transform.a, transform.e]), np.array([transform.c, transform.f])
    outlines = shapely.transform(components.outlines, lambda points: points * to_crs[0] + to_crs[1])
    traced = _without_small_holes(outlines, _MIN_HOLE_M2 / scale**2)
    outlines = simplify(traced, metres_per_unit=scale)
    kept = shapely.area(outlines) * scale**2 >= min_area_m2
    kept[kept] = _is_wide(outlines[kept], _OPENING_M / scale)
    outlines, kinds, components = outlines[kept], kinds[kept], components.take(kept)
    if regular:
        straight = ~np.isin(kinds, list(_FREE_FORMS))
        outlines = regularise(traced[kept], straight=straight, metres_per_unit=scale, simplified=outlines)
    return gpd.GeoDataFrame(
        {
            "row": components.row,
            "col": components.col,
            "kind": kinds,
            "probability": _probabilities(components, kinds, calibrations),
            "area_m2": shapely.area(outlines) * scale**2,
            "at_edge": components.at_edge,
        },
        geometry=outlines,
        crs=grid.crs,
    )


def _probabilities(
    components: Components, kinds: NDArray[np.str_], calibrations: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = components.total / components.pixels / PROBABILITY_SCALE
    for kind, (slope, offset) in calibrations.items():
        of_kind = kinds == kind
        probabilities[of_kind] = object_probabilities(probabilities[of_kind], slope=slope, offset=offset)
    return probabilities


def _is_wide(outlines: NDArray[np.object_], half_width: float) -> NDArray[np.bool_]:
    """Tell which outlines hold a circle of more than the radius ``half_width``."""
    # No polygon has more area than its boundary times the radius of the largest circle in it.
    wide = shapely.area(outlines) > 1.01 * half_width * shapely.length(outlines)
    doubtful = np.flatnonzero(~wide)
    wide[doubtful] = ~shapely.is_empty(shapely.buffer(outlines[doubtful], -half_width, join_style="mitre"))
    return wide


def _without_small_holes(outlines: NDArray[np.object_], min_area: float) -> NDArray[np.object_]:
    holed = np.flatnonzero(shapely.get_num_interior_rings(outlines))
    rings, owner = shapely.get_rings(outlines[holed], return_index=True)
    filling: Any = shapely.polygons(rings)
    kept = shapely.area(filling) >= min_area
    kept[np.searchsorted(owner, np.arange(len(holed)))] = True
    filled = outlines.copy()
    if len(holed):
        filled[holed] = shapely.polygons(rings[kept], indices=owner[kept])
    return filled
