from __future__ import annotations

import numpy as np
import pytest
import shapely
from shapely.geometry import LineString, box

from vigibati.inference.regularisation.edge_directions import measure_edges
from vigibati.inference.regularisation.walls import (
    ACROSS,
    OBLIQUE,
    Walls,
    cut_into_walls,
    line_ends,
)

ALONG = 0


def cut(*lines: shapely.Geometry, wall_cost: float) -> Walls:
    raw = np.array(lines, dtype=object)
    return cut_into_walls(measure_edges(raw, raw), np.zeros(len(lines)), wall_cost)


def test_a_bent_line_is_two_walls() -> None:
    walls = cut(LineString([(3, 7), (13, 7), (13, 12)]), wall_cost=0.35)
    assert walls.kind.tolist() == [ALONG, ACROSS]
    assert walls.begin.tolist() == [[0, 0], [10, 0]]
    assert walls.end.tolist() == [[10, 0], [10, 5]]
    assert walls.moments[:, 0].tolist() == [10, 5]


# Two metres wide and half a metre deep: two times a quarter, against four walls more.
@pytest.mark.parametrize(("wall_cost", "walls"), [(0.1, 5), (0.2, 1)])
def test_a_bulge_stays_where_it_is_worth_four_walls(wall_cost: float, walls: int) -> None:
    wall = LineString([(0, 0), (40, 0), (40, 0.5), (42, 0.5), (42, 0), (82, 0)])
    assert len(cut(wall, wall_cost=wall_cost).kind) == walls


def test_a_slope_is_one_wall_at_any_angle() -> None:
    walls = cut(LineString([(0, 0), (10, 0), (20, 10)]), wall_cost=0.35)
    assert walls.kind.tolist() == [ALONG, OBLIQUE]
    assert walls.begin.tolist() == [[0, 0], [10, 0]]


def test_lines_are_cut_side_by_side_as_they_are_alone() -> None:
    lines = (
        box(0, 0, 12, 8).exterior,
        LineString([(0, 0), (9, 0), (9, 4), (20, 4)]),
        box(3, 3, 5, 9).exterior,
    )
    together = cut(*lines, wall_cost=0.35)
    assert np.bincount(together.line).tolist() == [4, 3, 4]
    for number, line in enumerate(lines):
        alone, mine = cut(line, wall_cost=0.35), together.line == number
        assert together.kind[mine].tolist() == alone.kind.tolist()
        assert together.begin[mine].tolist() == alone.begin.tolist()
    first, last = line_ends(together.line)
    assert np.flatnonzero(first).tolist() == [0, 4, 7]
    assert np.flatnonzero(last).tolist() == [3, 6, 10]
