"""Counts of changed pieces and of those that were found, band by band."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.size_bands import band_labels, size_bands

LARGE_M2 = 40.0
"""Above, all bands are counted together too."""


@dataclass(frozen=True, slots=True)
class Line:
    """How many changed pieces of one group were found.

    Attributes:
        measure: ``withheld``, ``solo`` (withheld, and no other unrecorded piece within 0.6 m),
            ``groups`` (unrecorded pieces that are joined by at most 0.6 m, as one), ``extension`` by
            depth, ``strip`` and ``end`` likewise, ``demolished``.
        band: Size band, ``>40`` pooled, or depth.
        count: Pieces that the detector shows by at least half; demolished ones: all.
        found: Those that cases cover enough, of any kind.
        same_kind: Those that cases of the expected kind cover enough.
    """

    measure: str
    band: str
    count: int
    found: int
    same_kind: int


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """Counts over pieces.

    Attributes:
        area_m2: (pieces,) areas.
        found: (pieces,) whether cases cover it enough.
        same: (pieces,) whether cases of the expected kind do.
        bounds_m2: Bounds of the size bands.
    """

    area_m2: NDArray[np.float64]
    found: NDArray[np.bool_]
    same: NDArray[np.bool_]
    bounds_m2: Sequence[float]

    def line(self, measure: str, band: str, of: NDArray[np.bool_]) -> list[Line]:
        """Return one line for the pieces ``of`` a group; none where there are none."""
        counts = (int(of.sum()), int(self.found[of].sum()), int(self.same[of].sum()))
        return [Line(measure, band, *counts)] if counts[0] else []

    def by_size(self, measure: str, of: NDArray[np.bool_]) -> list[Line]:
        """Return a line for each size band, and one for all above 40 m²."""
        bands = np.asarray(size_bands(self.area_m2, self.bounds_m2), dtype=object)
        single = [self.line(measure, band, of & (bands == band)) for band in band_labels(self.bounds_m2)]
        large = self.line(measure, f">{LARGE_M2:g}", of & (self.area_m2 > LARGE_M2))
        return [line for lines in (*single, large) for line in lines]


def added(lines: Iterable[Line]) -> list[Line]:
    """Add up the lines of several runs, in the order in which they first come."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        counts = sums.setdefault((line.measure, line.band), [0, 0, 0])
        for number, value in enumerate((line.count, line.found, line.same_kind)):
            counts[number] += value
    return [Line(measure, band, *counts) for (measure, band), counts in sums.items()]
