from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vigibati.training.scores import ObjectScore, PixelScore

MASKS = arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def test_pixels_of_a_worked_example() -> None:
    found = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]], bool)
    truth = np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1]], bool)
    known = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 0]], bool)
    score = PixelScore()
    score.add(found, truth, known)
    # One pixel is right, one is too many, one is missed; the last corner is unknown.
    assert score.as_dict()["iou"] == pytest.approx(1 / 3, abs=1e-4)
    assert score.as_dict()["precision"] == 0.5
    assert score.as_dict()["recall"] == 0.5
    assert score.true_negative == 5


def test_nothing_counted_is_no_figure() -> None:
    assert PixelScore().as_dict()["iou"] is None
    assert ObjectScore().as_dict()["f1"] is None


def test_objects_match_one_to_one_above_half() -> None:
    truth = np.zeros((10, 30), bool)
    truth[1:6, 1:9] = True  # 40 px
    truth[1:6, 15:23] = True  # 40 px
    found = np.zeros_like(truth)
    found[1:6, 1:8] = True  # 35 of 40 shared: IoU 0.875
    found[1:6, 19:27] = True  # 20 shared of 60: IoU 0.33
    score = ObjectScore()
    score.add(found, truth, gsd_m=1.0)
    figures = score.as_dict()
    assert (figures["truth"], figures["found"]) == (2, 2)
    assert (figures["recall"], figures["precision"], figures["f1"]) == (0.5, 0.5, 0.5)


def test_bands_follow_the_ground_size() -> None:
    truth = np.zeros((20, 20), bool)
    truth[2:12, 2:12] = True  # 100 px = 4 m² at 0.2 m
    score = ObjectScore()
    score.add(truth, truth, gsd_m=0.2)
    bands = score.as_dict()["bands"]
    assert isinstance(bands, list)
    assert [band["truth"] for band in bands] == [1, 0, 0, 0, 0]
    assert score.as_dict()["truth"] == 0


@given(MASKS)
def test_a_mask_agrees_with_itself(mask: np.ndarray) -> None:
    pixels, objects = PixelScore(), ObjectScore()
    pixels.add(mask, mask, np.ones_like(mask))
    objects.add(mask, mask, gsd_m=1.0)
    assert pixels.false_positive == pixels.false_negative == 0
    assert (objects.truth == objects.truth_matched).all()
    assert (objects.found == objects.found_matched).all()
