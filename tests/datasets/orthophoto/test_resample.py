from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vigibati.datasets.grid import Pixels
from vigibati.datasets.orthophoto.resample import Axis, resample


def _all(values: np.ndarray, valid: np.ndarray | None = None) -> Pixels:
    rows = np.broadcast_to(values.astype(np.uint8), (3, *values.shape))
    return Pixels(rows, np.ones(values.shape, dtype=bool) if valid is None else valid)


def test_to_half_the_pixels_averages_the_worked_row() -> None:
    # Triangle of half-width 2 around 0.5: 1/8, 3/8, 3/8, 1/8; the tap outside the source falls away.
    axis, one = Axis(2.0, 0.0, 4), Axis(1.0, 0.0, 1)
    got = resample(_all(np.array([[0, 80, 160, 240]])), down=one.weights(0, 1), across=axis.weights(0, 2))
    left = (0 * 3 + 80 * 3 + 160 * 1) / 7
    assert got.values[0].tolist() == [[round(left), round(240 - left)]]


def test_to_twice_the_pixels_interpolates_the_worked_row() -> None:
    axis, one = Axis(0.5, 0.0, 2), Axis(1.0, 0.0, 1)
    got = resample(_all(np.array([[0, 100]])), down=one.weights(0, 1), across=axis.weights(0, 4))
    assert got.values[0].tolist() == [[0, 25, 75, 100]]


def test_no_image_does_not_bleed_into_its_neighbours() -> None:
    valid = np.array([[True, True, False, False]])
    axis, one = Axis(2.0, 0.0, 4), Axis(1.0, 0.0, 1)
    source = _all(np.array([[200, 200, 0, 0]]), valid)
    got = resample(source, down=one.weights(0, 1), across=axis.weights(0, 2))
    assert got.values[0].tolist() == [[200, 0]]
    assert got.valid.tolist() == [[True, False]]


@pytest.mark.parametrize(("source", "target"), [(60, 41), (60, 20), (30, 60), (37, 37)])
def test_agrees_with_pillow(source: int, target: int) -> None:
    values = np.random.default_rng(0).integers(0, 256, (source, source)).astype(np.uint8)
    axis = Axis(source / target, 0.0, source)
    got = resample(_all(values), down=axis.weights(0, target), across=axis.weights(0, target)).values[0]
    wanted = np.asarray(Image.fromarray(values).resize((target, target), Image.Resampling.BILINEAR))
    # Pillow rounds between its two passes.
    assert np.abs(got.astype(int) - wanted).max() <= 1


@given(
    scale=st.floats(0.5, 5),
    offset=st.floats(-20, 20),
    start=st.integers(-5, 60),
    length=st.integers(1, 40),
    cut=st.integers(0, 39),
)
def test_weights_are_the_same_in_every_window(
    scale: float, offset: float, start: int, length: int, cut: int
) -> None:
    axis, middle, stop = Axis(scale, offset, 90), start + min(cut, length - 1), start + length

    def dense(first: int, last: int) -> np.ndarray:
        whole = np.zeros((last - first, axis.size), dtype=np.float32)
        left, right = axis.span(first, last)
        if left < right:
            whole[:, left:right] = axis.weights(first, last).toarray()
        return whole

    whole = dense(start, stop)
    assert np.array_equal(whole[: middle - start], dense(start, middle) if middle > start else whole[:0])
    assert np.array_equal(whole[middle - start :], dense(middle, stop))
    assert (whole.sum(axis=1) <= 1 + 1e-6).all()
