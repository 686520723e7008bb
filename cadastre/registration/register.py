"""Find how each cadastral sheet is shifted against the image."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.overlap import as_array
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.registration.offsets_from_fits import offsets_of
from vigibati.cadastre.registration.sheet_fit import Sheet, SheetFit, fit_locally, sheets_of
from vigibati.cadastre.registration.wall_matching import Fit, WallMatcher
from vigibati.cadastre.registration.wall_points import WallPoints, wall_points
from vigibati.configs.cores import usable_cores
from vigibati.configs.errors import RecordsError
from vigibati.configs.method import RegistrationRules
from vigibati.configs.rules import ComparisonRules

_FOOTPRINT_SPACING_M = 0.5
_FOOTPRINT_MIN_EDGE_M = 1.0
_MOST_WALLS = 20_000
_SAME_START_M = 1.0


def register(footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, *, rules: ComparisonRules) -> Offsets:
    """Estimate a shift and a smooth warp per sheet, robustly, from the walls of buildings.

    A shift of the whole territory is found first; each sheet is then fitted from there and from its
    own vote, keeps the better of the two, and is bent smoothly (see `fit_warp`); each record then gets a
    shift of its own beside that (see `fit_records`). A sheet with too little support, or too far from
    the others, takes the median shift of the supported sheets, but for blocks of it that fit well by
    themselves or vouch for each other (see `believed`); where nothing agrees at all, records stay where
    they are and the tolerance says so. Pools take no part.

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
    registration = rules.registration
    sheets = sheets_of(records, buildings, rules=registration)
    walls = wall_points(
        buildings,
        spacing_m=_FOOTPRINT_SPACING_M,
        min_edge_m=_FOOTPRINT_MIN_EDGE_M,
        simplify_m=registration.simplify_m,
    )
    matcher = WallMatcher(walls, normals_cosine=registration.normals_cosine)
    # Most of the time passes in code that lets other threads run; the result does not depend on them.
    with ThreadPoolExecutor(usable_cores()) as pool:
        assigned = _assigned(_best_fits(sheets, matcher, registration, pool), registration)
        fits = list(pool.map(lambda pair: fit_locally(matcher, *pair), zip(sheets, assigned, strict=True)))
    return offsets_of(sheets, fits, rules=registration, crs=records.crs)


def _best_fits(
    sheets: list[Sheet], matcher: WallMatcher, rules: RegistrationRules, pool: ThreadPoolExecutor
) -> list[Fit]:
    """Return the best fit of each sheet."""
    if not sheets:
        return []
    territory = _joined([sheet.block_walls for sheet in sheets]).thinned(_MOST_WALLS)
    common = matcher.refine(territory, start_m=matcher.vote(territory, search_m=rules.search_m))

    def best(sheet: Sheet) -> Fit:
        walls = sheet.block_walls
        voted_m = matcher.vote(walls, search_m=rules.search_m)
        apart_m = float(np.hypot(*(voted_m - common.shift_m)))
        starts = (common.shift_m, voted_m) if apart_m > _SAME_START_M else (common.shift_m,)
        candidates = [matcher.refine(walls, start_m=start) for start in starts]
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


def _assigned(fits: list[Fit], rules: RegistrationRules) -> list[SheetFit]:
    """Decide which fits are believed, and what the others take instead."""
    supported = [fit for fit in fits if fit.support >= rules.min_support]
    if not supported:
        return [SheetFit("none", replace(fit, shift_m=np.zeros(2), overhang_m=0.0), fit) for fit in fits]
    median_m, overhang_m = _weighted_median(supported)
    return [
        SheetFit("sheet", fit, fit)
        if fit.support >= rules.min_support and np.hypot(*(fit.shift_m - median_m)) <= rules.sheet_cap_m
        else SheetFit("global", replace(fit, shift_m=median_m, overhang_m=overhang_m), fit)
        for fit in fits
    ]


def _weighted_median(fits: list[Fit]) -> tuple[NDArray[np.float64], float]:
    """Return the median shift and overhang over fits, each counted as often as it has blocks."""
    values = np.array([[*fit.shift_m, fit.overhang_m] for fit in fits])
    support = np.array([fit.support for fit in fits])
    middle = np.median(np.repeat(values, support, axis=0), axis=0)
    return middle[:2], float(middle[2])
