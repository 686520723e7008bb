from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from vigibati.cadastre.registration.beside_blocks import ASIDE_M, BesideBlocks


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), records=st.integers(1, 12))
def test_blocks_eliminated_give_what_one_system_gives(seed: int, records: int) -> None:
    draw = np.random.default_rng(seed)
    block = np.unique(draw.integers(0, 6, records), return_inverse=True)[1]
    size, blocks = 5, block.max() + 1
    design = draw.normal(0, 1, (3 * records, size)) * (draw.random((3 * records, size)) < 0.6)
    rows = draw.normal(0, 1, (records, 4, 3))
    # Without weight a record knows nothing of itself.
    known = np.einsum("nki,nkj->nij", rows, rows) * draw.uniform(0, 30, records)[:, None, None]
    known[draw.random(records) < 0.2] = 0
    asked = draw.normal(0, 1, (records, 3))
    # Every unknown written out: those in common, then dx and dy of each block.
    aside = np.zeros((3, records, blocks, 2))
    for axis in (0, 1):
        aside[axis, np.arange(records), block, axis] = 1
    whole = np.hstack([design, aside.reshape(3 * records, 2 * blocks)])
    spots = np.arange(3 * records).reshape(3, records).T
    weights = np.zeros((3 * records, 3 * records))
    weights[spots[:, :, None], spots[:, None, :]] = known
    prior = np.diag([*np.ones(size), *np.full(2 * blocks, ASIDE_M**-2)])
    expected = np.linalg.solve(whole.T @ weights @ whole + prior, whole.T @ asked.T.ravel())
    system = BesideBlocks(sparse.csr_array(design), sparse.csr_array(np.eye(size)), block)
    unknowns, aside_m = system.solve(known, asked)
    assert unknowns == pytest.approx(expected[:size], abs=1e-9)
    assert aside_m == pytest.approx(expected[size:].reshape(blocks, 2)[block], abs=1e-9)


def test_a_block_counts_once_however_many_records_it_has() -> None:
    """Forty records of one block say 1 m, four that stand alone 0 m: the five blocks are averaged."""
    records = 44
    block = np.concatenate([np.zeros(40, dtype=np.intp), np.arange(1, 5)])
    design = np.zeros((3, records, 2))
    design[0, :, 0] = design[1, :, 1] = 1
    known = np.tile(1e6 * np.eye(3), (records, 1, 1))
    said_m = np.zeros((records, 3))
    said_m[:40, 0] = 1
    system = BesideBlocks(sparse.csr_array(design.reshape(-1, 2)), sparse.csr_array(1e-9 * np.eye(2)), block)
    unknowns, aside_m = system.solve(known, 1e6 * said_m)
    assert unknowns == pytest.approx([0.2, 0], abs=1e-4)
    assert aside_m[:, 0] == pytest.approx([*[0.8] * 40, *[-0.2] * 4], abs=1e-4)
