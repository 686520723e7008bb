"""Noise that depends on nothing but the place: the same pixel always gets the same grain."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vigibati.datasets.synth.rendering.canvas import Frame, Plane

Grain = Literal["fine", "rough", "clumps", "clouds"]

# Side of the periodic tile and exponent of its amplitude spectrum; the sides have no common
# factor, so that sums of several grains repeat only after kilometres.
_GRAINS: dict[str, tuple[int, float, float]] = {
    "fine": (1021, 0.25, 0.0),
    "rough": (907, 0.9, 0.008),
    "clumps": (1151, 1.5, 0.012),
    "clouds": (1279, 1.9, 0.0),
}


@lru_cache(maxsize=8)
def _tile(grain: Grain) -> Plane:
    side, exponent, high_pass = _GRAINS[grain]
    rng = np.random.default_rng([7919, side])
    spectrum = np.fft.rfft2(rng.standard_normal((side, side)))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = 1.0
    spectrum *= frequency**-exponent * (frequency**2 / (frequency**2 + high_pass**2))
    spectrum[0, 0] = 0.0
    values = np.fft.irfft2(spectrum, s=(side, side))
    tile: Plane = np.ascontiguousarray(values / values.std(), dtype=np.float32)
    tile.setflags(write=False)
    return tile


def grain(frame: Frame, kind: Grain, salt: int = 0) -> Plane:
    """Return noise of mean 0 and deviation 1, (H, W).

    Args:
        frame: The pixels; equal pixels of two frames get equal values.
        kind: "fine" is near white, "rough" pinkish, "clumps" tufts of 1-10 m, "clouds" wide.
        salt: Chooses an independent piece of noise.
    """
    tile = _tile(kind)
    side = tile.shape[0]
    shift = np.random.default_rng([salt & 0x7FFFFFFF, side]).integers(0, side, 2)
    rows = (np.arange(frame.row, frame.row + frame.height) + shift[0]) % side
    cols = (np.arange(frame.col, frame.col + frame.width) + shift[1]) % side
    piece: Plane = tile[rows[:, None], cols[None, :]]
    return piece


def broad(frame: Frame, size_m: float, salt: int = 0) -> Plane:
    """Return smooth noise of deviation about 1 with bumps of ``size_m``, without period, (H, W)."""
    step = size_m / frame.gsd_m
    rows = (frame.row + np.arange(frame.height)) / step
    cols = (frame.col + np.arange(frame.width)) / step
    first_row, first_col = int(np.floor(rows[0])), int(np.floor(cols[0]))
    lattice = _lattice(
        first_row,
        first_col,
        int(np.floor(rows[-1])) - first_row + 2,
        int(np.floor(cols[-1])) - first_col + 2,
        salt,
    )
    along = _blend(lattice, rows - first_row)
    return _blend(along.T, cols - first_col).T * np.float32(1.6)


def _blend(values: Plane, at: NDArray[np.float64]) -> Plane:
    low = np.floor(at).astype(int)
    part = at - low
    weight = (part * part * (3 - 2 * part)).astype(np.float32)[:, None]
    mixed: Plane = values[low] * (1 - weight) + values[low + 1] * weight
    return mixed


def _lattice(row: int, col: int, height: int, width: int, salt: int) -> Plane:
    # An integer hash (Wang, 2007, as commonly used for value noise) instead of a generator:
    # any node can be had without drawing those before it.
    rows = (np.arange(row, row + height, dtype=np.int64)[:, None] * 73856093) & 0xFFFFFFFF
    cols = (np.arange(col, col + width, dtype=np.int64)[None, :] * 19349663) & 0xFFFFFFFF
    mixed = (rows ^ cols ^ ((salt * 83492791) & 0xFFFFFFFF)).astype(np.uint64)
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> np.uint64(16))) * np.uint64(0x45D9F3B)) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(16)
    scaled: Plane = (mixed.astype(np.float64) / 2**31 - 1).astype(np.float32)
    return scaled


def rgb(red: float, green: float, blue: float) -> Plane:
    """Return one colour as an array, (3,)."""
    return np.array((red, green, blue), dtype=np.float32)


def mix(low: Plane, high: Plane, weight: NDArray[np.floating]) -> Plane:
    """Blend two colours, (3,) or (H, W, 3), by a weight (H, W) that is clipped to 0-1."""
    mixed: Plane = low + np.clip(weight, 0, 1).astype(np.float32)[..., None] * (high - low)
    return mixed


def shade(colour: Plane, amount: NDArray[np.floating]) -> Plane:
    """Brighten a colour (H, W, 3) by relative amounts (H, W)."""
    shaded: Plane = colour * (1 + amount).astype(np.float32)[..., None]
    return shaded
