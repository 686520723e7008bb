"""Size bands of cases: their labels, and the band of an area."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray


def band_labels(bounds_m2: Sequence[float]) -> tuple[str, ...]:
    """Return the labels of the bands from small to large, such as ``<5``, ``5-20``, ``>20``."""
    inner = [f"{low:g}-{high:g}" for low, high in pairwise(bounds_m2)]
    return (f"<{bounds_m2[0]:g}", *inner, f">{bounds_m2[-1]:g}")


def band_index(area_m2: ArrayLike, bounds_m2: Sequence[float]) -> NDArray[np.intp]:
    """Return the band number of each area; a bound belongs to the band below it.

    French law says "at most 20 m²" and "more than 20 m²", so that 20.0 is in ``5-20``.

    Args:
        area_m2: Areas in square metres, any shape.
        bounds_m2: Rising bounds between the bands.
    """
    return np.searchsorted(np.asarray(bounds_m2, dtype=float), np.asarray(area_m2, dtype=float), side="left")


def size_bands(area_m2: ArrayLike, bounds_m2: Sequence[float]) -> list[str]:
    """Return the band label of each area of a one-dimensional array."""
    labels = band_labels(bounds_m2)
    return [labels[index] for index in band_index(area_m2, bounds_m2)]
