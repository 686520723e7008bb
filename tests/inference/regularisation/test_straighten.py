from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio.features
import shapely
from affine import Affine
from shapely.affinity import rotate
from shapely.geometry import LineString, Polygon, box, shape

from vigibati.inference.regularisation.edge_directions import main_directions, measure_edges
from vigibati.inference.regularisation.straighten import straighten

GRID = Affine(0.2, 0, 0, 0, -0.2, 30)


def _traced(outline: Polygon) -> Polygon:
    mask = rasterio.features.rasterize([outline], out_shape=(150, 150), transform=GRID, dtype="uint8")
    ((found, _),) = rasterio.features.shapes(mask, mask=mask > 0, transform=GRID)
    return shape(found)


def _straightened(*lines: shapely.Geometry, owner: list[int] | None = None, align: float = 0.4) -> np.ndarray:
    raw = np.array(lines, dtype=object)
    whose = np.arange(len(lines)) if owner is None else np.array(owner)
    return straighten(raw, shapely.simplify(raw, 0.3), whose, wall_cost=0.35, align=align, bevel=0.8)


L_SHAPE = box(5, 8, 17, 16).union(box(5, 16, 10, 22))


@pytest.mark.parametrize("degrees", [0, 3, 17, 30, 45, 71, 89])
def test_an_l_of_pixels_gets_its_six_corners_back(degrees: float) -> None:
    true = rotate(L_SHAPE, degrees, origin=(12, 15))
    (ring,) = _straightened(_traced(true).exterior)
    outline = Polygon(ring)
    assert len(ring.coords) - 1 == 6
    assert outline.intersection(true).area / outline.union(true).area > 0.985
    steps = np.diff(shapely.get_coordinates(ring), axis=0)
    turns = np.degrees(np.arctan2(*(steps / np.linalg.norm(steps, axis=1)[:, None]).T)) % 90
    assert np.ptp((turns - turns[0] + 45) % 90) < 1e-6


def test_directions_are_those_of_the_long_walls() -> None:
    lines = np.array([_traced(rotate(L_SHAPE, angle, origin=(12, 15))).exterior for angle in (12, 80)])
    edges = measure_edges(lines, shapely.simplify(lines, 0.3))
    found = np.degrees(main_directions(edges, np.array([0, 1])))
    assert found == pytest.approx([12, 80], abs=0.5)
    assert edges.moments[:, 0].sum() == pytest.approx(shapely.length(lines).sum())


def test_a_slanting_wall_stays() -> None:
    true = Polygon([(5, 5), (20, 5), (20, 14), (12, 20), (5, 20)])
    (ring,) = _straightened(_traced(true).exterior)
    assert len(ring.coords) - 1 == 5
    assert shapely.hausdorff_distance(ring, true.exterior) < 0.3


def test_a_bulge_stays_by_width_and_depth() -> None:
    house = box(5, 5, 19, 13)
    assert len(_straightened(house.union(box(9, 13, 12, 13.6)).exterior)[0].coords) - 1 == 4
    assert len(_straightened(house.union(box(9, 13, 12, 14.4)).exterior)[0].coords) - 1 == 8


def test_a_round_corner_is_cut() -> None:
    house = box(5, 5, 25, 17)
    round_one = house.difference(box(21, 13, 25, 17)).union(shapely.Point(21, 13).buffer(4, quad_segs=32))
    (ring,) = _straightened(round_one.exterior)
    # Sharp, the corner would lie 4 (sqrt(2) - 1) = 1.66 m outside.
    assert shapely.hausdorff_distance(ring, round_one.exterior) < 0.8
    assert len(ring.coords) - 1 <= 6


def test_an_open_line_keeps_its_ends_on_its_walls() -> None:
    stairs = LineString([(0, 0), (2, 0), (2, 0.2), (4, 0.2), (4, 0), (6, 0), (6, 5)])
    (line,) = _straightened(stairs)
    assert line.geom_type == "LineString"
    assert shapely.get_coordinates(line) == pytest.approx(np.array([[0, 0.07], [6, 0.07], [6, 5]]), abs=0.02)


def test_walls_of_one_owner_nearly_in_line_become_so() -> None:
    ring, wall = box(0, 0, 10, 8).union(box(4, 8, 10, 12)).exterior, LineString([(4.2, 0), (4.2, 8)])
    together = _straightened(ring, wall, owner=[0, 0])
    alone = _straightened(ring, wall, owner=[0, 1])
    ends = [shapely.get_coordinates(line[1])[:, 0] for line in (together, alone)]
    assert ends[1] == pytest.approx([4.2, 4.2])
    assert ends[0][0] == ends[0][1] == pytest.approx(4 + 0.2 * 8 / 12)
    assert math.isclose(sorted(set(shapely.get_coordinates(together[0])[:, 0]))[1], ends[0][0])


def test_what_has_no_three_walls_is_none_and_company_changes_nothing() -> None:
    splinter = Polygon([(0, 0), (0.3, 0), (0.3, 0.2)]).exterior
    house = _traced(rotate(L_SHAPE, 17, origin=(12, 15))).exterior
    none, among = _straightened(splinter, house)
    assert none is None
    assert among.equals_exact(_straightened(house)[0], 0)


def test_no_lines() -> None:
    assert (
        len(
            straighten(
                np.array([], dtype=object),
                np.array([], dtype=object),
                np.array([], dtype=np.int64),
                wall_cost=0.35,
                align=0.4,
                bevel=0.8,
            )
        )
        == 0
    )
