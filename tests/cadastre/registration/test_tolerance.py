from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import shapely

from vigibati.cadastre.registration.record_fit import RecordFits
from vigibati.cadastre.registration.sheet_fit import Sheet, SheetFit
from vigibati.cadastre.registration.tolerance import believed, record_tolerances_m, sheet_tolerance_m
from vigibati.cadastre.registration.wall_matching import Fit
from vigibati.cadastre.registration.wall_points import wall_points
from vigibati.configs.method import RegistrationRules
from vigibati.configs.rules import load_rules

# Floor 0.3 m, factor 2, fallback 2 m, unregistered 3 m, a sheet's cap 6 m.
RULES = load_rules().registration


def fit_of(*, dx: float = 0.0, overhang_m: float = 0.2, residual_m: float = 0.15, support: int = 9) -> Fit:
    return Fit(np.array([dx, 0.0]), overhang_m, residual_m, support, score=1.0)


def sheet_of(blocks: int) -> Sheet:
    row = np.arange(blocks)
    houses = shapely.box(20.0 * row, 0.0, 20.0 * row + 10.0, 8.0)
    walls = wall_points(houses, spacing_m=3.0, min_edge_m=1.0, simplify_m=0.0)
    middles = np.column_stack([20.0 * row + 5.0, np.full(blocks, 4.0)])
    return Sheet("A", shapely.union_all(houses).convex_hull, walls, middles, row, np.ones(blocks, dtype=bool))


def records_of(*, residual_m: list[float], support: list[float], share: list[float]) -> RecordFits:
    count = len(residual_m)
    return RecordFits(
        np.zeros((count, 2)), np.zeros(count), np.array(residual_m), np.array(support), np.array(share)
    )


@pytest.mark.parametrize(
    ("method", "overhang_m", "residual_m", "expected_m"),
    [
        ("sheet", 0.2, 0.15, 0.5),  # 0.2 + 2 × 0.15
        ("sheet", -0.5, 0.2, 0.4),  # Records that reach beyond footprints take nothing off.
        ("sheet", 0.0, 0.1, 0.3),  # Not under the floor.
        ("sheet", 0.5, 1.6, 3.0),  # Not above what an unregistered sheet has.
        ("global", 0.2, 0.15, 2.0),
        ("none", 0.2, float("inf"), 3.0),
    ],
)
def test_tolerance_of_a_sheet(
    method: Literal["sheet", "global", "none"], overhang_m: float, residual_m: float, expected_m: float
) -> None:
    fit = fit_of(overhang_m=overhang_m, residual_m=residual_m)
    assert sheet_tolerance_m(SheetFit(method, fit, fit), rules=RULES) == pytest.approx(expected_m)


def test_a_record_that_was_measured_has_a_tolerance_of_its_own() -> None:
    fit = fit_of()
    records = records_of(residual_m=[0.4, 0.1, 5.0, 0.4], support=[4, 4, 4, 0], share=[1, 1, 1, 0])
    own = record_tolerances_m(SheetFit("sheet", fit, fit), records, records.support > 0, rules=RULES)
    # 2 × 0.4; the floor; the ceiling; that of the sheet, 0.2 + 2 × 0.15.
    assert own == pytest.approx([0.8, 0.3, 3.0, 0.5])


def test_records_are_believed_with_their_sheet_or_where_most_walls_agree() -> None:
    records = records_of(
        residual_m=[0.1] * 5, support=[4.0, 3.9, 8.0, 8.0, 0.0], share=[0.6, 1.0, 0.6, 0.59, 0.0]
    )
    few = fit_of(support=1)
    fitted, lent = SheetFit("sheet", few, few), SheetFit("global", few, few)
    assert believed(sheet_of(5), fitted, records, rules=RULES).all()
    assert believed(sheet_of(5), lent, records, rules=RULES).tolist() == [True, False, True, False, False]


@pytest.mark.parametrize(
    ("blocks", "support", "dx", "vouched"),
    [
        (4, 2, 5.9, True),
        (5, 2, 0.0, False),  # Less than half of the sheet.
        (2, 1, 0.0, False),  # Nobody beside it.
        (4, 2, 6.1, False),  # Too far from the other sheets.
    ],
)
def test_two_blocks_vouch_for_each_other_if_they_are_half_of_the_sheet(
    blocks: int, support: int, dx: float, *, vouched: bool
) -> None:
    fit = SheetFit("global", fit_of(), fit_of(dx=dx, support=support))
    records = records_of(residual_m=[0.1] * blocks, support=[1.0] * blocks, share=[0.2] * blocks)
    assert (believed(sheet_of(blocks), fit, records, rules=RULES) == vouched).all()


def test_nobody_else_computes_a_tolerance(root: Path) -> None:
    """Beside `tolerance.py` two rooms read a rule of it: without any record, and to undo the factor."""
    readers = {
        "tolerance_floor_m": set[str](),
        "fallback_tolerance_m": set[str](),
        "unregistered_tolerance_m": {"cadastre/comparison"},
        "residual_factor": {"vigibati/adaptation"},
    }
    found: dict[str, set[str]] = {name: set() for name in readers}
    for folder in ("cadastre", "datasets", "inference", "training", "vigibati"):
        for path in (root / folder).rglob("*.py"):
            if path.name != "tolerance.py":
                for name in re.findall(rf"\.({'|'.join(readers)})\b", path.read_text(encoding="utf-8")):
                    found[name].add(path.parent.relative_to(root).as_posix())
    assert found == readers


def test_every_rule_of_a_registration_is_read(root: Path) -> None:
    paths = [path for folder in ("cadastre", "vigibati") for path in (root / folder).rglob("*.py")]
    read = {name for path in paths for name in re.findall(r"\.(\w+)", path.read_text(encoding="utf-8"))}
    unread = sorted({*RegistrationRules.model_fields} - read)
    assert not unread, f"configs/method.py: no code of cadastre/registration reads {', '.join(unread)}"
