from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from vigibati.training.metrics.boundary_iou import boundary_counts, boundary_figures


def square(side: int, row: int, column: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[row : row + height, column : column + width] = True
    return mask


def test_a_worked_example() -> None:
    """A square of ten pixels and one that lies a pixel further right, strips of one pixel."""
    truth, found = square(20, 5, 5, 10, 10), square(20, 5, 6, 10, 10)
    narrow, _ = boundary_counts(found, truth, 0.6)
    # Each strip has 36 pixels. Shared are nine of the top and bottom rows; no column falls on another.
    assert narrow.tolist() == [18, 72 - 18]


def test_the_width_is_in_metres() -> None:
    truth, nothing = square(40, 10, 10, 20, 20), np.zeros((40, 40), bool)
    for gsd_m, width_px in ((0.6, 1), (0.3, 2), (0.2, 3)):
        narrow, wide = boundary_counts(nothing, truth, gsd_m)
        assert narrow.tolist() == [0, 20**2 - (20 - 2 * width_px) ** 2]
        # Two per cent of 56.6 pixels.
        assert wide.tolist() == [0, 20**2 - 18**2]


def test_the_edge_of_a_chip_is_no_contour() -> None:
    cut = square(20, 0, 0, 20, 10)
    assert boundary_counts(cut, cut, 0.6)[0].tolist() == [20, 20]
    whole = np.ones((20, 20), bool)
    assert boundary_counts(whole, whole, 0.6).tolist() == [[0, 0], [0, 0]]
    assert boundary_figures(boundary_counts(whole, whole, 0.6)[None])["iou"] is None


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_strips_are_what_erosion_leaves(seed: int, width_px: int) -> None:
    """The definition of the paper: a mask less its erosion by a square, repeated."""
    rng = np.random.default_rng(seed)
    masks = [np.kron(rng.random((6, 6)) < 0.6, np.ones((5, 5), bool)) for _ in range(2)]
    strips = [
        mask & ~ndimage.binary_erosion(mask, np.ones((3, 3)), iterations=width_px, border_value=1)
        for mask in masks
    ]
    shared, covered = boundary_counts(*masks, 0.6 / width_px)[0].tolist()
    assert (shared, covered) == ((strips[0] & strips[1]).sum(), (strips[0] | strips[1]).sum())


def test_chips_are_counted_together() -> None:
    counts = np.array([[[1, 2], [3, 4]], [[2, 2], [5, 6]]])
    figures = boundary_figures(counts)
    assert (figures["distance_m"], figures["iou"], figures["iou_2_percent"]) == (0.6, 0.75, 0.8)
    low, high = figures["iou_ci"]  # type: ignore[misc]
    assert (low, high) == pytest.approx((0.5, 1.0))
