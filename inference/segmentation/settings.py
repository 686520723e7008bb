"""How a segmentation is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.errors import SettingsError
from vigibati.inference.segmentation.tiling import Unit


@dataclass(frozen=True, slots=True)
class Cut:
    """About how large the pieces are that the work is cut into; a network's far reach alone shows them.

    Attributes:
        rows: Rows of a unit, and of the core of a window.
        columns: Columns of the core of a window.
        group: Most columns of a unit.
    """

    rows: int = 1024
    columns: int = 2048
    group: int = 65_536


@dataclass(frozen=True, slots=True)
class Shard:
    """A share of the units of a run.

    Attributes:
        number: From 1.
        of: How many there are.

    Raises:
        SettingsError: The number is not among them.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise SettingsError(
                "--shard", f"{self.number}/{self.of} is no share", "give one from 1/N to N/N, such as 3/8"
            )

    def choose(self, units: Sequence[Unit]) -> Sequence[Unit]:
        """Return its units: neighbours, so that they share their margins."""
        first, last = ((number * len(units)) // self.of for number in (self.number - 1, self.number))
        return units[first:last]


@dataclass(frozen=True, slots=True, eq=False)
class SegmentSettings:
    """How a segmentation is done.

    Attributes:
        device: Where the network runs: auto, cpu, cuda or openvino.
        traced: Whether outlines are traced in the same pass.
        area: (N,) geometries in the CRS of the grid; what lies farther than 20 m from all of them is
            skipped and counts as no image. Everywhere when None.
        shard: Share of the units to work on; ``merge`` puts the shards together. All when None.
        dask: Address of a Dask scheduler, or "local" or "local:N" for N processes of this machine.
        restart: Whether what an earlier call left behind is thrown away.
        retry_failed: Whether units of the share that were given up are tried again, whoever gave them up.
        cut: Size of the pieces.
    """

    device: str = "auto"
    traced: bool = False
    area: NDArray[np.object_] | None = None
    shard: Shard | None = None
    dask: str | None = None
    restart: bool = False
    retry_failed: bool = False
    cut: Cut = field(default_factory=Cut)
