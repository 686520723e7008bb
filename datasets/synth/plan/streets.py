"""The streets of a village and the lots along them."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from vigibati.datasets.synth.plan.ground_plan import Bounds, Road

LotKind = Literal["row", "villa", "farm", "hall", "empty"]

_GRID_M, _SLIVER_M2 = 0.001, 0.002  # corners lie on whole millimetres; what a rounding can overlap
_SIDE_M = 1.8  # pavement or verge between the carriageway and a lot


@dataclass(frozen=True, slots=True)
class Street:
    """A way along which lots may lie; ``built_from_m`` and ``built_to_m`` bound them."""

    road: Road
    built_from_m: float
    built_to_m: float


@dataclass(frozen=True, slots=True)
class Lot:
    """A piece of ground on a street.

    Args:
        outline: The ground.
        kind: What is built on it.
        front: Two corners on the street, as complex metres (east + north i).
        back: The two corners opposite, in the same order.
    """

    outline: Polygon
    kind: LotKind
    front: tuple[complex, complex]
    back: tuple[complex, complex]

    @property
    def inward(self) -> complex:
        """Unit vector from the street into the lot."""
        vector = (self.back[0] + self.back[1] - self.front[0] - self.front[1]) / 2
        return vector / abs(vector)

    @property
    def along(self) -> complex:
        """Unit vector along the street."""
        vector = self.front[1] - self.front[0]
        return vector / abs(vector)


def polygon_of(points: Sequence[complex]) -> Polygon:
    """Return a polygon through complex points (east + north i), rounded to millimetres."""
    return Polygon([(round(point.real, 3), round(point.imag, 3)) for point in points])


def wiggly(start: complex, end: complex, rng: np.random.Generator, *, bend: float = 0.06) -> LineString:
    """Return a smooth crooked line; ``bend`` is its deviation as a share of its length."""
    length = abs(end - start)
    at = np.linspace(0, 1, max(4, round(length / 6)))
    aside = sum(rng.normal(0, bend / (wave + 1)) * length * np.sin(np.pi * at * wave) for wave in range(1, 4))
    normal = (end - start) / length * 1j
    points = start + (end - start) * at + normal * aside
    return LineString(np.column_stack([points.real, points.imag]))


def village_streets(
    bounds: Bounds, gates: Sequence[complex], centre: complex, core_m: float, rng: np.random.Generator
) -> list[Street]:
    """Lay out the streets of one village.

    Args:
        bounds: The ground of the village and its fields.
        gates: Points on the border where main roads come in: west, east, south, north.
        centre: The crossing in the old core.
        core_m: Radius of the old core.
        rng: Generator of this village.
    """
    reach = 0.40 * min(bounds.width_m, bounds.height_m)
    streets: list[Street] = []
    for gate, width_m in zip(gates, (6.8, 6.8, 5.8, 5.8), strict=True):
        centre_line = wiggly(centre, gate, rng, bend=0.05)
        streets.append(Street(Road(centre_line, width_m, "asphalt"), 6.0, centre_line.length))
    mains = list(streets)
    for main in mains:
        for distance in np.arange(rng.uniform(26, 40), core_m, rng.uniform(34, 48)):
            _branch(streets, main, float(distance), rng.uniform(45, 0.9 * core_m + 46), 4.2, rng, gap_m=17)
    for main in mains:
        side = rng.choice([-1, 1])
        for distance in np.arange(core_m + rng.uniform(10, 30), reach, rng.uniform(62, 84)):
            for turn in (side, -side):
                if rng.random() < 0.75:  # noqa: PLR2004 - not every junction is a crossing
                    _branch(
                        streets, main, float(distance), rng.uniform(90, 240), 5.0, rng, turn=turn, gap_m=34
                    )
    for twig in list(streets[len(mains) :]):
        if twig.road.centre.length > 100 and rng.random() < 0.7:  # noqa: PLR2004
            _branch(streets, twig, rng.uniform(0.4, 0.7) * twig.road.centre.length, 130, 5.0, rng, gap_m=34)
    return streets


def _branch(
    streets: list[Street],
    parent: Street,
    at_m: float,
    length_m: float,
    width_m: float,
    rng: np.random.Generator,
    *,
    turn: int = 0,
    gap_m: float,
) -> None:
    line = parent.road.centre
    if at_m > line.length - 10:
        return
    root, ahead = _at(line, at_m), _at(line, at_m + 5)
    turn = turn or int(rng.choice([-1, 1]))
    direction = (
        (ahead - root) / abs(ahead - root) * cmath.exp(1j * turn * (math.pi / 2 + rng.normal(0, 0.14)))
    )
    way = wiggly(root, root + direction * length_m, rng, bend=0.035)
    others = unary_union([street.road.centre for street in streets if street is not parent])
    blocked = others.buffer(gap_m).union(line.buffer(gap_m) - _disc(root, gap_m * 1.5))
    free = way.difference(blocked)
    pieces = [piece for piece in getattr(free, "geoms", [free]) if piece.length > 0]
    rooted = [piece for piece in pieces if piece.distance(shapely.Point(root.real, root.imag)) < 1]
    if not rooted or rooted[0].length < 42:  # noqa: PLR2004 - too short for a street
        return
    streets.append(Street(Road(rooted[0], width_m, "asphalt"), parent.road.width_m / 2 + 2, rooted[0].length))


def _disc(middle: complex, radius_m: float) -> BaseGeometry:
    return shapely.Point(middle.real, middle.imag).buffer(radius_m)


def _at(line: LineString, distance_m: float) -> complex:
    point = line.interpolate(min(max(distance_m, 0.0), line.length))
    return complex(point.x, point.y)


@dataclass(frozen=True, slots=True)
class Town:
    """What is built where.

    Args:
        centre: The middle of the old core.
        core_m: Its radius: row houses within, detached houses beyond.
        village_m: Radius within which the streets are built up.
        hall_share: Share of the lots outside the core that hold industry or trade.
    """

    centre: complex
    core_m: float
    village_m: float
    hall_share: float


class LotMaker:
    """Cuts lots along streets, none over another or over a road.

    Args:
        roads: Ground of all roads with their sides.
        inside: Ground that lots may lie in.
        town: What is built where.
    """

    def __init__(self, roads: BaseGeometry, inside: Polygon, town: Town) -> None:
        self._roads, self._inside, self._town = roads, inside, town
        self.lots: list[Lot] = []

    def along(self, street: Street, rng: np.random.Generator) -> None:
        """Add the lots of both sides of a street."""
        for side in (1, -1):
            position = street.built_from_m + rng.uniform(0, 2)
            while position < street.built_to_m - 4:
                position += self._next(street, side, position, rng)

    def _next(self, street: Street, side: int, position: float, rng: np.random.Generator) -> float:
        line = street.road.centre
        away = abs(_at(line, position) - self._town.centre)
        kind: LotKind = "row" if away < self._town.core_m * rng.uniform(0.8, 1.1) else "villa"
        if away > self._town.village_m:
            kind = "farm" if rng.random() < 0.07 else "empty"  # noqa: PLR2004
        elif kind == "villa" and rng.random() < self._town.hall_share:
            kind = "hall"
        if kind == "empty" or rng.random() < (0.05 if kind == "row" else 0.08):
            return float(rng.uniform(3, 9) if kind == "row" else rng.uniform(14, 40))
        width, depth = _size(kind, rng)
        width = min(width, street.built_to_m - position)
        for share in (1.0, 0.8, 0.62, 0.48):
            if self._try(street, side, position, width, depth * share, kind):
                return width
        return width * 0.5

    def _try(
        self, street: Street, side: int, position: float, width: float, depth: float, kind: LotKind
    ) -> bool:
        line = street.road.centre
        ends = (position, position + width)
        offset = street.road.width_m / 2 + _SIDE_M
        normals = [_normal(line, end) * side for end in ends]
        front = [_at(line, end) + normal * offset for end, normal in zip(ends, normals, strict=True)]
        back = [point + normal * depth for point, normal in zip(front, normals, strict=True)]
        outline = polygon_of([front[0], front[1], back[1], back[0]])
        if (
            not outline.is_valid
            or abs(back[1] - back[0]) < 0.5 * width
            or abs(back[1] - back[0]) > 1.7 * width
        ):
            return False
        if not self._inside.contains(outline):
            return False
        rivals = [self.lots[i].outline for i in self._hits(outline)] + [self._roads]
        shared = [outline.intersection(rival) for rival in rivals]
        taken = [part for part in shared if part.area > _SLIVER_M2]
        whole = outline.area
        cut = shapely.set_precision(outline.difference(unary_union(taken)), _GRID_M) if taken else outline
        parts = [part for part in getattr(cut, "geoms", [cut]) if part.area > 1]
        if len(parts) != 1 or parts[0].area < 0.93 * whole or parts[0].interiors:
            return False
        self.lots.append(Lot(parts[0], kind, (front[0], front[1]), (back[0], back[1])))
        return True

    def _hits(self, outline: Polygon) -> list[int]:
        if not self.lots:
            return []
        shapes = np.array([lot.outline for lot in self.lots], dtype=object)
        return [int(index) for index in np.nonzero(shapely.intersects(shapes, outline))[0]]


def _normal(line: LineString, at_m: float) -> complex:
    tangent = _at(line, at_m + 4) - _at(line, at_m - 4)
    return tangent / abs(tangent) * 1j


def _size(kind: LotKind, rng: np.random.Generator) -> tuple[float, float]:
    if kind == "row":
        return float(rng.uniform(5.2, 8.2)), float(rng.uniform(17, 32))
    if kind == "villa":
        return float(rng.uniform(15, 25)), float(rng.uniform(24, 40))
    if kind == "hall":
        return float(rng.uniform(55, 75)), float(rng.uniform(50, 70))
    return float(rng.uniform(45, 70)), float(rng.uniform(45, 70))
