"""How far a record may still be off once it is moved: the one place where the tolerance is computed.

A record that was fitted itself may be off by ``residual_factor`` times the root mean square of the distances
left along the walls of its block; one that goes with its sheet by the same factor times the median distance
left in the sheet, and its overhang. Neither is less than ``tolerance_floor_m`` nor more than
``unregistered_tolerance_m``, which is also that of a sheet where nothing agrees; a sheet that takes the
shift of the others has ``fallback_tolerance_m``. Where the values of the four come from stands in
``configs/method.py``, at `RegistrationRules`.

It is the column ``tolerance_m`` of the tables of `Offsets`, and `Offsets.apply` hands it on with each moved
record. The comparison widens records by it before it asks what sticks out; the area of a case is given to
its perimeter times the tolerance; the reasons of a case say where it is large; and the adaptation divides it
by ``residual_factor`` again to have the standard deviation of a wall.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.registration.record_fit import RecordFits
from vigibati.cadastre.registration.sheet_fit import Sheet, SheetFit
from vigibati.configs.method import RegistrationRules

# Walls that must agree, and their share of all walls of the block, on a sheet of which nothing else is known:
# a corner of two walls fits any roof. Where the sheet is known it holds what few walls say.
_ALONE_WALLS = 4.0
_ALONE_SHARE = 0.6
# So many blocks that agree in one shift vouch for each other, if they are half of the sheet. Of real plans
# cut into sheets of 4, 6 and 8 buildings fewer records were then left more than 1 m off, in every trial.
_VOUCHING_BLOCKS = 2


def sheet_tolerance_m(fit: SheetFit, *, rules: RegistrationRules) -> float:
    """Return how far records that go with their sheet may still be off, in metres.

    Args:
        fit: Of the sheet.
        rules: Floor, ceiling and factor, and the tolerances of sheets that were not fitted.
    """
    reach_m = max(fit.assigned.overhang_m, 0.0) + rules.residual_factor * fit.assigned.residual_m
    return {
        "sheet": float(np.clip(reach_m, rules.tolerance_floor_m, rules.unregistered_tolerance_m)),
        "global": rules.fallback_tolerance_m,
        "none": rules.unregistered_tolerance_m,
    }[fit.method]


def record_tolerances_m(
    fit: SheetFit, records: RecordFits, measured: NDArray[np.bool_], *, rules: RegistrationRules
) -> NDArray[np.float64]:
    """Return the (n,) distance in metres that each record of a sheet may still be off.

    Args:
        fit: Of the sheet.
        records: Fits of its records.
        measured: (n,) whether a record has a tolerance of its own: it is believed and some wall agrees.
        rules: Floor, ceiling and factor, and the tolerances of sheets that were not fitted.
    """
    own_m = np.clip(
        rules.residual_factor * records.residual_m, rules.tolerance_floor_m, rules.unregistered_tolerance_m
    )
    return np.where(measured, own_m, sheet_tolerance_m(fit, rules=rules))


def believed(
    sheet: Sheet, fit: SheetFit, records: RecordFits, *, rules: RegistrationRules
) -> NDArray[np.bool_]:
    """Return the (n,) records that go where they were fitted, rather than where their sheet goes.

    All of them where the sheet was fitted or its blocks vouch for each other; elsewhere only those of which
    four walls agree, and most of all.

    Args:
        sheet: As drawn.
        fit: Of the sheet.
        records: Fits of its records.
        rules: Its ``sheet_cap_m`` is used.
    """
    if fit.method == "sheet" or _vouched(sheet, fit, rules):
        return np.ones(len(records.support), dtype=np.bool_)
    alone: NDArray[np.bool_] = (records.support >= _ALONE_WALLS) & (records.share >= _ALONE_SHARE)
    return alone


def _vouched(sheet: Sheet, fit: SheetFit, rules: RegistrationRules) -> bool:
    blocks = int(sheet.blocks.max(initial=-1)) + 1
    near = np.hypot(*(fit.best_fit.shift_m - fit.assigned.shift_m)) <= rules.sheet_cap_m
    return bool(near and _VOUCHING_BLOCKS <= fit.best_fit.support >= blocks / 2)
