"""What the records do not know, and what they know in vain."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import Polygon

from vigibati.datasets.synth.plan.gardens import shed_building
from vigibati.datasets.synth.plan.ground_plan import Building, DemolishedRecord, Material, Roof
from vigibati.datasets.synth.plan.lots import Yard, chance, detail, rectangle
from vigibati.datasets.synth.plan.streets import polygon_of


@dataclass(frozen=True, slots=True)
class Shares:
    """How many of the buildings become planted cases, as shares of their number."""

    undeclared_house: float = 0.06
    extension: float = 0.05
    shed: float = 0.05
    demolished: float = 0.02
    pool: float = 0.25  # of the pools


def plant(
    yards: list[Yard], rng: np.random.Generator, shares: Shares | None = None
) -> list[DemolishedRecord]:
    """Turn some buildings into undeclared ones and add extensions and sheds, in place.

    Args:
        yards: The filled lots.
        rng: Generator.
        shares: How many of each.

    Returns:
        Records of buildings that no longer stand.
    """
    shares = shares or Shares()
    total = sum(len(yard.buildings) for yard in yards)
    villas = [yard for yard in yards if yard.lot.kind == "villa" and yard.buildings]
    order = [villas[index] for index in rng.permutation(len(villas))]
    wanted = round(shares.undeclared_house * total)
    for yard in order[:wanted]:
        house = yard.buildings[0]
        yard.buildings[0] = replace(house, planted="undeclared_house", since=_recent(rng))
    _attach(order[wanted:], round(shares.extension * total), rng)
    _add_sheds(yards, round(shares.shed * total), rng)
    for yard in yards:
        yard.pools[:] = [
            replace(pool, planted="pool", since=_recent(rng)) if rng.random() < shares.pool else pool
            for pool in yard.pools
        ]
    return _demolished(yards, max(1, round(shares.demolished * total)), rng)


def _recent(rng: np.random.Generator) -> int:
    # Half of what is planted came after the older vintage of 2021.
    return int(rng.integers(2022, 2025) if chance(rng, 0.5) else rng.integers(2004, 2021))


def _attach(yards: list[Yard], wanted: int, rng: np.random.Generator) -> None:
    for yard in yards:
        if wanted <= 0:
            return
        extension = _extension(yard, rng)
        if extension is not None:
            yard.buildings.append(extension)
            yard.trees[:] = [
                tree for tree in yard.trees if not _stem_in(extension.outline, tree.x_m, tree.y_m)
            ]
            wanted -= 1


def _stem_in(outline: Polygon, x_m: float, y_m: float) -> bool:
    return bool(shapely.contains_xy(outline.buffer(0.5), x_m, y_m))


def _extension(yard: Yard, rng: np.random.Generator) -> Building | None:
    house = yard.buildings[0]
    corners = shapely.get_coordinates(house.outline.exterior)
    points = corners[:, 0] + 1j * corners[:, 1]
    others = [building.outline for building in yard.buildings[1:]] + [
        pool.outline.buffer(1) for pool in yard.pools
    ]
    room = yard.lot.outline.buffer(-0.3).difference(shapely.union_all(others).buffer(0.5))
    for index in rng.permutation(len(points) - 1):
        wall = points[index + 1] - points[index]
        length = abs(wall)
        if length < 4.2:  # noqa: PLR2004 - m, too short a wall to build against
            continue
        outward = wall / length * (-1j if house.outline.exterior.is_ccw else 1j)
        wide = rng.uniform(0.45, 1.0) * length
        deep = float(np.clip(rng.uniform(13, 48) / wide, 2.3, 6.0))
        if not 12 <= wide * deep <= 50:  # noqa: PLR2004 - m², the sizes that matter to planners
            continue
        first = points[index] + wall / length * rng.uniform(0, length - wide)
        second = first + wall / length * wide
        shape = polygon_of([first, second, second + outward * deep, first + outward * deep])
        outline = shape.difference(house.outline)
        if isinstance(outline, Polygon) and room.contains(outline):
            return _extension_building(outline, house, cmath.phase(wall), rng)
    return None


def _extension_building(
    outline: Polygon, house: Building, angle: float, rng: np.random.Generator
) -> Building:
    flat = chance(rng, 0.5)
    roof: Roof = "flat" if flat else "lean_to"
    material: Material = ("concrete" if chance(rng, 0.5) else "gravel") if flat else house.material
    if material == "gravel" and not flat:
        material = "metal"
    return Building(
        outline,
        rng.uniform(2.4, 3.0),
        roof,
        material,
        True,
        "extension",
        _recent(rng),
        None,
        detail(rng),
        angle,
    )


def _add_sheds(yards: list[Yard], wanted: int, rng: np.random.Generator) -> None:
    for index in rng.permutation(len(yards)):
        if wanted <= 0:
            return
        yard = yards[index]
        if yard.lot.kind in {"farm", "hall"} or not yard.buildings:
            continue
        shed = shed_building(yard, rng)
        if shed is not None:
            yard.buildings.append(replace(shed, planted="shed", since=_recent(rng)))
            yard.trees[:] = [tree for tree in yard.trees if not _stem_in(shed.outline, tree.x_m, tree.y_m)]
            wanted -= 1


def _demolished(yards: list[Yard], wanted: int, rng: np.random.Generator) -> list[DemolishedRecord]:
    records: list[DemolishedRecord] = []
    for index in rng.permutation(len(yards)):
        yard = yards[index]
        if len(records) >= wanted:
            break
        if yard.lot.kind not in {"villa", "empty", "farm"}:
            continue
        angle = cmath.phase(yard.lot.along) + rng.normal(0, 0.05)
        shape = rectangle(rng.uniform(6, 12), rng.uniform(5, 9), angle)
        spot = yard.place(affinity.rotate(shape, 0), rng, gap_m=2.0, border_m=0.8)
        if spot is not None:
            records.append(DemolishedRecord(spot))
            reach = math.sqrt(spot.area)
            yard.trees[:] = [
                tree
                for tree in yard.trees
                if math.hypot(tree.x_m - spot.centroid.x, tree.y_m - spot.centroid.y) > reach
            ]
    return records
