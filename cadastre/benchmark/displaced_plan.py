"""Records moved by a known amount: sheet by sheet, bent, block by block, vertex by vertex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.benchmark.altered_plan import cut_off
from vigibati.cadastre.overlap import as_array

_PERIODS_M: Final = (200.0, 700.0)
_ROUND_M: Final = 2
_HOUSE_M2: Final = 40.0


@dataclass(frozen=True, slots=True)
class Disorder:
    """How badly records are placed.

    Attributes:
        shift_m: Of each sheet, in a direction of its own.
        warp_m: Amplitude per axis of the wave that bends a sheet, of a period between 200 and 700 m.
        jitter_m: Standard deviation per axis of a shift of each block.
        noise_m: Standard deviation per axis of each distinct vertex.
        split: Share of the houses that are drawn as two, as where a parcel limit runs through.
    """

    shift_m: float = 0.0
    warp_m: float = 1.0
    jitter_m: float = 0.3
    noise_m: float = 0.15
    split: float = 0.10


@dataclass(frozen=True, slots=True, eq=False)
class Displaced:
    """Moved records, and the truth about them.

    Attributes:
        records: As a badly placed cadastre shows them.
        moved_m: (records, 2) how far each was moved: the mean over its vertices, without their noise.
        fields: Displacement of each sheet without its blocks, by ``sheet_id``.
    """

    records: gpd.GeoDataFrame
    moved_m: NDArray[np.float64]
    fields: dict[str, SheetField]


@dataclass(frozen=True, slots=True, eq=False)
class SheetField:
    """Shift and bending of one sheet; a wave per axis.

    Attributes:
        shift_m: (2,).
        warp_m: Amplitude of both waves.
        waves: (2, 2) wave vector per axis in radians per metre.
        phases: (2,) radians.
    """

    shift_m: NDArray[np.float64]
    warp_m: float
    waves: NDArray[np.float64]
    phases: NDArray[np.float64]

    def at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the displacement of (n, 2) points in metres."""
        bent: NDArray[np.float64] = self.warp_m * np.sin(xy @ self.waves.T + self.phases)
        return self.shift_m + bent


def displace(records: gpd.GeoDataFrame, *, seed: int, disorder: Disorder) -> Displaced:
    """Draw some houses as two, then move everything.

    A vertex that several records share gets one noise; a record that noise would tie into a knot gets none.

    Args:
        records: With ``record_id``, ``sheet_id``, ``block``; polygons or multipolygons.
        seed: Of every draw; the shift alone depends on ``disorder.shift_m``.
        disorder: How far.
    """
    draws = np.random.SeedSequence(seed).spawn(4)
    split, fields, blocks, vertices = (np.random.default_rng(draw) for draw in draws)
    drawn = _split(records, disorder.split, split)
    sheets, sheet = np.unique(drawn["sheet_id"].to_numpy(dtype=object).astype(str), return_inverse=True)
    field_of = {str(name): _field(fields, disorder) for name in sheets}
    jitter = blocks.normal(0, disorder.jitter_m, (int(drawn["block"].max()) + 1, 2))
    before = as_array(drawn)
    xy, owner = shapely.get_coordinates(before, return_index=True)
    # The two ends of a ring must stay one point to the last bit.
    points, place = np.unique(np.column_stack([owner, xy]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    of, at = points[:, 0].astype(np.intp), points[:, 1:]
    shift = jitter[drawn["block"].to_numpy(dtype=np.intp)[of]]
    for number, name in enumerate(sheets):
        mine = sheet[of] == number
        shift[mine] += field_of[str(name)].at(at[mine])
    shared = np.unique(np.round(at, _ROUND_M), axis=0, return_inverse=True)[1].reshape(-1)
    noise = vertices.normal(0, disorder.noise_m, (len(at), 2))[shared]
    # A copy first: shapely writes into the array that it is given.
    moved = shapely.set_coordinates(before.copy(), (at + shift + noise)[place])
    knotted = ~shapely.is_valid(moved)
    moved[knotted] = shapely.set_coordinates(before.copy(), (at + shift)[place])[knotted]
    count = np.bincount(owner, minlength=len(drawn))
    mean = np.column_stack([np.bincount(owner, axis, len(drawn)) / count for axis in shift[place].T])
    return Displaced(drawn.set_geometry(moved, crs=records.crs), mean, field_of)


def _field(chance: np.random.Generator, disorder: Disorder) -> SheetField:
    toward, *across = chance.uniform(0, 2 * np.pi, 3)
    phases = chance.uniform(0, 2 * np.pi, 2)
    pulse = 2 * np.pi / chance.uniform(*_PERIODS_M, 2)
    waves = pulse[:, np.newaxis] * np.column_stack([np.cos(across), np.sin(across)])
    return SheetField(
        disorder.shift_m * np.array([np.cos(toward), np.sin(toward)]), disorder.warp_m, waves, phases
    )


def _split(records: gpd.GeoDataFrame, share: float, chance: np.random.Generator) -> gpd.GeoDataFrame:
    """Cut a share of the houses across, somewhere in their middle third, into two records each."""
    outlines = as_array(records)
    large = np.flatnonzero(shapely.area(outlines) >= _HOUSE_M2)
    rows = np.sort(chance.choice(large, size=round(share * len(large)), replace=False))
    length = np.array([_length_m(outline) for outline in outlines[rows]])
    depths = length * chance.uniform(1 / 3, 2 / 3, len(rows))
    halves = [
        cut_off(outline, form="end", depth_m=float(depth), far=False)
        for outline, depth in zip(outlines[rows], depths, strict=True)
    ]
    parts = [records.drop(index=records.index[rows])]
    for number in (0, 1):
        half = records.iloc[rows].set_geometry([pair[number] for pair in halves], crs=records.crs)
        parts.append(half.assign(record_id=half["record_id"] + f"/{number + 1}"))
    return pd.concat(parts, ignore_index=True)


def _length_m(outline: shapely.Geometry) -> float:
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(outline))
    return float(np.hypot(*(corners[[1, 3]] - corners[0]).T).max())
