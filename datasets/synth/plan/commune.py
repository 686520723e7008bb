"""A made-up commune: village, hamlets, fields, all of it known."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from vigibati.configs.errors import SettingsError
from vigibati.datasets.synth.plan.countryside import cut_fields, grow, multi, polygons_of
from vigibati.datasets.synth.plan.farms_and_works import fill_works
from vigibati.datasets.synth.plan.gardens import fill_empty
from vigibati.datasets.synth.plan.ground_plan import (
    Bounds,
    Field,
    GroundPlan,
    Parcel,
    Road,
    Sheet,
    Trap,
    Tree,
    Zone,
    ZoneKind,
)
from vigibati.datasets.synth.plan.houses import fill_row, fill_villa
from vigibati.datasets.synth.plan.lots import Yard, chance, detail
from vigibati.datasets.synth.plan.planted_changes import plant
from vigibati.datasets.synth.plan.streets import LotMaker, Street, Town, village_streets, wiggly

_CELL_M = 1000.0  # one village per square kilometre
_SECTIONS = ("A", "B", "AC", "AD", "ZA", "ZB")
_SOLAR_FIELD_M2 = (4_000.0, 15_000.0)
_SMALL_M = 600.0
_SMALLEST_KM, _LARGEST_KM = 0.2, 20.0
_WEST, _SOUTH = 790_000.0, 6_280_000.0  # near the Mediterranean coast in Lambert-93


def plan_commune(*, seed: int, size_km: float, origin: tuple[float, float] | None = None) -> GroundPlan:
    """Make up a commune.

    Args:
        seed: Decides everything; equal seeds give equal plans.
        size_km: Side of the square that it covers.
        origin: South-western corner in metres of EPSG:2154; from the seed when None.

    Raises:
        SettingsError: The size is out of range.
    """
    if not _SMALLEST_KM <= size_km <= _LARGEST_KM:
        raise SettingsError(
            "size_km", f"is {size_km:g}", f"choose between {_SMALLEST_KM:g} and {_LARGEST_KM:g} kilometres"
        )
    rng = np.random.default_rng([seed, 1])
    west, south = origin or (
        _WEST + 100.0 * int(rng.integers(0, 60)),
        _SOUTH + 100.0 * int(rng.integers(0, 60)),
    )
    side = round(size_km * 1000, 1)
    bounds = Bounds(west, south, west + side, south + side)
    count = max(1, round(side / _CELL_M))
    parts = [_Village(seed, bounds, count, column, row) for row in range(count) for column in range(count)]
    return _assembled(bounds, seed, parts, rng)


class _Village:
    """One cell of the commune, filled."""

    def __init__(self, seed: int, whole: Bounds, count: int, column: int, row: int) -> None:
        rng = np.random.default_rng([seed, 2, column, row])
        step = whole.width_m / count
        west, south = whole.minx + column * step, whole.miny + row * step
        self.bounds = Bounds(west, south, west + step, south + step)
        # A small plan is any piece of a town: all old core, or none, with works or without.
        small = step < _SMALL_M
        self.core_m = rng.uniform(0.04, 0.36) * step if small else rng.uniform(0.085, 0.13) * step
        hall_share = rng.uniform(0.0, 0.07) if small else 0.005
        centre = complex(west + step * rng.uniform(0.42, 0.58), south + step * rng.uniform(0.42, 0.58))
        self.centre = centre
        gates = [
            complex(west, south + step * _gate(seed, 0, column, row)),
            complex(west + step, south + step * _gate(seed, 0, column + 1, row)),
            complex(west + step * _gate(seed, 1, column, row), south),
            complex(west + step * _gate(seed, 1, column, row + 1), south + step),
        ]
        self.streets = village_streets(self.bounds, gates, centre, self.core_m, rng)
        self.tracks = _tracks(self.bounds, self.streets, rng)
        ground = self.bounds.polygon()
        roads = shapely.union_all(
            [s.road.centre.buffer(s.road.width_m / 2 + 1.6) for s in self.streets]
            + [track.centre.buffer(track.width_m / 2 + 0.6) for track in self.tracks]
        )
        reach = rng.uniform(0.36, 0.46) * max(step, 420)
        town = Town(centre, self.core_m, reach, hall_share)
        maker = LotMaker(roads, ground.buffer(-0.5), town)
        for street in self.streets:
            maker.along(street, rng)
        self.yards = [Yard(lot, rng.uniform(0, 0.2)) for lot in maker.lots]
        self._fill(rng)
        self.demolished = plant(self.yards, rng)
        self.built: BaseGeometry = multi([yard.lot.outline for yard in self.yards])
        open_ground = ground.difference(self.built.buffer(0.01)).difference(roads)
        self.pieces = cut_fields(open_ground.buffer(-0.2), rng, near=self.built)
        fields, trees = grow(self.pieces, rng, near=self.built)
        self.fields: list[Field] = fields + [field for yard in self.yards for field in yard.fields]
        self.traps = _solar_field(fields, rng)
        standing = [building.outline for yard in self.yards for building in yard.buildings]
        self.trees = _clear(trees, roads, standing) + [tree for yard in self.yards for tree in yard.trees]

    def _fill(self, rng: np.random.Generator) -> None:
        fillers = {
            "row": fill_row,
            "villa": fill_villa,
            "farm": fill_works,
            "hall": fill_works,
            "empty": fill_empty,
        }
        for yard in self.yards:
            fillers[yard.lot.kind](yard, rng)


def _gate(seed: int, axis: int, column: int, row: int) -> float:
    # Both neighbours of a border ask for the same gate, so that roads meet.
    return float(np.random.default_rng([seed, 3, axis, column, row]).uniform(0.35, 0.65))


def _tracks(bounds: Bounds, streets: list[Street], rng: np.random.Generator) -> list[Road]:
    tracks: list[Road] = []
    ground = bounds.polygon()
    taken = shapely.union_all([street.road.centre.buffer(street.road.width_m / 2) for street in streets])
    for _ in range(max(2, round(bounds.width_m / 180))):
        line = streets[int(rng.integers(len(streets)))].road.centre
        point = line.interpolate(rng.uniform(0.55, 1.0), normalized=True)
        start = complex(point.x, point.y)
        end = start + np.exp(1j * rng.uniform(0, 2 * math.pi)) * rng.uniform(140, 420)
        way = wiggly(start, end, rng, bend=0.05).intersection(ground).difference(taken)
        longest = max(getattr(way, "geoms", [way]), key=lambda part: float(part.length))
        beside = longest.intersection(taken.buffer(14)).length
        if longest.length > 60 and beside < 45:  # noqa: PLR2004 - neither a stump nor along a street
            tracks.append(
                Road(longest, float(rng.uniform(2.4, 3.4)), "earth" if chance(rng, 0.6) else "gravel")
            )
            taken = taken.union(longest.buffer(6))
    return tracks


def _solar_field(fields: list[Field], rng: np.random.Generator) -> list[Trap]:
    smallest, largest = _SOLAR_FIELD_M2
    fit = [field for field in fields if field.crop in {"meadow", "stubble"}]
    fit = [field for field in fit if smallest < field.outline.area < largest]
    if not fit or chance(rng, 0.6):
        return []
    chosen = fit[int(rng.integers(len(fit)))]
    return [Trap(part, "solar_field", detail(rng)) for part in polygons_of(chosen.outline.buffer(-5))]


def _clear(trees: list[Tree], roads: BaseGeometry, standing: list[Polygon]) -> list[Tree]:
    if not trees:
        return trees
    x, y = np.array([tree.x_m for tree in trees]), np.array([tree.y_m for tree in trees])
    blocked = multi([*standing, *polygons_of(roads)])
    shapely.prepare(blocked)
    return [tree for tree, hit in zip(trees, shapely.contains_xy(blocked, x, y), strict=True) if not hit]


def _assembled(bounds: Bounds, seed: int, parts: list[_Village], rng: np.random.Generator) -> GroundPlan:
    yards = [yard for part in parts for yard in part.yards]
    sheets = _sheets(bounds, rng)
    pieces = [piece for part in parts for piece in part.pieces]
    return GroundPlan(
        bounds=bounds,
        seed=seed,
        buildings=tuple(building for yard in yards for building in yard.buildings),
        pools=tuple(pool for yard in yards for pool in yard.pools),
        trees=tuple(tree for part in parts for tree in part.trees),
        roads=tuple(
            [street.road for part in parts for street in part.streets]
            + [track for part in parts for track in part.tracks]
            + [road for yard in yards for road in yard.roads]
        ),
        fields=tuple(field for part in parts for field in part.fields),
        traps=tuple(
            [trap for yard in yards for trap in yard.traps] + [trap for part in parts for trap in part.traps]
        ),
        cars=tuple(car for yard in yards for car in yard.cars),
        parcels=number_parcels([yard.lot.outline for yard in yards] + pieces, sheets),
        sheets=sheets,
        zones=_zones(bounds, parts),
        demolished=tuple(record for part in parts for record in part.demolished),
    )


def number_parcels(outlines: list[Polygon], sheets: tuple[Sheet, ...]) -> tuple[Parcel, ...]:
    """Give each parcel the section of the sheet that holds its middle, and a number in it."""
    counters = {sheet.section: 0 for sheet in sheets}
    parcels = []
    for outline in outlines:
        middle = outline.representative_point()
        section = min(sheets, key=lambda sheet: float(sheet.outline.distance(middle))).section
        counters[section] += 1
        parcels.append(Parcel(outline, section, counters[section]))
    return tuple(parcels)


def _sheets(bounds: Bounds, rng: np.random.Generator) -> tuple[Sheet, ...]:
    x = bounds.minx + bounds.width_m * rng.uniform(0.44, 0.56)
    left, right = (bounds.miny + bounds.height_m * share for share in rng.uniform(0.42, 0.58, 2))
    quarters = (
        (bounds.minx, left, x, bounds.maxy),
        (x, right, bounds.maxx, bounds.maxy),
        (bounds.minx, bounds.miny, x, left),
        (x, bounds.miny, bounds.maxx, right),
    )
    return tuple(
        Sheet(section, shapely.box(*quarter)) for section, quarter in zip(_SECTIONS, quarters, strict=False)
    )


def _zones(bounds: Bounds, parts: list[_Village]) -> tuple[Zone, ...]:
    rest: BaseGeometry = bounds.polygon()
    zones: list[Zone] = []

    def take(shape: BaseGeometry, kind: ZoneKind, label: str) -> None:
        nonlocal rest
        zones.extend(
            Zone(part, kind, label) for part in polygons_of(rest.intersection(shape)) if part.area > 1
        )
        rest = rest.difference(shape)

    cores = [
        Point(part.centre.real, part.centre.imag).buffer(part.core_m * 1.15, quad_segs=4) for part in parts
    ]
    built = shapely.union_all([part.built for part in parts]).buffer(22).buffer(-14).simplify(4)
    take(shapely.union_all(cores), "U", "Ua")
    # What lies beyond the outermost tenth of the village was built in the farmland, zoned A.
    villages = [
        Point(p.centre.real, p.centre.imag).buffer(0.33 * p.bounds.width_m, quad_segs=5) for p in parts
    ]
    take(built.intersection(shapely.union_all(villages)), "U", "Ub")
    wedges = [
        shapely.box(
            p.centre.real,
            p.centre.imag,
            p.centre.real + 0.3 * p.bounds.width_m,
            p.centre.imag + 0.3 * p.bounds.width_m,
        )
        for p in parts
    ]
    take(shapely.union_all(wedges), "AUc", "1AUc")
    woods = [field.outline for part in parts for field in part.fields if field.crop == "wood"]
    if woods:
        take(shapely.union_all(woods).buffer(6), "N", "N")
    take(rest, "A", "A")
    return tuple(zones)
