"""One sheet: its walls and blocks, and how its field and its blocks are fitted around its shift."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.morphology import blocks_of
from vigibati.cadastre.overlap import Geometries, as_array, boxes_near
from vigibati.cadastre.registration.arrows import middles
from vigibati.cadastre.registration.block_fit import fit_blocks
from vigibati.cadastre.registration.offsets import sheet_ids
from vigibati.cadastre.registration.record_fit import RecordFits, fit_records
from vigibati.cadastre.registration.wall_matching import Fit, WallMatcher
from vigibati.cadastre.registration.wall_points import WallPoints, outer_walls, wall_points
from vigibati.cadastre.registration.warp import Warp
from vigibati.cadastre.registration.warp_fit import fit_warp
from vigibati.configs.method import RegistrationRules

_SPACING_M = 3.0
_SIMPLIFY_M = 0.1
# Records that touch, to so many metres, are drawn and moved together.
_TOUCHING_M = 0.3
# Sheds and garages: one storey (the bound below which a declaration is enough, R.421-9). The benchmark's own
# roofs lean from the same size on; what other bounds give is told in docs/decisions/0013.
_LOW_M2 = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A sheet as drawn.

    Attributes:
        sheet_id: ``""`` for records without a sheet.
        hull: Around all its records.
        walls: Outer walls of its buildings; their ``blocks`` are rows of the buildings.
        middles: (n, 2) middle of each building.
        blocks: (n,) its block, numbered from 0.
        high: (n,) whether it may be high enough for its roof to lean in the image.
    """

    sheet_id: str
    hull: shapely.Geometry
    walls: WallPoints
    middles: NDArray[np.float64]
    blocks: NDArray[np.intp]
    high: NDArray[np.bool_]

    @property
    def block_walls(self) -> WallPoints:
        """Its walls, each said to come from its block."""
        return self.walls.grouped(self.blocks)


@dataclass(frozen=True, slots=True, eq=False)
class SheetFit:
    """Where a sheet goes.

    Attributes:
        method: ``sheet`` by its own shift, ``global`` by that of the others, ``none`` nowhere.
        assigned: What all its records take.
        best_fit: What fits it best, believed or not: from there its blocks are fitted.
        warp: Bending around the shift; None without support.
        records: Fits of the records, beside ``best_fit`` and ``warp``; None where nothing was fitted.
    """

    method: Literal["sheet", "global", "none"]
    assigned: Fit
    best_fit: Fit
    warp: Warp | None = None
    records: RecordFits | None = None

    def field_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n, 2) displacement from which the blocks were fitted."""
        return self.best_fit.shift_m + (np.zeros_like(xy) if self.warp is None else self.warp.at(xy))


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
    low = np.asarray(records["kind"] == "light") | (shapely.area(geometries) < _LOW_M2)
    return [
        _sheet(str(name), geometries[rows], used[rows] & near[rows].any(), ~low[rows], rules)
        for name, rows in zip(names, by_sheet, strict=False)
    ]


def _sheet(
    name: str,
    drawn: Geometries,
    used: NDArray[np.bool_],
    high: NDArray[np.bool_],
    rules: RegistrationRules,
) -> Sheet:
    fitted = drawn[used]
    block = blocks_of(fitted, distance_m=_TOUCHING_M)
    walls = wall_points(fitted, spacing_m=_SPACING_M, min_edge_m=rules.min_edge_m, simplify_m=_SIMPLIFY_M)
    # A wall between two records is no edge in the image.
    walls = walls.only(outer_walls(fitted, walls, block))
    hull = shapely.GeometryCollection(list(drawn)).convex_hull
    return Sheet(name, hull, walls, middles(fitted), block, high[used])


def fit_locally(matcher: WallMatcher, sheet: Sheet, fit: SheetFit) -> SheetFit:
    """Bend a sheet that has a shift of its own, then fit each of its records.

    Too few buildings may speak for a sheet, and yet each for itself: they are then fitted from where they
    fit best together.
    """
    if fit.method == "none" or len(sheet.walls.xy) == 0:
        return fit
    walls = sheet.block_walls
    lean_m = np.zeros(2)
    if fit.method == "sheet":
        warp, lean_m, bent = fit_warp(
            matcher, sheet.walls, fit.assigned, sheet.middles, sheet.blocks, sheet.high
        )
        fit = replace(fit, assigned=bent, best_fit=bent, warp=warp)
    field_m, overhang_m = fit.field_at(walls.xy), fit.assigned.overhang_m
    lean = sheet.high[:, np.newaxis] * lean_m
    block_shift_m = fit_blocks(
        matcher,
        walls,
        field_m + lean[sheet.walls.blocks],
        overhang_m,
        count=int(sheet.blocks.max(initial=-1)) + 1,
    )
    start_m = block_shift_m[sheet.blocks] + lean
    records = fit_records(matcher, sheet.walls, sheet.blocks, sheet.high, field_m, overhang_m, start_m)
    return replace(fit, records=records)
