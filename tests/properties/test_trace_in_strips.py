from __future__ import annotations

from itertools import pairwise

import numpy as np
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import shape

from vigibati.inference.probabilities.strip_masks import Strip
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.inference.vectorisation.seam_join import join_at_seams

_Cuts = list[int]

_masks = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 11)), elements=st.booleans())
_cuts = st.lists(st.integers(1, 13), max_size=4)


def _trace(mask: np.ndarray, values: np.ndarray, cuts: _Cuts, *, row: int = 0, col: int = 0) -> Components:
    strips = [
        Strip(row + top, mask[top:bottom], values[top:bottom], values[top:bottom] > 200, col)
        for top, bottom in pairwise(_ends(len(mask), cuts))
    ]
    return Components.concatenate(trace(strips)).in_order()


def _ends(size: int, cuts: _Cuts) -> _Cuts:
    return sorted({cut for cut in cuts if cut < size} | {0, size})


def _pieced(mask: np.ndarray, values: np.ndarray, rows: _Cuts, cols: _Cuts, strips: _Cuts) -> Components:
    rows, cols = _ends(mask.shape[0], rows), _ends(mask.shape[1], cols)
    parts = [
        _trace(mask[top:bottom, left:right], values[top:bottom, left:right], strips, row=top, col=left)
        for top, bottom in pairwise(rows)
        for left, right in pairwise(cols)
    ]
    # In any order: units are finished by different workers.
    return join_at_seams(Components.concatenate(parts[::-1]), rows=rows[1:-1], cols=cols[1:-1])


def _assert_same(found: Components, wanted: Components) -> None:
    assert shapely.to_wkb(found.outlines).tolist() == shapely.to_wkb(wanted.outlines).tolist()
    for name in ("row", "col", "pixels", "total", "at_edge"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


def _values(mask: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, mask.shape, dtype=np.uint8)


@given(mask=_masks, cuts=_cuts, seed=st.integers(0, 99))
def test_strips_trace_what_rasterio_traces_at_once(mask: np.ndarray, cuts: _Cuts, seed: int) -> None:
    values = _values(mask, seed)
    traced = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4)
    wanted = {shapely.normalize(shape(outline)) for outline, _ in traced}
    found = _trace(mask, values, cuts)
    assert len(found) == len(wanted)
    for place, outline in enumerate(found.outlines):
        assert outline.geom_type == "Polygon"
        assert outline.is_valid
        same = [other for other in wanted if outline.symmetric_difference(other).area == 0]
        assert len(same) == 1
        inside = rasterio.features.geometry_mask(
            [same[0]], mask.shape, rasterio.Affine.identity(), invert=True
        )
        assert found.pixels[place] == inside.sum() == outline.area
        assert found.total[place] == values[inside].sum()
        assert found.at_edge[place] == (values[inside] > 200).any()
        assert [found.row[place], found.col[place]] == np.argwhere(inside)[0].tolist()


@given(mask=_masks)
def test_outlines_have_the_points_and_the_form_of_rasterio_in_normal_form(mask: np.ndarray) -> None:
    traced = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4)
    wanted = {shapely.normalize(shape(outline)).wkb for outline, _ in traced}
    assert {outline.wkb for outline in _trace(mask, mask.view(np.uint8), []).outlines} == wanted


@given(mask=_masks, cuts=_cuts, seed=st.integers(0, 99))
def test_components_are_the_same_however_the_rows_are_cut(mask: np.ndarray, cuts: _Cuts, seed: int) -> None:
    values = _values(mask, seed)
    _assert_same(_trace(mask, values, cuts), _trace(mask, values, []))


@given(mask=_masks, rows=_cuts, cols=_cuts, strips=_cuts, seed=st.integers(0, 99))
def test_pieces_join_to_what_is_traced_at_once(
    mask: np.ndarray, rows: _Cuts, cols: _Cuts, strips: _Cuts, seed: int
) -> None:
    values = _values(mask, seed)
    _assert_same(_pieced(mask, values, rows, cols, strips), _trace(mask, values, []))


@settings(max_examples=40)
@given(size=st.integers(3, 20), rows=_cuts, cols=_cuts, strips=_cuts)
def test_a_spiral_of_one_pixel_is_one(size: int, rows: _Cuts, cols: _Cuts, strips: _Cuts) -> None:
    mask = _spiral(size)
    values = np.ones(mask.shape, dtype=np.uint8)
    found = _pieced(mask, values, rows, cols, strips)
    assert len(found) == 1
    assert found.pixels[0] == found.total[0] == mask.sum() == found.outlines[0].area
    assert shapely.get_num_interior_rings(found.outlines).tolist() == [0]
    _assert_same(found, _trace(mask, values, strips))


@settings(max_examples=40)
@given(size=st.integers(2, 8), rows=_cuts, cols=_cuts, strips=_cuts)
def test_rings_in_rings_and_chequers_join(size: int, rows: _Cuts, cols: _Cuts, strips: _Cuts) -> None:
    row, col = np.indices((2 * size, 2 * size))
    rings = np.maximum(np.abs(row - size), np.abs(col - size)) % 2 == 0
    chequers = (row + col) % 2 == 0
    for mask in (rings, chequers, ~rings):
        values = _values(mask, size)
        _assert_same(_pieced(mask, values, rows, cols, strips), _trace(mask, values, []))


def _spiral(size: int) -> np.ndarray:
    """Walk inwards from the upper left, turning right before touching what was walked."""
    mask = np.zeros((size, size), dtype=bool)
    row = col = 0
    step = np.array([0, 1])
    mask[0, 0] = True
    for length in [size - 1, *(side for side in range(size - 1, 0, -2) for _ in (0, 1))]:
        for _ in range(length):
            row, col = row + step[0], col + step[1]
            mask[row, col] = True
        step = np.array([step[1], -step[0]])
    return mask
