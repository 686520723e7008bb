"""One lot while it is being filled."""

from __future__ import annotations

import cmath
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from vigibati.datasets.synth.plan.ground_plan import Building, Car, Field, Pool, Road, Trap, Tree
from vigibati.datasets.synth.plan.streets import Lot, polygon_of


@dataclass(slots=True)
class Yard:
    """One lot while it is being filled.

    Args:
        lot: The ground.
        style: Share of dark northern roofs, 0-1.
    """

    lot: Lot
    style: float
    buildings: list[Building] = field(default_factory=list)
    pools: list[Pool] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    cars: list[Car] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)

    def free(self, gap_m: float, border_m: float) -> BaseGeometry:
        """Return the ground on which nothing stands yet."""
        taken = [b.outline for b in self.buildings] + [p.outline.buffer(1.5) for p in self.pools]
        room: BaseGeometry = self.lot.outline.buffer(-border_m)
        if taken:
            room = room.difference(shapely.union_all(taken).buffer(gap_m))
        return room

    def place(
        self,
        shape: Polygon,
        rng: np.random.Generator,
        *,
        gap_m: float,
        border_m: float,
        rear: bool = False,
    ) -> Polygon | None:
        """Return the shape (around the origin) moved to a free spot of the lot, or None."""
        room = self.free(gap_m, border_m)
        if room.is_empty:
            return None
        left, bottom, right, top = room.bounds
        middle = self.lot.outline.centroid
        spots = rng.uniform((left, bottom), (right, top), (24, 2))
        deep = (spots - (middle.x, middle.y)) @ (self.lot.inward.real, self.lot.inward.imag) > 0
        spots = spots[(deep | (not rear)) & shapely.contains_xy(room, spots)]
        shapely.prepare(room)
        for x, y in spots:
            moved = affinity.translate(shape, x, y)
            if room.contains(moved):
                return moved
        return None

    def points(
        self, count: int, rng: np.random.Generator, *, gap_m: float, border_m: float
    ) -> Iterator[tuple[float, float]]:
        """Yield at most ``count`` random points on free ground."""
        room = self.free(gap_m, border_m)
        if room.is_empty or not count:
            return
        left, bottom, right, top = room.bounds
        spots = rng.uniform((left, bottom), (right, top), (3 * count, 2))
        for x, y in spots[shapely.contains_xy(room, spots)][:count]:
            yield float(x), float(y)


def rectangle(width_m: float, depth_m: float, angle: float) -> Polygon:
    """Return a rectangle around the origin, its width along ``angle``."""
    along, inward = cmath.exp(1j * angle) * width_m / 2, cmath.exp(1j * angle) * 1j * depth_m / 2
    return polygon_of([-along - inward, along - inward, along + inward, -along + inward])


def year_built(rng: np.random.Generator) -> int:
    """Return the first year of something that the cadastre knows."""
    return int(rng.integers(1900, 2019))


def detail(rng: np.random.Generator) -> int:
    """Return a fresh seed for a thing's texture."""
    return int(rng.integers(1, 2**31 - 1))


def chance(rng: np.random.Generator, share: float) -> bool:
    """Return True in ``share`` of the calls."""
    return bool(rng.random() < share)
