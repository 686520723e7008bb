"""Work on geometries that is shared among the cores of the machine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.cores import usable_cores

# Some rows take longer than others.
_RUNS_PER_CORE = 4
_T = TypeVar("_T", bound=np.generic)


def in_parts(work: Callable[[NDArray[np.intp]], NDArray[_T]], count: int) -> NDArray[_T]:
    """Return ``work`` on all rows from 0 to ``count``, a few runs of rows per core.

    GEOS lets other threads run while it computes. The rows must not depend on each other, nor share a
    geometry that is prepared: its index is built at first use.

    Args:
        work: Takes row numbers and returns a value for each.
        count: Number of rows.
    """
    cores = usable_cores()
    with ThreadPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(work, np.array_split(np.arange(count), _RUNS_PER_CORE * cores))))
