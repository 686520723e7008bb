"""Images that show the same ground under another name, so that no picture is in two splits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_COLUMNS, _ROWS = 9, 8
# Measured on aerial chips of two towns: the same chip saved again at JPEG quality 60 or made
# brighter by a fifth is at most 8 of 64 bits away, two places of a town never less than 18.
MAX_DISTANCE = 8
"""Largest number of differing bits, of 64, at which two images count as the same."""
_ROWS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """A measuring image and the image to learn from that it repeats.

    Attributes:
        val: Name of the image to measure on.
        train: Name of the nearest image to learn from.
        distance: Bits of 64 that differ.
    """

    val: str
    train: str
    distance: int


def difference_hash(pixels: NDArray[np.uint8]) -> int:
    """Return 64 bits that small changes of an image leave nearly alone.

    The image is averaged down to 9 x 8 grey cells; a bit says that a cell is brighter than its left
    neighbour (dHash: N. Krawetz, "Kind of Like That", hackerfactor.com, 2013). Turned or mirrored
    images have other bits.

    Args:
        pixels: (H, W, 3), red-green-blue.
    """
    grey = Image.fromarray(pixels).convert("L").resize((_COLUMNS, _ROWS), Image.Resampling.BOX)
    cells = np.asarray(grey)
    return int.from_bytes(np.packbits(cells[:, 1:] > cells[:, :-1]).tobytes())


def near_duplicates(train: Mapping[str, int], val: Mapping[str, int]) -> tuple[NearDuplicate, ...]:
    """Return the measuring images that repeat one to learn from, each with the nearest such image.

    Args:
        train: Hash by name of the images to learn from.
        val: Hash by name of the images to measure on.
    """
    if not train:
        return ()
    names = list(train)
    known = np.fromiter(train.values(), dtype=np.uint64, count=len(train))
    found: list[NearDuplicate] = []
    asked = list(val.items())
    for start in range(0, len(asked), _ROWS_AT_ONCE):
        part = asked[start : start + _ROWS_AT_ONCE]
        bits = np.array([bits for _, bits in part], dtype=np.uint64)
        distances = np.bitwise_count(bits[:, None] ^ known)  # (val, train)
        nearest = distances.argmin(axis=1)
        for (name, _), column, row in zip(part, nearest, distances, strict=True):
            if row[column] <= MAX_DISTANCE:
                found.append(NearDuplicate(name, names[column], int(row[column])))
    return tuple(found)
