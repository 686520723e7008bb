from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vigibati.cadastre.registration.normal_equations import huber, normal_equations, robust_scale, tukey
from vigibati.cadastre.registration.wall_points import WallPoints

EAST_NORTH_WEST_SOUTH = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def walls_of(normals: np.ndarray, blocks: np.ndarray) -> WallPoints:
    return WallPoints(np.zeros_like(normals), normals, np.ones(len(normals)), blocks)


def test_four_walls_of_a_house_tell_its_shift_and_overhang() -> None:
    """0.3 m to the east and 0.2 m to the south, under eaves of 0.1 m; the next house has no wall at all."""
    walls = walls_of(EAST_NORTH_WEST_SOUTH, np.zeros(4, dtype=np.intp))
    target_m = np.array([0.4, -0.1, -0.2, 0.3])
    normal_matrix, rhs = normal_equations(walls, np.ones(4), target_m, count=2)
    assert normal_matrix[0] == pytest.approx(np.diag([2.0, 2.0, 4.0]))
    assert rhs[0] == pytest.approx([0.6, -0.4, 0.4])
    assert np.linalg.solve(normal_matrix[0], rhs[0]) == pytest.approx([0.3, -0.2, 0.1])
    assert not normal_matrix[1].any()
    assert not rhs[1].any()


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 5))
def test_they_are_those_of_each_owner_alone(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    turn, blocks = draw.uniform(0, 2 * np.pi, 20), draw.integers(0, count, 20)
    walls = walls_of(np.column_stack([np.cos(turn), np.sin(turn)]), blocks)
    weights, target_m = draw.uniform(0, 9, 20), draw.normal(0, 1, 20)
    normal_matrix, rhs = normal_equations(walls, weights, target_m, count=count)
    for owner in range(count):
        mine = blocks == owner
        rows = np.sqrt(weights[mine])[:, None] * walls.design[mine]
        assert normal_matrix[owner] == pytest.approx(rows.T @ rows, abs=1e-9)
        assert rhs[owner] == pytest.approx(rows.T @ (np.sqrt(weights[mine]) * target_m[mine]), abs=1e-9)


def test_weights_fall_where_the_textbook_says() -> None:
    assert huber(np.array([0.0, -1.345, 2.69])) == pytest.approx([1.0, 1.0, 0.5])
    assert tukey(np.array([0.0, 4.685 / np.sqrt(2), -4.685, 9.0])) == pytest.approx([1.0, 0.25, 0.0, 0.0])


def test_scale_is_that_of_a_normal_error_whatever_a_few_walls_say() -> None:
    error_m = np.random.default_rng(1).normal(0, 0.5, 20_001)
    assert robust_scale(error_m) == pytest.approx(0.5, rel=0.02)
    error_m[:2000] = 50.0
    assert robust_scale(error_m) == pytest.approx(0.57, rel=0.05)
    assert robust_scale(0.001 * error_m[2000:]) == robust_scale(np.empty(0)) == 0.1
