from __future__ import annotations

from itertools import pairwise

import numpy as np
import rasterio.features
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import shape

from vigibati.inference.components import Component, Strip, trace

_masks = arrays(np.bool_, st.tuples(st.integers(1, 14), st.integers(1, 11)), elements=st.booleans())


def _trace(mask: np.ndarray, values: np.ndarray, cuts: list[int]) -> list[Component]:
    ends = sorted({cut for cut in cuts if cut < len(mask)} | {0, len(mask)})
    strips = [
        Strip(top, mask[top:bottom], values[top:bottom], values[top:bottom] > 200)
        for top, bottom in pairwise(ends)
    ]
    return sorted(trace(strips), key=lambda component: component.first)


@given(mask=_masks, cuts=st.lists(st.integers(1, 13)), seed=st.integers(0, 99))
def test_strips_trace_what_rasterio_traces_at_once(mask: np.ndarray, cuts: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 255, mask.shape, dtype=np.uint8)
    traced = rasterio.features.shapes(mask.astype(np.uint8), mask=mask, connectivity=4)
    wanted = {shapely.normalize(shape(outline)) for outline, _ in traced}
    found = _trace(mask, values, cuts)
    assert len(found) == len(wanted)
    for component in found:
        assert component.outline.geom_type == "Polygon"
        assert component.outline.is_valid
        same = [outline for outline in wanted if outline.symmetric_difference(component.outline).area == 0]
        assert len(same) == 1
        inside = rasterio.features.geometry_mask(
            [same[0]], mask.shape, rasterio.Affine.identity(), invert=True
        )
        assert component.pixels == inside.sum() == component.outline.area
        assert component.total == values[inside].sum()
        assert component.at_edge == (values[inside] > 200).any()
        assert component.first == tuple(np.argwhere(inside)[0])


@given(mask=_masks, cuts=st.lists(st.integers(1, 13)))
def test_outlines_are_the_same_points_however_the_rows_are_cut(mask: np.ndarray, cuts: list[int]) -> None:
    values = np.zeros(mask.shape, dtype=np.uint8)
    whole, cut = _trace(mask, values, []), _trace(mask, values, cuts)
    assert [component.outline.wkb for component in cut] == [component.outline.wkb for component in whole]
