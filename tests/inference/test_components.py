from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from shapely.geometry import Polygon, box

from vigibati.inference.components import Component, Strip, trace


def _trace(picture: list[str], *, rows: int, values: np.ndarray | None = None) -> list[Component]:
    mask = np.array([[letter == "#" for letter in line] for line in picture])
    values = np.ones(mask.shape, dtype=np.uint8) if values is None else values

    def strips() -> Iterator[Strip]:
        for row in range(0, len(mask), rows):
            part = slice(row, row + rows)
            edge = np.zeros(mask.shape, dtype=bool)
            edge[:, -1] = True
            yield Strip(row, mask[part], values[part], edge[part])

    return sorted(trace(strips()), key=lambda component: component.first)


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_two_blobs(rows: int) -> None:
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    left, right = _trace(["##..#", "##.##", "....#"], rows=rows, values=values)
    assert left == Component(left.outline, (0, 0), 4, 0 + 1 + 5 + 6, at_edge=False)
    assert right == Component(right.outline, (0, 4), 4, 4 + 8 + 9 + 14, at_edge=True)
    assert left.outline.equals(box(0, 0, 2, 2))
    assert right.outline.equals(Polygon([(4, 0), (5, 0), (5, 3), (4, 3), (4, 2), (3, 2), (3, 1), (4, 1)]))


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_hole_across_seams_stays_a_hole(rows: int) -> None:
    (ring,) = _trace(["####", "#..#", "#..#", "####"], rows=rows)
    assert ring.outline.equals(Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior]))
    assert len(ring.outline.exterior.coords) == len(ring.outline.interiors[0].coords) == 5
    assert ring.pixels == 12


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_arms_that_meet_late_are_one(rows: int) -> None:
    (comb,) = _trace(["#.#.#", "#.#.#", "#.###", "###.."], rows=rows)
    assert (comb.first, comb.pixels, comb.at_edge) == ((0, 0), 13, True)
    assert comb.outline.area == 13


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_pixels_that_meet_at_a_corner_are_two(rows: int) -> None:
    assert [component.first for component in _trace(["#..", ".#.", "..#"], rows=rows)] == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]


def test_nothing_gives_nothing() -> None:
    assert _trace(["...", "..."], rows=1) == []
