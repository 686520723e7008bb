from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from vigibati.inference.probabilities.strip_masks import Strip
from vigibati.inference.vectorisation.components import Components, trace


def _mask(picture: list[str]) -> np.ndarray:
    return np.array([[letter == "#" for letter in line] for line in picture])


def _trace(
    picture: list[str], *, rows: int, values: np.ndarray | None = None, row: int = 0, col: int = 0
) -> Components:
    mask = _mask(picture)
    values = np.ones(mask.shape, dtype=np.uint8) if values is None else values

    def strips() -> Iterator[Strip]:
        for first in range(0, len(mask), rows):
            part = slice(first, first + rows)
            edge = np.zeros(mask.shape, dtype=bool)
            edge[:, -1] = True
            yield Strip(row + first, mask[part], values[part], edge[part], col)

    return Components.concatenate(trace(strips())).in_order()


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_two_blobs(rows: int) -> None:
    values = np.arange(15, dtype=np.uint8).reshape(3, 5)
    found = _trace(["##..#", "##.##", "....#"], rows=rows, values=values)
    assert (found.row.tolist(), found.col.tolist()) == ([0, 0], [0, 4])
    assert found.pixels.tolist() == [4, 4]
    assert found.total.tolist() == [0 + 1 + 5 + 6, 4 + 8 + 9 + 14]
    assert found.at_edge.tolist() == [False, True]
    left, right = found.outlines
    assert left.equals(box(0, 0, 2, 2))
    assert right.equals(Polygon([(4, 0), (5, 0), (5, 3), (4, 3), (4, 2), (3, 2), (3, 1), (4, 1)]))


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_hole_across_seams_stays_a_hole(rows: int) -> None:
    found = _trace(["####", "#..#", "#..#", "####"], rows=rows)
    (ring,) = found.outlines
    assert ring.equals(Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior]))
    assert len(ring.exterior.coords) == len(ring.interiors[0].coords) == 5
    assert found.pixels.tolist() == [12]


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_arms_that_meet_late_are_one(rows: int) -> None:
    found = _trace(["#.#.#", "#.#.#", "#.###", "###.."], rows=rows)
    assert (found.row[0], found.col[0], found.pixels[0], found.at_edge[0]) == (0, 0, 13, True)
    assert shapely.area(found.outlines).tolist() == [13]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_pixels_that_meet_at_a_corner_are_two(rows: int) -> None:
    found = _trace(["#..", ".#.", "..#"], rows=rows)
    assert list(zip(found.row, found.col, strict=True)) == [(0, 0), (1, 1), (2, 2)]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_hole_that_touches_the_outside_at_a_corner_is_a_hole(rows: int) -> None:
    (outline,) = _trace(["##.", "#.#", "###"], rows=rows).outlines
    assert outline.is_valid
    shell = [(0, 0), (0, 3), (3, 3), (3, 1), (2, 1), (2, 0)]
    assert outline.equals(Polygon(shell, [box(1, 1, 2, 2).exterior]))
    assert len(outline.exterior.coords) == 7


@pytest.mark.parametrize("rows", [1, 3, 7])
def test_a_ring_inside_a_ring_is_another_component(rows: int) -> None:
    picture = ["#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"]
    outer, inner = _trace(picture, rows=rows).outlines
    assert outer.equals(Polygon(box(0, 0, 7, 7).exterior, [box(1, 1, 6, 6).exterior]))
    assert inner.equals(Polygon(box(2, 2, 5, 5).exterior, [box(3, 3, 4, 4).exterior]))


def test_places_are_those_of_the_whole_grid() -> None:
    found = _trace([".#.", "##."], rows=1, row=100, col=70)
    assert (found.row.tolist(), found.col.tolist()) == ([100], [71])
    assert found.outlines[0].bounds == (70, 100, 72, 102)


def test_what_is_complete_comes_before_the_next_strip_is_read() -> None:
    mask = _mask(["#..#", "...#", "...#"])
    taken: list[int] = []

    def strips() -> Iterator[Strip]:
        for row in range(3):
            taken.append(row)
            part = mask[row : row + 1]
            yield Strip(row, part, part.view(np.uint8), part)

    batches = [(len(batch), len(taken)) for batch in trace(strips())]
    # The pixel at the upper left is known to be alone once the second row has been seen.
    assert batches == [(0, 1), (1, 2), (0, 3), (1, 3)]


def test_nothing_gives_nothing() -> None:
    found = _trace(["...", "..."], rows=1)
    assert len(found) == len(found.outlines) == 0
    assert len(Components.concatenate(trace([]))) == 0
