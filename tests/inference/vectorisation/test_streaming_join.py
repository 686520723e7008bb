from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from vigibati.inference.probabilities.strip_masks import Strip
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.inference.vectorisation.streaming_join import settle


def _strip(mask: np.ndarray, top: int = 0) -> Components:
    edge = np.zeros(mask.shape, dtype=bool)
    return Components.concatenate(trace([Strip(top, mask, mask.view(np.uint8), edge)]))


def _mask(picture: list[str]) -> np.ndarray:
    return np.array([[letter == "#" for letter in line] for line in picture])


def test_what_may_grow_is_held_back_and_those_near_it_with_it() -> None:
    upper = _strip(_mask(["#....#", "......", "....#.", "....#."]))
    lower = _strip(_mask(["......", "......", "......", "......"]), top=4)
    first, second, rest = settle(
        [({"building": upper}, range(4)), ({"building": lower}, range(4, 8))], cols=[], reach_px=1.5
    )
    # The corner at the upper right is one pixel from what reaches the border.
    assert first["building"].outlines.tolist() == [shapely.normalize(box(0, 0, 1, 1))]
    assert second["building"].row.tolist() == [0, 2]
    assert len(rest["building"]) == 0


def test_the_classes_hold_each_other_back() -> None:
    house = _strip(_mask(["##....", "......", "......"]))
    pool = _strip(_mask(["......", "..#...", "..#..."]))
    first, rest = settle([({"building": house, "pool": pool}, range(3))], cols=[], reach_px=1.0)
    assert (len(first["building"]), len(rest["building"]), len(rest["pool"])) == (0, 1, 1)


@given(st.integers(0, 2**31), st.sampled_from([0.1, 0.4, 0.6]), st.sampled_from([0.5, 1.5, 3.0]))
def test_as_when_every_pair_is_measured(seed: int, share: float, reach: float) -> None:
    found = _strip(np.random.default_rng(seed).random((16, 16)) < share)
    if not len(found):
        return
    outlines = found.outlines
    near = np.array([[shapely.distance(one, other) <= reach for other in outlines] for one in outlines])
    held = shapely.bounds(outlines)[:, 3] >= 16 - reach
    for _ in outlines:
        held = held | near[held].any(axis=0)
    first, rest = settle([({"building": found}, range(16))], cols=[], reach_px=reach)
    assert [len(first["building"]), len(rest["building"])] == [np.sum(~held), np.sum(held)]
    assert set(rest["building"].outlines) == set(outlines[held])


def test_a_maze_with_many_specks_is_no_trap() -> None:
    """Noise makes one outline with ten thousands of corners and as many specks inside it."""
    found = _strip(np.random.default_rng(5).random((600, 600)) < 0.62)
    assert shapely.get_num_coordinates(found.outlines).max() > 10_000
    first, rest = settle([({"building": found}, range(600))], cols=[], reach_px=3.0)
    assert len(first["building"]) + len(rest["building"]) == len(found)
