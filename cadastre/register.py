"""Find how each cadastral sheet is shifted against the image."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.blocks import blocks_of, fit_blocks, united
from vigibati.cadastre.fit import Fit, WallMatcher
from vigibati.cadastre.arrows import block_arrows, joined_arrows, middles, no_arrows
from vigibati.cadastre.offsets import OFFSET_COLUMNS, Offsets, sheet_ids
from vigibati.cadastre.outlines import WallPoints, wall_points
from vigibati.cadastre.pairing import Geometries, as_array, boxes_near
from vigibati.cadastre.warp import Warp, fit_warp
from vigibati.configs.errors import RecordsError
from vigibati.configs.rules import ComparisonRules, RegistrationRules

_RECORD_SPACING_M = 3.0
_FOOTPRINT_SPACING_M = 0.5
_FOOTPRINT_MIN_EDGE_M = 1.0
_RECORD_SIMPLIFY_M = 0.2
_MOST_COMMON = 20_000
_SAME_START_M = 1.0


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet: the records that are fitted by the middle of their boxes, and their blocks."""

    sheet_id: str
    hull: shapely.Geometry
    walls: WallPoints
    middles: NDArray[np.float64]
    blocks: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Place:
    method: Literal["sheet", "global", "none"]
    fit: Fit
    own: Fit


def register(footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, *, rules: ComparisonRules) -> Offsets:
    """Estimate a shift and a smooth warp per sheet, robustly, from the walls of buildings.

    A shift of the whole territory is found first; each sheet is then fitted from there and from its
    own vote, keeps the better of the two, and is bent smoothly (see `fit_warp`). A sheet with too
    little support, or too far from the others, takes the median shift of the supported sheets; where
    nothing agrees at all, records stay where they are and the tolerance says so. Pools take no part.

    Args:
        footprints: Found in the image: ``kind`` and polygons.
        records: Canonical records in the same projected CRS, in metres.
        rules: Its ``registration`` part is used.

    Raises:
        RecordsError: Different CRS, or a CRS that is not projected.
    """
    if records.crs is None or records.crs != footprints.crs or not records.crs.is_projected:
        raise RecordsError(
            "records",
            f"are in {records.crs}, footprints in {footprints.crs}",
            "bring both into one projected CRS",
        )
    buildings = as_array(footprints[footprints["kind"] == "building"])
    sheets = _sheets(records, buildings, rules.registration)
    walls = wall_points(
        buildings,
        spacing_m=_FOOTPRINT_SPACING_M,
        min_edge_m=_FOOTPRINT_MIN_EDGE_M,
        simplify_m=rules.registration.simplify_m,
    )
    matcher = WallMatcher(walls, normals_cosine=rules.registration.normals_cosine)
    # Most of the time passes in code that lets other threads run; the result does not depend on them.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        placed = _placed(_fits(sheets, matcher, rules.registration, pool), rules.registration)
        local = list(
            pool.map(
                lambda pair: _local(matcher, *pair, rules.registration), zip(sheets, placed, strict=True)
            )
        )
    rows = [
        _row(sheet, replace(place, fit=fit), rules.registration)
        for sheet, place, (fit, _, _) in zip(sheets, placed, local, strict=True)
    ]
    table = gpd.GeoDataFrame(rows, columns=list(OFFSET_COLUMNS), geometry="geometry", crs=records.crs)
    warps = {
        sheet.sheet_id: warp for sheet, (_, warp, _) in zip(sheets, local, strict=True) if warp is not None
    }
    return Offsets(table, warps, joined_arrows([arrows for _, _, arrows in local], records.crs))


def _local(
    matcher: WallMatcher, sheet: _Sheet, place: _Place, rules: RegistrationRules
) -> tuple[Fit, Warp | None, pd.DataFrame]:
    """Return the fit of a sheet with its field, the field, and where each of its records goes."""
    fit, warp = place.fit, None
    if place.method == "none" or len(sheet.walls.xy) == 0:
        return fit, warp, no_arrows()
    # Too few buildings speak for a sheet, yet each may speak for itself, from where they fit best.
    start = field_m = np.tile(place.own.shift_m, (len(sheet.walls.xy), 1))
    middle_m = np.tile(place.own.shift_m, (len(sheet.middles), 1))
    if place.method == "sheet":
        warp, fit = fit_warp(matcher, sheet.walls, fit)
        field_m = start + warp.at(sheet.walls.xy)
        middle_m = middle_m + warp.at(sheet.middles)
    count = int(sheet.blocks.max(initial=-1)) + 1
    blocks = fit_blocks(matcher, sheet.walls, field_m, fit.overhang_m, count=count)
    aside_m = place.own.shift_m - fit.shift_m
    return fit, warp, block_arrows(sheet.sheet_id, sheet.middles, middle_m, sheet.blocks, blocks, rules, aside_m, alone=place.method != "sheet")


def _sheets(records: gpd.GeoDataFrame, footprints: Geometries, rules: RegistrationRules) -> list[_Sheet]:
    geometries = as_array(records)
    # No wall farther away can be voted for or matched; such a sheet would have no support anyway.
    near = boxes_near(geometries, footprints, distance_m=2 * rules.search_m)
    used = np.asarray(records["kind"] != "pool")
    number, names = pd.factorize(sheet_ids(records), sort=True)
    by_sheet = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    sheets = []
    for name, rows in zip(names, by_sheet, strict=False):
        drawn = geometries[rows]
        hull = shapely.GeometryCollection(list(drawn)).convex_hull
        fitted = drawn[used[rows] & near[rows].any()]
        blocks = blocks_of(fitted)
        walls = wall_points(
            united(fitted, blocks),
            spacing_m=_RECORD_SPACING_M,
            min_edge_m=rules.min_edge_m,
            simplify_m=_RECORD_SIMPLIFY_M,
        )
        sheets.append(_Sheet(str(name), hull, walls, middles(fitted), blocks))
    return sheets


def _fits(
    sheets: list[_Sheet], matcher: WallMatcher, rules: RegistrationRules, pool: ThreadPoolExecutor
) -> list[Fit]:
    """Return the best fit of each sheet."""
    if not sheets:
        return []
    everything = _joined([sheet.walls for sheet in sheets]).thinned(_MOST_COMMON)
    common = matcher.refine(everything, start_m=matcher.vote(everything, search_m=rules.search_m))

    def best(sheet: _Sheet) -> Fit:
        own = matcher.vote(sheet.walls, search_m=rules.search_m)
        apart = float(np.hypot(*(own - common.shift_m)))
        starts = (common.shift_m, own) if apart > _SAME_START_M else (common.shift_m,)
        candidates = [matcher.refine(sheet.walls, start_m=start) for start in starts]
        return max(candidates, key=lambda fit: fit.score)

    return list(pool.map(best, sheets))


def _joined(walls: list[WallPoints]) -> WallPoints:
    first = np.cumsum([0, *(int(each.blocks.max(initial=-1)) + 1 for each in walls)])
    return WallPoints(
        xy=np.concatenate([each.xy for each in walls]),
        normals=np.concatenate([each.normals for each in walls]),
        weights=np.concatenate([each.weights for each in walls]),
        blocks=np.concatenate([each.blocks + start for each, start in zip(walls, first, strict=False)]),
    )


def _placed(fits: list[Fit], rules: RegistrationRules) -> list[_Place]:
    """Decide which fits are believed, and what the others take instead."""
    supported = [fit for fit in fits if fit.support >= rules.min_support]
    if not supported:
        return [_Place("none", replace(fit, shift_m=np.zeros(2), overhang_m=0.0), fit) for fit in fits]
    common, overhang_m = _weighted_median(supported)
    return [
        _Place("sheet", fit, fit)
        if fit.support >= rules.min_support and np.hypot(*(fit.shift_m - common)) <= rules.sheet_cap_m
        else _Place("global", replace(fit, shift_m=common, overhang_m=overhang_m), fit)
        for fit in fits
    ]


def _row(sheet: _Sheet, place: _Place, rules: RegistrationRules) -> tuple[object, ...]:
    """Return the values of `OFFSET_COLUMNS`."""
    fit = place.fit
    reach = max(fit.overhang_m, 0.0) + rules.residual_factor * fit.residual_m
    tolerance = {
        "sheet": float(np.clip(reach, rules.tolerance_floor_m, rules.unregistered_tolerance_m)),
        "global": rules.fallback_tolerance_m,
        "none": rules.unregistered_tolerance_m,
    }[place.method]
    residual = fit.residual_m if np.isfinite(fit.residual_m) else None
    dx, dy = (float(value) for value in fit.shift_m)
    return (
        sheet.sheet_id,
        dx,
        dy,
        fit.support,
        residual,
        tolerance,
        fit.overhang_m,
        place.method,
        sheet.hull,
    )


def _weighted_median(fits: list[Fit]) -> tuple[NDArray[np.float64], float]:
    """Return the median shift and overhang over fits, each counted as often as it has blocks."""
    values = np.array([[*fit.shift_m, fit.overhang_m] for fit in fits])
    support = np.array([fit.support for fit in fits])
    middle = np.median(np.repeat(values, support, axis=0), axis=0)
    return middle[:2], float(middle[2])
