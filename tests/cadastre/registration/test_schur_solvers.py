from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigibati.cadastre.registration.schur_solvers import (
    LEAN_SPREAD_M,
    OVERHANG_SPREAD_M,
    SPREADS_M,
    solve_nested,
)
from vigibati.cadastre.registration.sums import summed


def one_system(
    matrix: np.ndarray, vector: np.ndarray, high: np.ndarray, block: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same least squares with every unknown written out."""
    records, blocks, groups = len(block), len(group), group.max() + 1
    sizes = [2 * records, 2 * blocks, 2 * groups, 2, records]
    first = np.cumsum([0, *sizes])
    spreads = [*SPREADS_M, LEAN_SPREAD_M, OVERHANG_SPREAD_M]
    left = np.diag(np.concatenate([np.full(size, sd**-2) for size, sd in zip(sizes, spreads, strict=True)]))
    right = np.zeros(first[-1])
    picks = np.zeros((records, 3, first[-1]))
    for row in range(records):
        for axis in (0, 1):
            for level, number in enumerate((row, block[row], group[block[row]])):
                picks[row, axis, first[level] + 2 * number + axis] = 1
            picks[row, axis, first[3] + axis] = high[row]
        picks[row, 2, first[4] + row] = 1
        left += picks[row].T @ matrix[row] @ picks[row]
        right += picks[row].T @ vector[row]
    found = np.linalg.solve(left, right)
    return picks[:, :2] @ found, picks[:, 2] @ found


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), records=st.integers(1, 12))
def test_levels_solved_in_turn_give_what_one_system_gives(seed: int, records: int) -> None:
    draw = np.random.default_rng(seed)
    block = np.unique(draw.integers(0, 6, records), return_inverse=True)[1]
    group = np.unique(draw.integers(0, 3, block.max() + 1), return_inverse=True)[1]
    owner = draw.integers(0, records, 5 * records)
    turn = draw.uniform(0, 2 * np.pi, len(owner))
    design = np.column_stack([np.cos(turn), np.sin(turn), np.ones(len(owner))])
    # Without weight a record knows nothing of itself.
    weight = draw.uniform(0, 30, len(owner)) * (draw.random(records) < 0.8)[owner]
    matrix = summed(weight[:, None, None] * design[:, :, None] * design[:, None], owner, count=records)
    vector = summed((weight * draw.normal(0, 1, len(owner)))[:, None] * design, owner, count=records)
    high = draw.random(records) < 0.5
    shift_m, overhang_m = solve_nested(matrix, vector, high, (block, group))
    expected_m, eaves_m = one_system(matrix, vector, high, block, group)
    assert shift_m == pytest.approx(expected_m, abs=1e-9)
    assert overhang_m == pytest.approx(eaves_m, abs=1e-9)


def test_what_nobody_measured_follows_what_it_shares() -> None:
    sure = 1e6 * np.diag([1.0, 1.0, 1.0])
    matrix = np.array([sure, np.zeros((3, 3)), np.zeros((3, 3))])
    vector = np.array([1e6 * np.array([0.5, 0.0, 0.1]), np.zeros(3), np.zeros(3)])
    # The second stands in the block of the first, the third on the same footprint.
    shift_m, overhang_m = solve_nested(
        matrix, vector, np.zeros(3, dtype=bool), (np.array([0, 0, 1]), np.array([0, 0]))
    )
    own, block, group = (spread_m**2 for spread_m in SPREADS_M)
    total = own + block + group
    assert shift_m[:, 0] == pytest.approx([0.5, 0.5 * (block + group) / total, 0.5 * group / total], abs=1e-4)
    assert shift_m[:, 1] == pytest.approx(0)
    assert overhang_m == pytest.approx([0.1, 0, 0], abs=1e-4)
