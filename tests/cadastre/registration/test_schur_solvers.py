from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from vigibati.cadastre.registration.schur_solvers import (
    BESIDE_FIELD_SIGMA_M,
    LEAN_SIGMA_M,
    OVERHANG_SIGMA_M,
    SHIFT_SIGMAS_M,
    BlockEliminatedSystem,
    segment_sum,
    solve_hierarchical,
)


def one_system(
    normal_matrix: np.ndarray, rhs: np.ndarray, high: np.ndarray, block: np.ndarray, group: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same least squares with every unknown written out."""
    records, blocks, groups = len(block), len(group), group.max() + 1
    sizes = [2 * records, 2 * blocks, 2 * groups, 2, records]
    first = np.cumsum([0, *sizes])
    sigmas = [*SHIFT_SIGMAS_M, LEAN_SIGMA_M, OVERHANG_SIGMA_M]
    left = np.diag(np.concatenate([np.full(size, sd**-2) for size, sd in zip(sizes, sigmas, strict=True)]))
    right = np.zeros(first[-1])
    picks = np.zeros((records, 3, first[-1]))
    for row in range(records):
        for axis in (0, 1):
            for level, number in enumerate((row, block[row], group[block[row]])):
                picks[row, axis, first[level] + 2 * number + axis] = 1
            picks[row, axis, first[3] + axis] = high[row]
        picks[row, 2, first[4] + row] = 1
        left += picks[row].T @ normal_matrix[row] @ picks[row]
        right += picks[row].T @ rhs[row]
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
    normal_matrix = segment_sum(
        weight[:, None, None] * design[:, :, None] * design[:, None], owner, count=records
    )
    rhs = segment_sum((weight * draw.normal(0, 1, len(owner)))[:, None] * design, owner, count=records)
    high = draw.random(records) < 0.5
    shift_m, overhang_m = solve_hierarchical(normal_matrix, rhs, high, (block, group))
    expected_m, eaves_m = one_system(normal_matrix, rhs, high, block, group)
    assert shift_m == pytest.approx(expected_m, abs=1e-9)
    assert overhang_m == pytest.approx(eaves_m, abs=1e-9)


def test_what_nobody_measured_follows_what_it_shares() -> None:
    sure = 1e6 * np.diag([1.0, 1.0, 1.0])
    normal_matrix = np.array([sure, np.zeros((3, 3)), np.zeros((3, 3))])
    rhs = np.array([1e6 * np.array([0.5, 0.0, 0.1]), np.zeros(3), np.zeros(3)])
    # The second stands in the block of the first, the third on the same footprint.
    shift_m, overhang_m = solve_hierarchical(
        normal_matrix, rhs, np.zeros(3, dtype=bool), (np.array([0, 0, 1]), np.array([0, 0]))
    )
    own, block, group = (sigma_m**2 for sigma_m in SHIFT_SIGMAS_M)
    total = own + block + group
    assert shift_m[:, 0] == pytest.approx([0.5, 0.5 * (block + group) / total, 0.5 * group / total], abs=1e-4)
    assert shift_m[:, 1] == pytest.approx(0)
    assert overhang_m == pytest.approx([0.1, 0, 0], abs=1e-4)


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), records=st.integers(1, 12))
def test_blocks_eliminated_give_what_one_system_gives(seed: int, records: int) -> None:
    draw = np.random.default_rng(seed)
    block = np.unique(draw.integers(0, 6, records), return_inverse=True)[1]
    size, blocks = 5, block.max() + 1
    design = draw.normal(0, 1, (3 * records, size)) * (draw.random((3 * records, size)) < 0.6)
    rows = draw.normal(0, 1, (records, 4, 3))
    # Without weight a record knows nothing of itself.
    normal_matrix = np.einsum("nki,nkj->nij", rows, rows) * draw.uniform(0, 30, records)[:, None, None]
    normal_matrix[draw.random(records) < 0.2] = 0
    rhs = draw.normal(0, 1, (records, 3))
    # Every unknown written out: those in common, then dx and dy of each block.
    aside = np.zeros((3, records, blocks, 2))
    for axis in (0, 1):
        aside[axis, np.arange(records), block, axis] = 1
    whole = np.hstack([design, aside.reshape(3 * records, 2 * blocks)])
    spots = np.arange(3 * records).reshape(3, records).T
    weights = np.zeros((3 * records, 3 * records))
    weights[spots[:, :, None], spots[:, None, :]] = normal_matrix
    prior = np.diag([*np.ones(size), *np.full(2 * blocks, BESIDE_FIELD_SIGMA_M**-2)])
    expected = np.linalg.solve(whole.T @ weights @ whole + prior, whole.T @ rhs.T.ravel())
    system = BlockEliminatedSystem(sparse.csr_array(design), sparse.csr_array(np.eye(size)), block)
    unknowns, aside_m = system.solve(normal_matrix, rhs)
    assert unknowns == pytest.approx(expected[:size], abs=1e-9)
    assert aside_m == pytest.approx(expected[size:].reshape(blocks, 2)[block], abs=1e-9)


def test_a_block_counts_once_however_many_records_it_has() -> None:
    """Forty records of one block say 1 m, four that stand alone 0 m: the five blocks are averaged."""
    records = 44
    block = np.concatenate([np.zeros(40, dtype=np.intp), np.arange(1, 5)])
    design = np.zeros((3, records, 2))
    design[0, :, 0] = design[1, :, 1] = 1
    normal_matrix = np.tile(1e6 * np.eye(3), (records, 1, 1))
    said_m = np.zeros((records, 3))
    said_m[:40, 0] = 1
    system = BlockEliminatedSystem(
        sparse.csr_array(design.reshape(-1, 2)), sparse.csr_array(1e-9 * np.eye(2)), block
    )
    unknowns, aside_m = system.solve(normal_matrix, 1e6 * said_m)
    assert unknowns == pytest.approx([0.2, 0], abs=1e-4)
    assert aside_m[:, 0] == pytest.approx([*[0.8] * 40, *[-0.2] * 4], abs=1e-4)
