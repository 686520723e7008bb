"""What grows and stands in a garden: trees, hedges, pools, sheds, odds and ends."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import Polygon

from vigibati.datasets.synth.plan.ground_plan import (
    Building,
    Crop,
    Field,
    Material,
    Pool,
    Roof,
    Trap,
    TrapKind,
    Tree,
)
from vigibati.datasets.synth.plan.lots import Yard, chance, detail, rectangle, year_built
from vigibati.datasets.synth.plan.trees import hedge_row, tree_at


@dataclass(frozen=True, slots=True)
class Planting:
    """What a garden may hold: mean number of trees, and chances of the rest."""

    trees: float
    pool: float
    shed: float
    hedge: float


def furnish_garden(yard: Yard, rng: np.random.Generator, planting: Planting) -> None:
    """Fill the free ground of a lot with a pool, a shed, beds, bushes, trees, hedges."""
    angle = cmath.phase(yard.lot.along) + rng.normal(0, 0.06)
    if chance(rng, planting.pool):
        spot = yard.place(_pool_shape(rng, angle), rng, gap_m=2.5, border_m=1.8, rear=True)
        if spot is not None:
            yard.pools.append(Pool(spot, "recorded", int(rng.integers(1985, 2020)), detail(rng)))
    if chance(rng, planting.shed):
        built = shed_building(yard, rng)
        if built is not None:
            yard.buildings.append(built)
    _add_oddments(yard, angle, rng)
    _add_bushes(yard, int(rng.poisson(2.2 * planting.trees)), rng)
    add_trees(yard, int(rng.poisson(planting.trees)), rng)
    for first, second in ((yard.lot.front[0], yard.lot.back[0]), (yard.lot.back[0], yard.lot.back[1])):
        if chance(rng, planting.hedge):
            yard.trees.extend(hedge_row(first, second, rng, start=0.22))


def _add_oddments(yard: Yard, angle: float, rng: np.random.Generator) -> None:
    if chance(rng, 0.09):
        add_trap(yard, "trampoline", shapely.Point(0, 0).buffer(rng.uniform(1.4, 2.1)), rng)
    if chance(rng, 0.06):
        add_trap(yard, "tarpaulin", rectangle(rng.uniform(2, 5), rng.uniform(1.5, 4), angle + 0.2), rng)
    if chance(rng, 0.04):
        add_trap(yard, "greenhouse", rectangle(rng.uniform(4, 8), rng.uniform(2.5, 3.5), angle), rng)
    if chance(rng, 0.25):
        kitchen = rectangle(rng.uniform(3, 8), rng.uniform(2.5, 5), angle)
        bed = yard.place(kitchen, rng, gap_m=1.0, border_m=0.8, rear=True)
        if bed is not None:
            yard.fields.append(Field(bed, "bare", detail(rng)))


def add_trees(yard: Yard, count: int, rng: np.random.Generator) -> None:
    """Plant single trees; their crowns may reach over roofs."""
    for x, y in yard.points(count, rng, gap_m=1.2, border_m=1.0):
        yard.trees.append(tree_at(x, y, rng))


def _add_bushes(yard: Yard, count: int, rng: np.random.Generator) -> None:
    for x, y in yard.points(count, rng, gap_m=0.6, border_m=0.6):
        radius = float(rng.uniform(0.35, 1.0))
        yard.trees.append(Tree(x, y, radius, radius * 1.4, detail(rng)))


def _pool_shape(rng: np.random.Generator, angle: float) -> Polygon:
    """Return the water of a pool around the origin."""
    length, width = rng.uniform(6, 10.5), rng.uniform(3.2, 5)
    if chance(rng, 0.2):  # above-ground or freely shaped pools
        round_ = shapely.Point(0, 0).buffer(1.0, quad_segs=6)
        return affinity.rotate(
            affinity.scale(round_, length / 2.4, width / 2), math.degrees(angle), origin=(0, 0)
        )
    return rectangle(length, width, angle + rng.choice([0.0, math.pi / 2]))


def shed_building(yard: Yard, rng: np.random.Generator) -> Building | None:
    """Return a garden shed on a free spot of the lot, or None when there is no room."""
    angle = cmath.phase(yard.lot.along) + rng.normal(0, 0.08)
    shape = rectangle(rng.uniform(2.4, 5.0), rng.uniform(2.2, 3.8), angle)
    spot = yard.place(shape, rng, gap_m=1.0, border_m=0.5, rear=True)
    if spot is None:
        return None
    roof: Roof = str(rng.choice(["gable", "lean_to", "flat"], p=[0.45, 0.35, 0.2]))  # type: ignore[assignment]
    material: Material = str(rng.choice(["tile", "metal", "concrete", "slate"], p=[0.35, 0.35, 0.2, 0.1]))  # type: ignore[assignment]
    durable = bool(chance(rng, 0.35))
    return Building(
        spot, rng.uniform(2.1, 2.7), roof, material, durable, "recorded", year_built(rng), None, detail(rng)
    )


def add_trap(yard: Yard, kind: TrapKind, shape: Polygon, rng: np.random.Generator) -> None:
    """Lay a shape (around the origin) on a free spot of the lot, if there is one."""
    spot = yard.place(shape, rng, gap_m=1.0, border_m=0.5)
    if spot is not None:
        yard.traps.append(Trap(spot, kind, detail(rng)))


def fill_empty(yard: Yard, rng: np.random.Generator) -> None:
    """Leave a lot unbuilt: a kitchen garden, an orchard, a building plot."""
    crop: Crop = str(rng.choice(["garden", "meadow", "bare", "orchard"], p=[0.4, 0.35, 0.1, 0.15]))  # type: ignore[assignment]
    yard.fields.append(Field(yard.lot.outline, crop, detail(rng)))
    add_trees(yard, int(rng.poisson(3)), rng)
