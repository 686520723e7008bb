from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vigibati.configs.errors import DeviceError
from vigibati.inference.model.batch_size import Batches

Step = Callable[[np.ndarray], np.ndarray]


def _numbered(count: int) -> np.ndarray:
    return np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 1, 2, 3))


def _negative(seen: list[int], *, room: int = 1000) -> Step:
    def step(batch: np.ndarray) -> np.ndarray:
        if len(batch) > room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        seen.append(len(batch))
        return 255 - batch

    return step


def _clock(*seconds: float) -> Callable[[], float]:
    """Each batch begins at 0 and ends after the next of these seconds."""

    def ticks() -> Iterator[float]:
        for each in seconds:
            yield 0.0
            yield each

    return iter(ticks()).__next__


def test_one_at_a_time_where_one_is_the_largest() -> None:
    seen: list[int] = []
    result = Batches("cpu", largest=1).run(_negative(seen), _numbered(5))
    assert seen == [1] * 5
    assert np.array_equal(result, 255 - _numbered(5))


def test_doubles_while_it_pays_and_steps_back_once() -> None:
    # Twice at each size, the first one untimed: 1 per second, 2 in 1 s, 4 in 1.95 s: no gain of 5 %.
    seen: list[int] = []
    batches = Batches("stub", clock=_clock(9, 1, 9, 1, 9, 1.95, 1, 1))
    batches.run(_negative(seen), _numbered(18))
    assert seen == [1, 1, 2, 2, 4, 4, 2, 2]
    assert batches.size == 2


def test_what_is_left_over_tells_nothing_of_a_size() -> None:
    seen: list[int] = []
    batches = Batches("stub", clock=_clock(9, 1, 9, 1, 9))
    batches.run(_negative(seen), _numbered(5))
    assert (seen, batches.size) == ([1, 1, 2, 1], 2)


@given(count=st.integers(1, 60), room=st.integers(1, 9))
def test_too_little_memory_changes_the_batches_and_not_the_result(count: int, room: int) -> None:
    seen: list[int] = []
    batches = Batches("stub", clock=iter(np.arange(1000) * 0.0).__next__)
    for _ in range(3):
        assert np.array_equal(
            batches.run(_negative(seen, room=room), _numbered(count)), 255 - _numbered(count)
        )
    assert max(seen) <= room
    assert sum(seen) == 3 * count


def test_a_size_that_did_not_fit_is_not_tried_again() -> None:
    tried: list[int] = []
    step = _negative([], room=3)

    def told(batch: np.ndarray) -> np.ndarray:
        tried.append(len(batch))
        return step(batch)

    batches = Batches("stub", clock=_clock(9, 1, 9, 0.1, *[1] * 20))
    batches.run(told, _numbered(30))
    assert tried.count(4) == 1
    assert (tried[:6], batches.size) == ([1, 1, 2, 2, 4, 2], 2)


def test_one_window_that_does_not_fit_is_told() -> None:
    cause = (
        r"^cuda:0: its memory does not hold one window of 3 x 2 pixels; use smaller windows, .*--device cpu$"
    )
    with pytest.raises(DeviceError, match=cause):
        Batches("cuda:0").run(_negative([], room=0), _numbered(2))
