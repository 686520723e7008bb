"""Sums of what belongs together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def summed(values: NDArray[np.float64], owner: NDArray[np.intp], *, count: int) -> NDArray[np.float64]:
    """Return the (count, ...) sum of the values, (n, ...), of each owner."""
    flat = values.reshape(len(values), -1).T
    sums = [np.bincount(owner, column, minlength=count) for column in flat]
    return np.stack(sums, axis=-1).astype(np.float64).reshape(count, *values.shape[1:])
