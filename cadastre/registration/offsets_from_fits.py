"""Fits as offsets: what each sheet and each record is moved by, with its support, residual and tolerance."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from vigibati.cadastre.registration.arrows import ARROW_COLUMNS, no_arrows
from vigibati.cadastre.registration.offsets import OFFSET_COLUMNS, Offsets
from vigibati.cadastre.registration.record_fit import RecordFits
from vigibati.cadastre.registration.sheet_fit import Sheet, SheetFit
from vigibati.cadastre.registration.tolerance import believed, record_tolerances_m, sheet_tolerance_m
from vigibati.configs.method import RegistrationRules


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
        _arrows(sheet, fit, fit.records, rules)
        for sheet, fit in zip(sheets, fits, strict=True)
        if fit.records is not None
    ]
    arrows = pd.concat(parts, ignore_index=True).set_crs(crs) if parts else no_arrows(crs)
    return Offsets(table, warps, arrows)


def _row(sheet: Sheet, fit: SheetFit, rules: RegistrationRules) -> tuple[object, ...]:
    """Return the values of `OFFSET_COLUMNS`."""
    assigned = fit.assigned
    residual = assigned.residual_m if np.isfinite(assigned.residual_m) else None
    dx, dy = (float(value) for value in assigned.shift_m)
    tolerance = sheet_tolerance_m(fit, rules=rules)
    name, hull = sheet.sheet_id, sheet.hull
    return (name, dx, dy, assigned.support, residual, tolerance, assigned.overhang_m, fit.method, hull)


def _arrows(sheet: Sheet, fit: SheetFit, records: RecordFits, rules: RegistrationRules) -> gpd.GeoDataFrame:
    """Return the arrows of a sheet: of a record where that is believed, else as the sheet goes."""
    assigned, goes_alone = fit.assigned, believed(sheet, fit, records, rules=rules)
    measured = goes_alone & (records.support > 0)
    aside_m = fit.best_fit.shift_m - assigned.shift_m
    own_m = np.where(goes_alone[:, np.newaxis], aside_m + records.shift_m, 0.0)
    ends_m = sheet.middles + fit.field_at(sheet.middles) - aside_m + own_m
    values = {
        "sheet_id": sheet.sheet_id,
        "own_dx_m": own_m[:, 0],
        "own_dy_m": own_m[:, 1],
        "support": records.support,
        "residual_m": np.where(measured, records.residual_m, assigned.residual_m),
        "tolerance_m": record_tolerances_m(fit, records, measured, rules=rules),
        "overhang_m": np.where(measured, records.overhang_m, assigned.overhang_m),
        "method": np.where(measured, "block", fit.method),
    }
    lines = shapely.linestrings(np.stack([sheet.middles, ends_m], axis=1))
    return gpd.GeoDataFrame(values, geometry=lines)[list(ARROW_COLUMNS)]
