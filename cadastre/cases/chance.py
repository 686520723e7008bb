"""How likely cases are real, told from how many alike are listed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def listed_chance(
    listed: NDArray[np.intp], compared: NDArray[np.intp], *, share: float
) -> NDArray[np.float64]:
    """Return the chance that one of the cases listed is real.

    Of ``compared`` things about ``share`` may really have changed. Where more are listed, the others are
    errors of outlines and of the model, such as roofs that it does not know. One case more on both sides
    keeps a single one among a few from being taken for an error.

    Args:
        listed: Cases of a kind.
        compared: Footprints or records that could have become one.
        share: Of these, between 0 and 1, that are expected to have changed.
    """
    return np.minimum((share * compared + 1) / (listed + 1), 1.0)
