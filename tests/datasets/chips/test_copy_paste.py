from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from vigibati.datasets.chips.copy_paste import Cutout, cutouts, paste
from vigibati.datasets.chips.manifest import Chip

ROOF = (200, 90, 60)


@pytest.fixture
def chip(tmp_path: Path) -> Chip:
    """A shed of 4 × 5 m, a house of 16 × 12 m, a kennel of 1 m² and a shed that the edge cuts, at 0.5 m."""
    image, mask = np.full((64, 64, 3), 80, dtype=np.uint8), np.zeros((64, 64), dtype=np.uint8)
    for row, col, height, width in ((4, 6, 8, 10), (30, 20, 24, 32), (20, 50, 2, 2), (56, 0, 8, 8)):
        image[row : row + height, col : col + width] = ROOF
        mask[row : row + height, col : col + width] = 1
    paths = tmp_path / "image.png", tmp_path / "mask.png"
    Image.fromarray(image).save(paths[0])
    Image.fromarray(mask).save(paths[1])
    return Chip(*paths, "synthetic", "train", 0.5)


def test_only_whole_small_buildings_are_cut_out(chip: Chip) -> None:
    (shed,) = cutouts([chip])
    assert shed.mask.shape == (8, 10)
    assert shed.mask.all()
    assert (shed.pixels == ROOF).all()
    assert shed.gsd_m == 0.5


def shed() -> Cutout:
    return Cutout(np.full((6, 9, 3), ROOF, dtype=np.uint8), np.ones((6, 9), dtype=np.bool_), 0.4)


def ground() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    mask = np.zeros((60, 70), dtype=np.uint8)
    mask[20:40, 10:30] = 1
    mask[5:9, 50:60] = 2
    return np.full((60, 70, 3), 150, dtype=np.uint8), mask


@given(st.integers(0, 2**32 - 1))
def test_what_is_pasted_is_a_building_in_the_mask_and_nothing_else_is(seed: int) -> None:
    image, mask = ground()
    pixels, classes = paste(image, mask, shed(), gsd_m=0.2, generator=np.random.default_rng(seed))
    added = (classes == 1) & (mask != 1)
    assert ((classes == mask) | added).all()
    assert not (added & (mask == 2)).any()
    # 6 × 9 pixels at 0.4 m are 12 × 18 at 0.2 m; against a wall, at least half of it is left.
    assert added.sum() == 0 or 108 <= added.sum() <= 216
    if added.any():
        assert np.abs(pixels[added].astype(int) - ROOF).max(axis=1).min() <= 2
    house = mask == 1
    far = house & ~near(added, 4)
    assert (pixels[far] == image[far]).all()


def near(mask: NDArray[np.bool_], distance_px: int) -> NDArray[np.bool_]:
    grown = mask.copy()
    for row, col in np.argwhere(mask):
        grown[
            max(0, row - distance_px) : row + distance_px + 1,
            max(0, col - distance_px) : col + distance_px + 1,
        ] = True
    return grown


def test_sheds_stand_alone_or_against_a_wall_and_cast_a_shadow() -> None:
    image, mask = ground()
    alone = against = 0
    for seed in range(40):
        pixels, classes = paste(image, mask, shed(), gsd_m=0.2, generator=np.random.default_rng(seed))
        added = (classes == 1) & (mask != 1)
        if not added.any():
            continue
        touches = (near(added, 1) & (mask > 0)).any()
        against, alone = against + touches, alone + (not touches)
        # Against a wall the whole shadow may fall on the house, which stands above it.
        assert touches or (pixels.min(axis=2)[~near(added, 1)] < 120).any(), "no shadow"
    assert alone > 5
    assert against > 5


def test_a_building_larger_than_the_chip_is_not_pasted() -> None:
    image, mask = ground()
    large = Cutout(np.zeros((80, 80, 3), dtype=np.uint8), np.ones((80, 80), dtype=np.bool_), 0.2)
    pixels, classes = paste(image, mask, large, gsd_m=0.2, generator=np.random.default_rng(1))
    assert pixels is image
    assert classes is mask
