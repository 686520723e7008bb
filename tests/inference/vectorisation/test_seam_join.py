from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from vigibati.inference.probabilities.strip_masks import Strip
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.inference.vectorisation.seam_join import join_at_seams


def _joined(picture: list[str], *, rows: list[int], cols: list[int]) -> Components:
    mask = np.array([[letter == "#" for letter in line] for line in picture])
    values = np.arange(mask.size, dtype=np.uint8).reshape(mask.shape)
    edge = np.zeros(mask.shape, dtype=bool)
    edge[-1] = True
    parts = []
    for top, bottom in pairwise([0, *rows, mask.shape[0]]):
        for left, right in pairwise([0, *cols, mask.shape[1]]):
            part = slice(top, bottom), slice(left, right)
            parts += trace([Strip(top, mask[part], values[part], edge[part], left)])
    return join_at_seams(Components.concatenate(parts), rows=rows, cols=cols)


def test_four_pieces_around_a_cross_are_one_square() -> None:
    found = _joined(["....", ".##.", ".##.", "...."], rows=[2], cols=[2])
    assert found.outlines.tolist() == [shapely.normalize(box(1, 1, 3, 3))]
    assert (found.row[0], found.col[0], found.pixels[0], found.total[0]) == (1, 1, 4, 5 + 6 + 9 + 10)
    assert found.at_edge.tolist() == [False]


def test_a_ring_around_a_cross_has_its_hole() -> None:
    (ring,) = _joined(["####", "#..#", "#..#", "####"], rows=[2], cols=[2]).outlines
    assert ring.equals(Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior]))
    assert shapely.get_num_coordinates(ring) == 10


def test_a_corner_does_not_join() -> None:
    found = _joined(["##..", "##..", "..##", "..##"], rows=[2], cols=[2])
    assert found.pixels.tolist() == [4, 4]
    assert found.at_edge.tolist() == [False, True]


def test_a_side_joins_where_another_piece_touches_at_its_corner() -> None:
    found = _joined(["##..", "##..", "#.##", "..##"], rows=[2], cols=[2])
    assert found.pixels.tolist() == [5, 4]
    assert found.outlines[0].equals(Polygon([(0, 0), (2, 0), (2, 2), (1, 2), (1, 3), (0, 3)]))


def test_pieces_of_one_unit_join_by_way_of_another() -> None:
    found = _joined(["#.#", "#.#", "###"], rows=[2], cols=[])
    assert (found.row.tolist(), found.col.tolist(), found.pixels.tolist()) == ([0], [0], [7])
    assert found.at_edge.tolist() == [True]


def test_what_is_alone_stays_as_it_is() -> None:
    mask = np.eye(3, dtype=bool)
    parts = Components.concatenate(trace([Strip(0, mask, mask.view(np.uint8), mask)]))
    found = join_at_seams(parts, rows=[5], cols=[])
    assert all(one is other for one, other in zip(found.outlines, parts.in_order().outlines, strict=True))


@pytest.mark.parametrize(("rows", "cols"), [([], []), ([4], [1, 2])])
def test_nothing_gives_nothing(rows: list[int], cols: list[int]) -> None:
    assert len(join_at_seams(Components.concatenate([]), rows=rows, cols=cols)) == 0
