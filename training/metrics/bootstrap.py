"""How far a figure might lie from what other chips of the same place would have given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 1000
LEVEL: Final = 0.95

_SEED: Final = 0

Counts = NDArray[Any]
"""Numbers that add up over chips, one row per chip, or per resample."""


def interval(statistic: Callable[[Counts], Counts], per_chip: Counts) -> list[float] | None:
    """Return the bounds of a percentile bootstrap over chips (Efron 1979).

    Whole chips are drawn with replacement, because what lies on one chip is alike. The draws are
    the same for every figure of the same chips.

    Args:
        statistic: Gives one number per row of sums, NaN where there is none.
        per_chip: (N, ...) numbers of each chip that add up over chips.

    Returns:
        Lower and upper bound at 95 %; None where fewer than two chips or no number are there.
    """
    count = len(per_chip)
    if count < 2:  # noqa: PLR2004 - one chip says nothing about others
        return None
    draws = np.random.default_rng(_SEED).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    sums = (draws @ per_chip.reshape(count, -1)).reshape(RESAMPLES, *per_chip.shape[1:])
    values = statistic(sums)
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    tail = (1 - LEVEL) / 2
    return [round(float(bound), 4) for bound in np.quantile(values, (tail, 1 - tail))]


def figure(value: Counts) -> float | None:
    """Return one number for a report, None for NaN."""
    return round(float(value), 4) if np.isfinite(value) else None


def ratio(part: Counts, whole: Counts) -> Counts:
    """Return quotients, NaN where nothing could be counted."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    quotients: Counts = np.divide(
        part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0
    )
    return quotients
