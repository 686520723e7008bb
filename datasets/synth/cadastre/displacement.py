"""The displacement of a made-up cadastre: a shift per sheet, a smooth local warp, surveyors' noise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

MOST_SHIFT_M = 3.0
"""Longest shift of a sheet: the cap within which French plans are matched (BD Parcellaire recalée, IGN)."""

_MOST_WARP_M = 0.5
_WARP_PERIOD_M = (400.0, 700.0)
_NOISE_CUT = 2.5
_SAME_VERTEX_M = 0.001
_STREAM = 1


@dataclass(frozen=True, slots=True)
class SheetShift:
    """What was added to every vertex of a sheet, in metres of its projected CRS."""

    sheet_id: str
    dx_m: float
    dy_m: float


@dataclass(frozen=True, slots=True)
class Wave:
    """One sinusoid of the warp: it runs along ``heading`` and pushes by (``dx_m``, ``dy_m``) at its crest."""

    heading: float
    period_m: float
    phase: float
    dx_m: float
    dy_m: float

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the push at points, (n, 2) metres in and out."""
        along = points @ np.array([np.cos(self.heading), np.sin(self.heading)])
        height = np.sin(2 * np.pi * along / self.period_m + self.phase)
        return np.column_stack([height * self.dx_m, height * self.dy_m])


@dataclass(frozen=True, slots=True)
class Displacement:
    """Where the cadastre draws what truly stands elsewhere: drawn = true + shift of the sheet + warp.

    Registration looks for the opposite: what must be added to records to put them on the image.
    The displacement is a function of the true position and the sheet alone, so that a vertex
    which two features share stays shared and every ring stays closed.

    Args:
        shifts: One per sheet.
        waves: The warp, common to all sheets.
    """

    shifts: tuple[SheetShift, ...]
    waves: tuple[Wave, ...]

    def at(self, points: NDArray[np.float64], sheet_ids: Sequence[str]) -> NDArray[np.float64]:
        """Return the displacement of points, (n, 2) metres, each in the sheet of the same place.

        Raises:
            KeyError: A sheet has no shift.
        """
        by_sheet = {shift.sheet_id: (shift.dx_m, shift.dy_m) for shift in self.shifts}
        pushed = np.array([by_sheet[sheet_id] for sheet_id in sheet_ids], dtype=np.float64).reshape(-1, 2)
        for wave in self.waves:
            pushed += wave.at(points)
        return pushed

    def move(self, geometries: NDArray[np.object_], sheet_ids: Sequence[str]) -> NDArray[np.object_]:
        """Return geometries as the cadastre draws them; each lies on the sheet of the same place."""
        points, owner = shapely.get_coordinates(geometries, return_index=True)
        moved = points + self.at(points, np.asarray(sheet_ids, dtype=object)[owner].tolist())
        return shapely.set_coordinates(geometries.copy(), moved)


def draw_displacement(sheet_ids: Iterable[str], *, seed: int) -> Displacement:
    """Draw the displacement of a cadastre.

    Shifts are 0 to 3 m long, uniform in length and direction; the warp is the sum of two
    sinusoids with periods of 400 to 700 m and at most 0.5 m together. These are the orders
    of magnitude of French plans: IGN gives 2.5 to 5 m for the geometry that BD TOPO takes
    from them, and offsets are not uniform within a sheet (arXiv 2405.06593).

    Args:
        sheet_ids: Sheets of the cadastre; their order does not matter.
        seed: Same seed and sheets, same displacement.
    """
    generator = np.random.default_rng([seed, _STREAM])
    waves = tuple(_draw_wave(generator) for _ in range(2))
    shifts = []
    for sheet_id in sorted(set(sheet_ids)):
        length_m, heading = generator.uniform(0, MOST_SHIFT_M), generator.uniform(0, 2 * np.pi)
        dx_m, dy_m = length_m * np.cos(heading), length_m * np.sin(heading)
        shifts.append(SheetShift(sheet_id, float(dx_m), float(dy_m)))
    return Displacement(tuple(shifts), waves)


def jitter(geometries: NDArray[np.object_], *, sigma_m: float, seed: int) -> NDArray[np.object_]:
    """Move each distinct vertex by a random amount, as a surveyor's chain would.

    The noise is normal in x and y and cut at 2.5 sigma. Vertices of several polygons at the
    same place (1 mm) move together, so that shared walls stay shared. A polygon that the
    noise would make invalid keeps its own vertices.

    Args:
        geometries: Polygons in metres.
        sigma_m: Standard deviation on each axis.
        seed: Same seed and vertices, same noise.
    """
    generator = np.random.default_rng([seed, _STREAM + 1])
    points = shapely.get_coordinates(geometries)
    places = np.round(points / _SAME_VERTEX_M).astype(np.int64)
    distinct, place = np.unique(places, axis=0, return_inverse=True)
    noise = generator.normal(0.0, sigma_m, distinct.shape).clip(-_NOISE_CUT * sigma_m, _NOISE_CUT * sigma_m)
    shaken = shapely.set_coordinates(geometries.copy(), points + noise[place.reshape(-1)])
    broken = ~shapely.is_valid(shaken)
    return np.where(broken, geometries, shaken)


def _draw_wave(generator: np.random.Generator) -> Wave:
    crest_m = generator.uniform(0.6, 1.0) * _MOST_WARP_M / 2
    push = generator.uniform(0, 2 * np.pi)
    return Wave(
        heading=float(generator.uniform(0, 2 * np.pi)),
        period_m=float(generator.uniform(*_WARP_PERIOD_M)),
        phase=float(generator.uniform(0, 2 * np.pi)),
        dx_m=float(crest_m * np.cos(push)),
        dy_m=float(crest_m * np.sin(push)),
    )
