"""What is told of a registration: the offset and the tolerance of each sheet, and of each record."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from vigibati.cadastre.registration.arrows import ARROW_COLUMNS, no_arrows
from vigibati.cadastre.registration.offsets import OFFSET_COLUMNS, Offsets
from vigibati.cadastre.registration.record_fit import RoofFits
from vigibati.cadastre.registration.sheet_fit import Sheet, SheetFit
from vigibati.configs.rules import RegistrationRules

# Walls that must agree, and their share of all walls of the block, on a sheet of which nothing else is known:
# a corner of two walls fits any roof. Where the sheet is known it holds what few walls say.
_ALONE = (4.0, 0.6)
# So many blocks that agree in one shift vouch for each other, if they are half of the sheet. Of real plans
# cut into sheets of 4, 6 and 8 buildings fewer records were then left more than 1 m off, in every trial.
_TOGETHER = 2


def offsets_of(
    sheets: Sequence[Sheet], fits: Sequence[SheetFit], *, rules: RegistrationRules, crs: pyproj.CRS
) -> Offsets:
    """Return the offsets that fits make.

    Args:
        sheets: As drawn.
        fits: One per sheet.
        rules: Floor, ceiling and factor of the tolerance, and the tolerances of those that were not fitted.
        crs: Of the records.
    """
    rows = [_row(sheet, fit, rules) for sheet, fit in zip(sheets, fits, strict=True)]
    table = gpd.GeoDataFrame(rows, columns=list(OFFSET_COLUMNS), geometry="geometry", crs=crs)
    warps = {
        sheet.sheet_id: fit.warp for sheet, fit in zip(sheets, fits, strict=True) if fit.warp is not None
    }
    parts = [
        _arrows(sheet, fit, fit.roofs, rules)
        for sheet, fit in zip(sheets, fits, strict=True)
        if fit.roofs is not None
    ]
    arrows = pd.concat(parts, ignore_index=True).set_crs(crs) if parts else no_arrows(crs)
    return Offsets(table, warps, arrows)


def _row(sheet: Sheet, placed: SheetFit, rules: RegistrationRules) -> tuple[object, ...]:
    """Return the values of `OFFSET_COLUMNS`."""
    fit = placed.fit
    residual = fit.residual_m if np.isfinite(fit.residual_m) else None
    dx, dy = (float(value) for value in fit.shift_m)
    tolerance = _sheet_tolerance(placed, rules)
    name, hull = sheet.sheet_id, sheet.hull
    return (name, dx, dy, fit.support, residual, tolerance, fit.overhang_m, placed.method, hull)


def _sheet_tolerance(placed: SheetFit, rules: RegistrationRules) -> float:
    reach = max(placed.fit.overhang_m, 0.0) + rules.residual_factor * placed.fit.residual_m
    return {
        "sheet": float(np.clip(reach, rules.tolerance_floor_m, rules.unregistered_tolerance_m)),
        "global": rules.fallback_tolerance_m,
        "none": rules.unregistered_tolerance_m,
    }[placed.method]


def _vouched(sheet: Sheet, placed: SheetFit, rules: RegistrationRules) -> bool:
    blocks = int(sheet.blocks.max(initial=-1)) + 1
    near = np.hypot(*(placed.own.shift_m - placed.fit.shift_m)) <= rules.sheet_cap_m
    return bool(near and _TOGETHER <= placed.own.support >= blocks / 2)


def _arrows(sheet: Sheet, placed: SheetFit, roofs: RoofFits, rules: RegistrationRules) -> gpd.GeoDataFrame:
    """Return the arrows of a sheet: of a record where that is believed, else as the sheet goes."""
    known = placed.method == "sheet" or _vouched(sheet, placed, rules)
    walls, share = _ALONE
    alone = (roofs.support >= walls) & (roofs.share >= share)
    believed = (roofs.support > 0) & (known | alone)
    aside_m = placed.own.shift_m - placed.fit.shift_m
    own_m = np.where((known | alone)[:, np.newaxis], aside_m + roofs.own_m, 0.0)
    ends_m = sheet.middles + placed.field_at(sheet.middles) - aside_m + own_m
    tolerance = np.clip(
        rules.residual_factor * roofs.residual_m, rules.tolerance_floor_m, rules.unregistered_tolerance_m
    )
    values = {
        "sheet_id": sheet.sheet_id,
        "own_dx_m": own_m[:, 0],
        "own_dy_m": own_m[:, 1],
        "support": roofs.support,
        "residual_m": np.where(believed, roofs.residual_m, placed.fit.residual_m),
        "tolerance_m": np.where(believed, tolerance, _sheet_tolerance(placed, rules)),
        "overhang_m": np.where(believed, roofs.overhang_m, placed.fit.overhang_m),
        "method": np.where(believed, "block", placed.method),
    }
    lines = shapely.linestrings(np.stack([sheet.middles, ends_m], axis=1))
    return gpd.GeoDataFrame(values, geometry=lines)[list(ARROW_COLUMNS)]
