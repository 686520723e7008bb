from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from vigibati.datasets.chips.near_duplicates import MAX_DISTANCE, difference_hash, near_duplicates

HASHES = st.integers(0, 2**64 - 1)


def ground(seed: int) -> NDArray[np.uint8]:
    """Patches of land of all sizes, as smooth and as rough as seen from above."""
    rng = np.random.default_rng(seed)
    pixels = sum(
        np.asarray(
            Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)).resize((256, 256))
        ).astype(float)
        for cells in (6, 16, 60)
    )
    return (np.asarray(pixels) / 3).astype(np.uint8)


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return (difference_hash(one) ^ difference_hash(other)).bit_count()


def test_a_bit_says_brighter_than_the_left_neighbour() -> None:
    cells = np.zeros((8, 9), dtype=np.uint8)
    cells[0, 4] = 100  # brighter than its left, the next one darker again
    cells[7] = np.arange(9) * 10
    pixels = np.repeat(cells.repeat(4, axis=0).repeat(4, axis=1)[..., None], 3, axis=2)
    assert difference_hash(pixels) == 0b00010000 << 56 | 0b11111111


def test_a_copy_is_near_and_another_place_is_far() -> None:
    pixels = ground(1)
    picture, buffer = Image.fromarray(pixels), io.BytesIO()
    picture.save(buffer, format="JPEG", quality=60)
    assert distance(pixels, np.asarray(Image.open(buffer))) <= MAX_DISTANCE
    assert distance(pixels, np.asarray(ImageEnhance.Brightness(picture).enhance(1.2))) <= MAX_DISTANCE
    assert distance(pixels, ground(2)) > MAX_DISTANCE
    assert distance(pixels, pixels[:, ::-1].copy()) > MAX_DISTANCE


def test_each_measuring_image_is_told_with_its_nearest() -> None:
    train = {"t_far": 0xFFFF, "t_near": 0b111, "t_same": 0b1}
    val = {"v_same": 0b1, "v_close": 0b1111, "v_other": 0xFFFF << 40}
    found = {item.val: (item.train, item.distance) for item in near_duplicates(train, val)}
    assert found == {"v_same": ("t_same", 0), "v_close": ("t_near", 1)}
    assert near_duplicates({}, val) == ()
    assert near_duplicates(train, {}) == ()


@given(st.lists(HASHES, max_size=12), st.lists(HASHES, max_size=12))
def test_they_are_those_within_the_bound(learnt: list[int], measured: list[int]) -> None:
    train = {f"t{number}": bits for number, bits in enumerate(learnt)}
    val = {f"v{number}": bits for number, bits in enumerate(measured)}
    wanted = {
        name: min((bits ^ other).bit_count() for other in learnt)
        for name, bits in val.items()
        if any((bits ^ other).bit_count() <= MAX_DISTANCE for other in learnt)
    }
    assert {item.val: item.distance for item in near_duplicates(train, val)} == wanted
