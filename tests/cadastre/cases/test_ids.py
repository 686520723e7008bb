from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box
from shapely.affinity import translate

from vigibati.cadastre.cases.ids import case_ids, keep_ids


def cases_of(shapes: list[object], kinds: list[str] | None = None) -> gpd.GeoDataFrame:
    kinds = kinds or ["new_building"] * len(shapes)
    ids = case_ids(kinds, np.array(shapes, dtype=object))
    return gpd.GeoDataFrame({"case_id": ids, "kind": kinds}, geometry=shapes, crs=2154)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(2, 12), st.floats(2.3, 12)), min_size=1, max_size=12),
    st.data(),
)
def test_numbers_stay_when_outlines_move_by_less_than_a_metre(
    sizes: list[tuple[float, float]], data: st.DataObject
) -> None:
    # Three metres apart at least, and often at the border of a cell, which lies at every fifth metre.
    starts = np.cumsum([0.0, *(max(size) + 3 for size in sizes)])
    shapes = [box(x, 0, x + w, h) for x, (w, h) in zip(starts, sizes, strict=False)]
    before = cases_of(shapes)
    step = st.floats(-0.99, 0.99)
    moved = [translate(shape, data.draw(step), data.draw(step)) for shape in shapes]
    order = data.draw(st.permutations(range(len(shapes))))
    after = cases_of([moved[i] for i in order])
    assert keep_ids(after, before)["case_id"].tolist() == [before["case_id"].iloc[i] for i in order]


def test_without_an_earlier_list_a_border_changes_the_number() -> None:
    shape, moved = box(0, 0, 9.9, 4), box(0.2, 0, 10.1, 4)
    assert (cases_of([shape])["case_id"].iloc[0], cases_of([moved])["case_id"].iloc[0]) == ("N-0-0", "N-5-0")
    assert keep_ids(cases_of([moved]), cases_of([shape]))["case_id"].tolist() == ["N-0-0"]
    assert keep_ids(cases_of([moved]), None)["case_id"].tolist() == ["N-5-0"]


def test_the_number_of_what_is_gone_is_never_given_away() -> None:
    # Both in the cell from 0 to 5 m, but another thing.
    before, after = cases_of([box(0, 0, 1, 4.5)]), cases_of([box(3, 0, 4.5, 4.5), box(10, 0, 14, 4)])
    assert keep_ids(after, before)["case_id"].tolist() == ["N-0-0-2", "N-10-0"]


def test_another_kind_is_another_case() -> None:
    shape = box(0, 0, 4, 4)
    assert keep_ids(cases_of([shape], ["pool"]), cases_of([shape]))["case_id"].tolist() == ["P-0-0"]


def test_of_two_halves_the_more_alike_keeps_the_number() -> None:
    before = cases_of([box(0, 0, 12, 4)])
    after = cases_of([box(0, 0, 4, 4), box(4, 0, 12, 4)])
    assert keep_ids(after, before)["case_id"].tolist() == ["N-0-0-2", "N-5-0"] or (
        keep_ids(after, before)["case_id"].iloc[1] == before["case_id"].iloc[0]
    )


def test_numbers_are_unique_and_empty_lists_go_through() -> None:
    before = cases_of([box(i * 3, 0, i * 3 + 2, 3) for i in range(20)])
    after = cases_of([box(i * 3 + 1.4, 0, i * 3 + 3.4, 3) for i in range(20)])
    assert keep_ids(after, before)["case_id"].is_unique
    assert len(keep_ids(after[:0], before)) == 0
    assert keep_ids(after, before[:0])["case_id"].tolist() == after["case_id"].tolist()


@pytest.mark.parametrize("shift", [0.0, 0.7])
def test_a_case_keeps_its_number_twice(shift: float) -> None:
    first = cases_of([box(0, 0, 9.9, 4)])
    second = keep_ids(cases_of([translate(first.geometry[0], shift, 0)]), first)
    third = keep_ids(cases_of([translate(first.geometry[0], 2 * shift, 0)]), second)
    assert third["case_id"].tolist() == ["N-0-0"]
