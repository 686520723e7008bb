from __future__ import annotations

import numpy as np
import pytest
import rasterio.features
import scipy.ndimage
import shapely
from affine import Affine
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely.affinity import rotate
from shapely.geometry import Polygon, box, shape

from vigibati.inference.regularisation.regularise import regularise

GRID = Affine(0.2, 0, 0, 0, -0.2, 40)


def _traced(labels: np.ndarray) -> np.ndarray:
    found = rasterio.features.shapes(labels.astype(np.int32), mask=labels > 0, connectivity=4, transform=GRID)
    by_label = {int(label): shape(outline) for outline, label in found}
    return np.array([by_label[label] for label in sorted(by_label)], dtype=object)


def _burnt(*outlines: Polygon) -> np.ndarray:
    shapes = [(outline, number) for number, outline in enumerate(outlines, start=1)]
    return _traced(rasterio.features.rasterize(shapes, out_shape=(200, 200), transform=GRID, dtype="int32"))


def _regular(outlines: np.ndarray, *, straight: bool = True, scale: float = 1.0) -> np.ndarray:
    return regularise(outlines, straight=np.full(len(outlines), straight), metres_per_unit=scale)


def _iou(a: Polygon, b: Polygon) -> float:
    return float(a.intersection(b).area / a.union(b).area)


def _row(degrees: float, step: float) -> list[Polygon]:
    houses = [box(8 + 7 * k, 14 + step * (k == 1), 15 + 7 * k, 24 + step * (k == 1)) for k in range(3)]
    return [rotate(house, degrees, origin=(18, 19)) for house in houses]


@pytest.mark.parametrize("degrees", [0, 14, 38, 60])
@pytest.mark.parametrize("step", [0, 1.4])
def test_a_row_of_three_keeps_its_walls(degrees: float, step: float) -> None:
    true = _row(degrees, step)
    raw = _burnt(*true)
    new = _regular(raw)
    assert shapely.coverage_is_valid(new)
    assert shapely.union_all(new).area == pytest.approx(shapely.area(new).sum(), abs=1e-6)
    assert all(_iou(one, other) > 0.975 for one, other in zip(new, true, strict=True))
    for left, right in ((0, 1), (1, 2)):
        assert shapely.intersection(new[left], new[right]).length == pytest.approx(10 - step, abs=0.4)
    assert shapely.intersection(new[0], new[2]).is_empty
    assert shapely.get_num_coordinates(new).max() <= 9


def test_a_house_in_the_courtyard_of_another_fills_it() -> None:
    inner = box(14, 14, 22, 24)
    raw = _burnt(box(6, 6, 30, 32), inner)
    new = _regular(raw)
    assert shapely.get_num_interior_rings(new).tolist() == [1, 0]
    assert shapely.coverage_is_valid(new)
    assert _iou(new[1], inner) > 0.97


def test_courtyards_stay() -> None:
    true = rotate(box(6, 6, 30, 30).difference(box(12, 14, 20, 24)), 21)
    (new,) = _regular(_burnt(true))
    assert len(new.interiors) == 1
    assert shapely.get_num_coordinates(new) == 10
    assert _iou(new, true) > 0.98


def test_neighbours_one_pixel_apart_do_not_meet() -> None:
    for degrees in (0, 9, 33):
        true = [
            rotate(house, degrees, origin=(18, 19)) for house in (box(8, 12, 17, 24), box(17.3, 12, 27, 24))
        ]
        left, right = _regular(_burnt(*true))
        assert left.intersection(right).area < 1e-6


def test_free_forms_are_simplified_only() -> None:
    raw = _burnt(shapely.Point(20, 20).buffer(5))
    (pool,) = _regular(raw, straight=False)
    assert pool.equals_exact(shapely.simplify(raw[0], 0.3), 0)


def test_metres_are_those_on_the_ground() -> None:
    raw = _burnt(rotate(box(8, 12, 20, 22), 25))
    (metres,) = _regular(raw)
    double = shapely.transform(raw, lambda points: points * 2)
    (scaled,) = _regular(double, scale=0.5)
    assert shapely.transform(scaled, lambda points: points / 2).equals_exact(metres, 1e-6)


def test_company_changes_nothing() -> None:
    raw = _burnt(rotate(box(4, 5, 14, 13), 20), rotate(box(22, 20, 33, 34), 50))
    both = _regular(raw)
    assert all(_regular(raw[[k]])[0].equals_exact(both[k], 0) for k in (0, 1))
    assert _regular(raw[::-1])[0].equals_exact(both[1], 0)
    assert len(_regular(raw[:0])) == 0


@settings(max_examples=25)
@example(696, 3.0, 0)
@given(st.integers(0, 10**6), st.sampled_from([1.5, 3.0, 6.0]), st.sampled_from([0, 60]))
def test_any_blobs_stay_valid_near_and_apart(seed: int, grain_px: float, cut_px: int) -> None:
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(90, 110)), grain_px)
    labels, _ = scipy.ndimage.label(noise > np.quantile(noise, 0.7))
    if cut_px:
        # Cut by a slanting line, as neighbours would be.
        row, column = np.indices(labels.shape)
        labels = labels * 2 + (labels > 0) * ((row + 2 * column) % cut_px < cut_px / 2)
        labels = _relabelled(labels)
    raw = _traced(labels)
    new = _regular(raw)
    assert shapely.is_valid(new).all()
    assert set(shapely.get_type_id(new)) == {shapely.GeometryType.POLYGON}
    assert (shapely.get_num_interior_rings(new) == shapely.get_num_interior_rings(raw)).all()
    assert max(_farthest(raw, new), _farthest(new, raw)) <= 1.0 + 1e-9
    tree = shapely.STRtree(new)
    first, second = tree.query(new, predicate="intersects")
    apart = first < second
    assert shapely.area(shapely.intersection(new[first[apart]], new[second[apart]])).max(initial=0) < 2e-6


def _farthest(outlines: np.ndarray, others: np.ndarray) -> float:
    """Return how far any point along an outline is from that of its partner.

    Point by point: shapely.hausdorff_distance of GEOS 3.14 tells more than any point is away (seed 696).
    """
    points, owner = shapely.get_coordinates(shapely.segmentize(outlines, 0.1), return_index=True)
    return float(shapely.distance(shapely.points(points), shapely.boundary(others)[owner]).max())


def _relabelled(labels: np.ndarray) -> np.ndarray:
    """Give every 4-connected piece of every label a number of its own."""
    result = np.zeros_like(labels)
    for label in np.unique(labels[labels > 0]):
        pieces, _ = scipy.ndimage.label(labels == label)
        result[pieces > 0] = pieces[pieces > 0] + result.max()
    return result
