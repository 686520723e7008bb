"""Work on geometries that is shared among the cores of the machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray


def in_parts(test: Callable[[NDArray[np.intp]], NDArray[np.bool_]], count: int) -> NDArray[np.bool_]:
    """Return ``test`` of all rows from 0 to ``count``, one run of rows per core.

    GEOS lets other threads run while it computes. The rows must not depend on each other.

    Args:
        test: Takes row numbers and returns a value for each.
        count: Number of rows.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(test, np.array_split(np.arange(count), cores))))
