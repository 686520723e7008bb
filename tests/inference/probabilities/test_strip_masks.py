from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vigibati.inference.probabilities.strip_masks import near_no_image, strip_of, threshold_mask


@pytest.mark.parametrize(
    ("threshold", "wanted"),
    [
        (0.5, [False, False, True, True, True, False]),
        (0.502, [False, False, False, True, True, False]),
        (1.0, [False, False, False, False, True, False]),
        (0.0, [True, True, True, True, True, False]),
    ],
)
def test_the_threshold_is_reached_not_passed(threshold: float, wanted: list[bool]) -> None:
    values = np.array([0, 126, 127, 128, 254, 255], dtype=np.uint8)
    assert threshold_mask(values, threshold).tolist() == wanted


@given(st.floats(0, 1))
def test_the_threshold_is_not_rounded(threshold: float) -> None:
    values = np.arange(256, dtype=np.uint8)
    wanted = (values.astype(float) >= threshold * 254) & (values != 255)
    assert threshold_mask(values, threshold).tolist() == wanted.tolist()


@given(arrays(np.bool_, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.booleans()))
def test_neighbours_of_no_image_are_those_of_the_maximum_filter(no_image: np.ndarray) -> None:
    wanted = scipy.ndimage.maximum_filter(no_image, size=3)[1:-1, 1:-1]
    np.testing.assert_array_equal(near_no_image(no_image), wanted)


@given(
    arrays(np.bool_, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.booleans()),
)
def test_the_frame_alone_reaches_one_pixel_in(frame: np.ndarray) -> None:
    frame[1:-1, 1:-1] = False
    wanted = scipy.ndimage.maximum_filter(frame, size=3)[1:-1, 1:-1]
    np.testing.assert_array_equal(near_no_image(frame), wanted)


def test_a_strip_knows_its_place_and_what_lies_around_it() -> None:
    around = np.full((4, 5), 200, dtype=np.uint8)
    around[0, 0] = 255
    around[1, 2] = 100
    strip = strip_of(around, threshold=0.5, row=7, col=3)
    assert (strip.row, strip.col) == (7, 3)
    assert strip.values.tolist() == [[200, 100, 200], [200, 200, 200]]
    assert strip.mask.tolist() == [[True, False, True], [True, True, True]]
    assert strip.edge.tolist() == [[True, False, False], [False, False, False]]
