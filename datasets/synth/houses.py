"""What is built and planted on one lot."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from vigibati.datasets.synth.plan import (
    Building,
    Car,
    Crop,
    Field,
    Material,
    Pool,
    Road,
    RoadSurface,
    Roof,
    Trap,
    TrapKind,
    Tree,
)
from vigibati.datasets.synth.streets import Lot, polygon_of


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
        for _ in range(24):
            x, y = rng.uniform(left, right), rng.uniform(bottom, top)
            deep = ((x - middle.x) * self.lot.inward.real + (y - middle.y) * self.lot.inward.imag) > 0
            if rear and not deep:
                continue
            moved = affinity.translate(shape, x, y)
            if room.contains(moved):
                return moved
        return None


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


def pick_material(rng: np.random.Generator, style: float) -> Material:
    """Return the cover of a pitched roof."""
    return "slate" if rng.random() < style * 0.75 else "tile"


def fill_row(yard: Yard, rng: np.random.Generator) -> None:
    """Build one house of a terrace: full width, front wall on the street, yard behind."""
    lot = yard.lot
    depth = abs(lot.back[0] - lot.front[0])
    share = min(0.72, rng.uniform(8.5, 13.5) / depth)
    sides = [front + (back - front) * share for front, back in zip(lot.front, lot.back, strict=True)]
    outline = polygon_of([lot.front[0], lot.front[1], sides[1], sides[0]]).intersection(lot.outline)
    if not isinstance(outline, Polygon) or outline.area < 28:  # noqa: PLR2004 - too small for a house
        fill_empty(yard, rng)
        return
    ridge = cmath.phase(lot.along)
    roof: Roof = "flat" if rng.random() < 0.04 else "gable"  # noqa: PLR2004
    material: Material = "gravel" if roof == "flat" else pick_material(rng, yard.style)
    height = rng.uniform(5.0, 7.5)
    yard.buildings.append(
        Building(outline, height, roof, material, True, "recorded", year_built(rng), None, detail(rng), ridge)
    )
    crop: Crop = "garden"
    yard.fields.append(Field(lot.outline, crop, detail(rng)))
    if rng.random() < 0.3:  # noqa: PLR2004
        yard.traps.append(Trap(lot.outline.buffer(-0.2), "patio", detail(rng)))
    if rng.random() < 0.4:  # noqa: PLR2004
        _annex(yard, sides, (lot.back[0], lot.back[1]), rng)
    _garden(yard, rng, trees=1.1, pool=0.03, shed=0.22, hedge=0.15)


def _annex(
    yard: Yard, wall: Sequence[complex], back: tuple[complex, complex], rng: np.random.Generator
) -> None:
    near, far = rng.choice([0.0, 0.4]), rng.choice([0.6, 1.0])
    width = wall[1] - wall[0]
    inward = (back[0] - wall[0]) / abs(back[0] - wall[0])
    deep = rng.uniform(2.5, 5)
    first, second = wall[0] + width * near, wall[0] + width * far
    outline = polygon_of([first, second, second + inward * deep, first + inward * deep])
    outline = outline.intersection(yard.lot.outline).difference(yard.buildings[0].outline)
    if isinstance(outline, Polygon) and outline.area > 6:  # noqa: PLR2004 - m², smaller is no annex
        material: Material = "tile" if rng.random() < 0.6 else "concrete"  # noqa: PLR2004
        roof: Roof = "lean_to" if material == "tile" else "flat"
        yard.buildings.append(
            Building(outline, rng.uniform(2.5, 3.2), roof, material, True, "recorded", year_built(rng), None,
                     detail(rng), cmath.phase(width))
        )  # fmt: skip


def fill_villa(yard: Yard, rng: np.random.Generator) -> None:
    """Build a detached house with its garden."""
    lot = yard.lot
    yard.fields.append(Field(lot.outline, "garden", detail(rng)))
    house = _villa(yard, rng)
    if house is None:
        fill_empty(yard, rng)
        return
    yard.buildings.append(house)
    _drive(yard, house, rng)
    if rng.random() < 0.5:  # noqa: PLR2004 - a paved rim around the house
        rim = house.outline.buffer(rng.uniform(0.8, 2.2), join_style="mitre").intersection(lot.outline)
        if isinstance(rim, Polygon):
            yard.traps.append(Trap(rim, "patio", detail(rng)))
    if rng.random() < 0.7:  # noqa: PLR2004 - a stone terrace behind most houses
        patio = affinity.translate(
            rectangle(rng.uniform(4, 9), rng.uniform(3, 5), cmath.phase(lot.along)),
            house.outline.centroid.x + lot.inward.real * 7,
            house.outline.centroid.y + lot.inward.imag * 7,
        ).intersection(lot.outline.buffer(-0.5))
        if isinstance(patio, Polygon) and not patio.is_empty:
            yard.traps.append(Trap(patio, "patio", detail(rng)))
    _garden(yard, rng, trees=3.0, pool=0.34, shed=0.3, hedge=0.55)


def _villa(yard: Yard, rng: np.random.Generator) -> Building | None:
    lot = yard.lot
    angle = cmath.phase(lot.along) + (rng.normal(0, 0.03) if rng.random() < 0.8 else rng.uniform(-0.5, 0.5))  # noqa: PLR2004
    ground = lot.outline.buffer(-0.6)
    width, deep = rng.uniform(10, 16), rng.uniform(7.8, 10.5)
    if rng.random() < 0.25:  # noqa: PLR2004 - houses that turn their gable to the street
        width, deep = deep, width
    front = (lot.front[0] + lot.front[1]) / 2
    for shrink in (1.0, 0.9, 0.8, 0.7, 0.62):
        main = rectangle(width * shrink, deep * shrink, angle)
        wings: tuple[Polygon, ...] = ()
        if rng.random() < 0.36:  # noqa: PLR2004 - L-shaped houses
            wing_deep = deep * shrink * rng.uniform(1.3, 1.7)
            aside = cmath.exp(1j * angle) * width * shrink * 0.5 * rng.choice([-1, 1])
            wing_wide = width * shrink * rng.uniform(0.35, 0.5)
            aside -= (
                cmath.exp(1j * angle)
                * wing_wide
                / 2
                * (1 if (aside / cmath.exp(1j * angle)).real > 0 else -1)
            )
            push = cmath.exp(1j * angle) * 1j * (wing_deep - deep * shrink) / 2 * rng.choice([-1, 1])
            wing = affinity.translate(
                rectangle(wing_wide, wing_deep, angle), (aside + push).real, (aside + push).imag
            )
            wings = (main, wing)
        shape = shapely.union_all([main, *wings]) if wings else main
        setback = rng.uniform(4, 9) + deep * shrink / 2
        middle = front + lot.inward * setback + lot.along * rng.normal(0, 2)
        outline = affinity.translate(shape, middle.real, middle.imag)
        if isinstance(outline, Polygon) and ground.contains(outline):
            moved = tuple(affinity.translate(wing, middle.real, middle.imag) for wing in wings)
            return _house(outline, moved, yard.style, rng)
    return None


def _house(outline: Polygon, wings: tuple[Polygon, ...], style: float, rng: np.random.Generator) -> Building:
    roof: Roof = str(rng.choice(["gable", "hip", "flat"], p=[0.62, 0.29, 0.09]))  # type: ignore[assignment]
    material: Material = pick_material(rng, style)
    if roof == "flat":
        material = "gravel" if rng.random() < 0.6 else "concrete"  # noqa: PLR2004
    height = rng.uniform(2.8, 3.6) if rng.random() < 0.6 else rng.uniform(5, 6.2)  # noqa: PLR2004
    return Building(
        outline, height, roof, material, True, "recorded", year_built(rng), None, detail(rng), None, wings
    )


def _drive(yard: Yard, house: Building, rng: np.random.Generator) -> None:
    lot = yard.lot
    share = rng.choice([0.18, 0.82])
    gate = lot.front[0] + (lot.front[1] - lot.front[0]) * share
    reach = rng.uniform(7, 13)
    end = gate + lot.inward * reach
    surface: RoadSurface = str(rng.choice(["gravel", "paving", "asphalt", "earth"], p=[0.5, 0.25, 0.1, 0.15]))  # type: ignore[assignment]
    start = gate - lot.inward * 2.0
    yard.roads.append(
        Road(LineString([(start.real, start.imag), (end.real, end.imag)]), rng.uniform(2.8, 4.0), surface)
    )
    for _ in range(int(rng.choice([0, 1, 1, 2]))):
        spot = gate + lot.inward * rng.uniform(2.4, max(2.5, reach - 1.5)) + lot.along * rng.normal(0, 0.4)
        where = shapely.Point(spot.real, spot.imag)
        crowded = any(math.hypot(car.x_m - spot.real, car.y_m - spot.imag) < 4.6 for car in yard.cars)  # noqa: PLR2004
        if house.outline.distance(where) > 2.4 and not crowded:  # noqa: PLR2004
            heading = cmath.phase(lot.inward) + rng.normal(0, 0.06) + (np.pi if rng.random() < 0.5 else 0)  # noqa: PLR2004
            yard.cars.append(Car(spot.real, spot.imag, float(heading), detail(rng)))


def _garden(
    yard: Yard, rng: np.random.Generator, *, trees: float, pool: float, shed: float, hedge: float
) -> None:
    angle = cmath.phase(yard.lot.along) + rng.normal(0, 0.06)
    if rng.random() < pool:
        spot = yard.place(pool_shape(rng, angle), rng, gap_m=2.5, border_m=1.8, rear=True)
        if spot is not None:
            yard.pools.append(Pool(spot, "recorded", int(rng.integers(1985, 2020)), detail(rng)))
    if rng.random() < shed:
        built = shed_building(yard, rng)
        if built is not None:
            yard.buildings.append(built)
    if rng.random() < 0.09:  # noqa: PLR2004
        _add_trap(yard, "trampoline", shapely.Point(0, 0).buffer(rng.uniform(1.4, 2.1)), rng)
    if rng.random() < 0.06:  # noqa: PLR2004
        _add_trap(yard, "tarpaulin", rectangle(rng.uniform(2, 5), rng.uniform(1.5, 4), angle + 0.2), rng)
    if rng.random() < 0.04:  # noqa: PLR2004
        _add_trap(yard, "greenhouse", rectangle(rng.uniform(4, 8), rng.uniform(2.5, 3.5), angle), rng)
    if rng.random() < 0.25:  # noqa: PLR2004 - a kitchen garden
        bed = yard.place(rectangle(rng.uniform(3, 8), rng.uniform(2.5, 5), angle), rng, gap_m=1.0, border_m=0.8, rear=True)
        if bed is not None:
            yard.fields.append(Field(bed, "bare", detail(rng)))
    _add_bushes(yard, int(rng.poisson(2.2 * trees)), rng)
    add_trees(yard, int(rng.poisson(trees)), rng)
    for first, second in ((yard.lot.front[0], yard.lot.back[0]), (yard.lot.back[0], yard.lot.back[1])):
        if rng.random() < hedge:
            yard.trees.extend(hedge_row(first, second, rng, start=0.22))


def add_trees(yard: Yard, count: int, rng: np.random.Generator) -> None:
    """Plant single trees; their crowns may reach over roofs."""
    for _ in range(count):
        spot = yard.place(shapely.Point(0, 0).buffer(0.4), rng, gap_m=0.8, border_m=0.6)
        if spot is not None:
            yard.trees.append(tree_at(spot.centroid.x, spot.centroid.y, rng))


def _add_bushes(yard: Yard, count: int, rng: np.random.Generator) -> None:
    for _ in range(count):
        spot = yard.place(shapely.Point(0, 0).buffer(0.3), rng, gap_m=0.3, border_m=0.3)
        if spot is not None:
            radius = float(rng.uniform(0.35, 1.0))
            yard.trees.append(Tree(spot.centroid.x, spot.centroid.y, radius, radius * 1.4, detail(rng)))


def tree_at(x_m: float, y_m: float, rng: np.random.Generator) -> Tree:
    """Return a garden or field tree of random size."""
    radius = float(np.clip(rng.gamma(4.0, 0.55), 0.7, 5.5))
    return Tree(x_m, y_m, radius, float(min(14, radius * rng.uniform(1.3, 2.1) + 0.8)), detail(rng))


def hedge_row(first: complex, second: complex, rng: np.random.Generator, *, start: float = 0.0) -> list[Tree]:
    """Return a trimmed hedge from one point to another as a row of small crowns."""
    length = abs(second - first)
    radius, height, kind = rng.uniform(0.55, 0.95), rng.uniform(1.2, 2.3), detail(rng)
    row = []
    for at in np.arange(start * length, length, radius * 1.15):
        point = first + (second - first) * at / length
        jitter = rng.normal(0, 0.08, 2)
        row.append(
            Tree(
                point.real + jitter[0],
                point.imag + jitter[1],
                radius,
                height,
                kind // 7 * 7 + int(rng.integers(7)),
            )
        )
    return row


def pool_shape(rng: np.random.Generator, angle: float) -> Polygon:
    """Return the water of a pool around the origin."""
    length, width = rng.uniform(6, 10.5), rng.uniform(3.2, 5)
    if rng.random() < 0.2:  # noqa: PLR2004 - above-ground or freely shaped pools
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
    durable = bool(rng.random() < 0.35)  # noqa: PLR2004
    return Building(
        spot, rng.uniform(2.1, 2.7), roof, material, durable, "recorded", year_built(rng), None, detail(rng)
    )


def _add_trap(yard: Yard, kind: TrapKind, shape: Polygon, rng: np.random.Generator) -> None:
    spot = yard.place(shape, rng, gap_m=1.0, border_m=0.5)
    if spot is not None:
        yard.traps.append(Trap(spot, kind, detail(rng)))


def fill_empty(yard: Yard, rng: np.random.Generator) -> None:
    """Leave a lot unbuilt: a kitchen garden, an orchard, a building plot."""
    crop: Crop = str(rng.choice(["garden", "meadow", "bare", "orchard"], p=[0.4, 0.35, 0.1, 0.15]))  # type: ignore[assignment]
    yard.fields.append(Field(yard.lot.outline, crop, detail(rng)))
    add_trees(yard, int(rng.poisson(3)), rng)


def fill_works(yard: Yard, rng: np.random.Generator) -> None:
    """Build a farm or an industrial site: large roofs around a yard, stores and sheets."""
    lot = yard.lot
    angle = cmath.phase(lot.along) + rng.normal(0, 0.1)
    hall = lot.kind == "hall"
    yard.fields.append(Field(lot.outline, "meadow", detail(rng)))
    kind: TrapKind = "parking" if hall else "patio"
    yard.traps.append(Trap(lot.outline.buffer(-2.5), kind, detail(rng)))
    for size in ((34, 24), (16, 12)) if hall else ((24, 12), (18, 10), (13, 9), (9, 6)):
        scale = rng.uniform(0.8, 1.2)
        shape = rectangle(size[0] * scale, size[1] * scale, angle + rng.choice([0, math.pi / 2]))
        spot = yard.place(shape, rng, gap_m=2.5, border_m=2.0)
        if spot is None:
            continue
        metal = hall or rng.random() < 0.45  # noqa: PLR2004
        roof: Roof = "flat" if hall and rng.random() < 0.5 else "gable"  # noqa: PLR2004
        material: Material = "metal" if metal else "tile"
        if roof == "flat":
            material = str(rng.choice(["gravel", "metal", "concrete"]))  # type: ignore[assignment]
        yard.buildings.append(
            Building(
                spot,
                rng.uniform(4, 7.5),
                roof,
                material,
                True,
                "recorded",
                year_built(rng),
                None,
                detail(rng),
            )
        )
    traps: tuple[TrapKind, ...] = (
        ("pallets", "tarpaulin") if hall else ("silage", "tarpaulin", "greenhouse", "pallets")
    )
    for trap in traps:
        _add_trap(yard, trap, rectangle(rng.uniform(3, 9), rng.uniform(2.5, 6), angle), rng)
    for _ in range(9 if hall else 3):
        spot = yard.place(rectangle(4.6, 2.2, angle), rng, gap_m=0.5, border_m=3)
        if spot is not None:
            yard.cars.append(Car(spot.centroid.x, spot.centroid.y, float(angle), detail(rng)))
    add_trees(yard, 3, rng)
