from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vigibati.training.metrics.pixels_and_objects import (
    match_objects,
    object_counts,
    object_figures,
    pixel_counts,
    pixel_figures,
)

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def figures_of(found: np.ndarray, truth: np.ndarray, gsd_m: float) -> dict[str, object]:
    return object_figures(object_counts(match_objects(found, truth, gsd_m))[None])


def test_pixels_of_a_worked_example() -> None:
    found = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], bool)
    known = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0]], bool)
    # One pixel is right, one is too many, one is missed; the last corner is unknown.
    counts = pixel_counts(found, truth, known)
    assert counts.tolist() == [1, 1, 1, 5]
    figures = pixel_figures(counts[None])
    assert figures["iou"] == pytest.approx(1 / 3, abs=1e-4)
    assert (figures["precision"], figures["recall"], figures["f1"]) == (0.5, 0.5, 0.5)
    assert figures["iou_ci"] is None


def test_nothing_counted_is_no_figure() -> None:
    nothing = np.zeros((3, 3), bool)
    assert pixel_figures(pixel_counts(nothing, nothing, nothing)[None])["iou"] is None
    assert figures_of(nothing, nothing, 1.0)["f1"] is None


def test_objects_match_one_to_one_above_half() -> None:
    truth = np.zeros((10, 30), bool)
    truth[1:6, 1:9] = True  # 40 px
    truth[1:6, 15:23] = True  # 40 px
    found = np.zeros_like(truth)
    found[1:6, 1:8] = True  # 35 of 40 shared: IoU 0.875
    found[1:6, 19:27] = True  # 20 shared of 60: IoU 0.33
    objects = match_objects(found, truth, 1.0)
    assert objects.partner.tolist() == [1, 0]
    figures = figures_of(found, truth, 1.0)
    assert (figures["truth"], figures["found"]) == (2, 2)
    assert (figures["recall"], figures["precision"], figures["f1"]) == (0.5, 0.5, 0.5)


def test_half_is_not_enough() -> None:
    truth = np.ones((1, 4), bool)
    found = np.array([[True, True, False, False]])
    assert match_objects(found, truth, 1.0).partner.tolist() == [0]


def test_values_are_averaged_over_each_object() -> None:
    found = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]], bool)
    objects = match_objects(found, found, 1.0)
    assert objects.found_means(np.arange(9).reshape(3, 3)).tolist() == [0.5, 7.5]


def test_bands_follow_the_ground_size() -> None:
    truth = np.zeros((20, 20), bool)
    truth[2:12, 2:12] = True  # 100 px = 4 m² at 0.2 m
    figures = figures_of(truth, truth, 0.2)
    bands = figures["bands"]
    assert isinstance(bands, list)
    assert [(band["truth"], band["f1"]) for band in bands] == [(1, 1.0), *[(0, None)] * 4]
    assert figures["truth"] == 0


def test_nothing_right_is_a_figure_of_zero() -> None:
    truth, found = np.zeros((10, 20), bool), np.zeros((10, 20), bool)
    truth[2:8, 1:7] = True
    found[2:8, 12:18] = True
    figures = figures_of(found, truth, 1.0)
    assert (figures["recall"], figures["precision"], figures["f1"]) == (0, 0, 0)


@given(MASKS)
def test_a_mask_agrees_with_itself(mask: np.ndarray) -> None:
    _, false_positive, false_negative, _ = pixel_counts(mask, mask, np.ones_like(mask))
    assert false_positive == false_negative == 0
    truth, truth_matched, found, found_matched = object_counts(match_objects(mask, mask, 1.0))
    assert (truth == truth_matched).all()
    assert (found == found_matched).all()


@given(st.integers(0, 2**32 - 1))
def test_matches_are_those_of_every_pair(seed: int) -> None:
    """The sparse count of shared pixels against the IoU of each pair by itself."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.random((4, 5)) < 0.5, np.ones((4, 4), bool))
    found = truth ^ (rng.random(truth.shape) < 0.1)
    objects = match_objects(found, truth, 1.0)
    for label, partner in enumerate(objects.partner.tolist(), start=1):
        one = objects.found_labels == label
        ious = [
            (one & other).sum() / (one | other).sum()
            for other in (objects.truth_labels == k for k in range(1, len(objects.truth_m2) + 1))
        ]
        assert partner == next((k for k, iou in enumerate(ious, start=1) if iou > 0.5), 0)
