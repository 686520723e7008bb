"""One sheet: its walls and blocks, and how its field and its blocks are fitted around its shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.arrows import middles
from vigibati.cadastre.blocks import BlockFits, blocks_of, fit_blocks
from vigibati.cadastre.fit import Fit, WallMatcher
from vigibati.cadastre.offsets import sheet_ids
from vigibati.cadastre.outlines import WallPoints, wall_points
from vigibati.cadastre.pairing import Geometries, Pairs, as_array, boxes_near, union_by_left
from vigibati.cadastre.warp import Warp, fit_warp
from vigibati.configs.rules import RegistrationRules

_SPACING_M = 3.0
_SIMPLIFY_M = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A sheet as drawn.

    Attributes:
        sheet_id: ``""`` for records without a sheet.
        hull: Around all its records.
        walls: Of its buildings; their ``blocks`` are those below.
        middles: (n, 2) middle of each building.
        blocks: (n,) its block, numbered from 0.
    """

    sheet_id: str
    hull: shapely.Geometry
    walls: WallPoints
    middles: NDArray[np.float64]
    blocks: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class SheetFit:
    """Where a sheet goes.

    Attributes:
        method: ``sheet`` by its own shift, ``global`` by that of the others, ``none`` nowhere.
        fit: What all its records take.
        own: What fits it best, believed or not: from there its blocks are fitted.
        warp: Bending around the shift; None without support.
        blocks: Fits of the blocks, beside ``own`` and ``warp``; None where nothing was fitted.
    """

    method: Literal["sheet", "global", "none"]
    fit: Fit
    own: Fit
    warp: Warp | None = None
    blocks: BlockFits | None = None

    def field_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n, 2) displacement from which the blocks were fitted."""
        return self.own.shift_m + (np.zeros_like(xy) if self.warp is None else self.warp.at(xy))


def sheets_of(records: gpd.GeoDataFrame, footprints: Geometries, *, rules: RegistrationRules) -> list[Sheet]:
    """Return the sheets of records in order of their names; walls only where footprints are near.

    Args:
        records: Canonical records; pools take no part.
        footprints: Buildings found in the image.
        rules: Its ``search_m`` and ``min_edge_m`` are used.
    """
    geometries = as_array(records)
    # No wall farther away can be voted for or matched; such a sheet would have no support anyway.
    near = boxes_near(geometries, footprints, distance_m=2 * rules.search_m)
    used = np.asarray(records["kind"] != "pool")
    number, names = pd.factorize(sheet_ids(records), sort=True)
    by_sheet = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    return [
        _sheet(str(name), geometries[rows], used[rows] & near[rows].any(), rules)
        for name, rows in zip(names, by_sheet, strict=False)
    ]


def _sheet(name: str, drawn: Geometries, used: NDArray[np.bool_], rules: RegistrationRules) -> Sheet:
    fitted = drawn[used]
    block = blocks_of(fitted)
    order = np.argsort(block, kind="stable")
    # United first: a wall between two records is no edge in the image.
    united = union_by_left(Pairs(block[order], order), fitted, count=int(block.max(initial=-1)) + 1)
    walls = wall_points(united, spacing_m=_SPACING_M, min_edge_m=rules.min_edge_m, simplify_m=_SIMPLIFY_M)
    hull = shapely.GeometryCollection(list(drawn)).convex_hull
    return Sheet(name, hull, walls, middles(fitted), block)


def fit_locally(matcher: WallMatcher, sheet: Sheet, placed: SheetFit) -> SheetFit:
    """Bend a sheet that has a shift of its own, then fit each of its blocks.

    Too few buildings may speak for a sheet, and yet each for itself: their blocks are fitted from where
    they fit best together.
    """
    if placed.method == "none" or len(sheet.walls.xy) == 0:
        return placed
    if placed.method == "sheet":
        warp, fit = fit_warp(matcher, sheet.walls, placed.fit)
        placed = replace(placed, fit=fit, own=fit, warp=warp)
    blocks = fit_blocks(
        matcher,
        sheet.walls,
        placed.field_at(sheet.walls.xy),
        placed.fit.overhang_m,
        count=int(sheet.blocks.max(initial=-1)) + 1,
    )
    return replace(placed, blocks=blocks)
