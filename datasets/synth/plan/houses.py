"""Row houses and detached houses, on their lots."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon

from vigibati.datasets.synth.plan.gardens import Planting, fill_empty, furnish_garden
from vigibati.datasets.synth.plan.ground_plan import (
    Building,
    Car,
    Crop,
    Field,
    Material,
    Road,
    RoadSurface,
    Roof,
    Trap,
)
from vigibati.datasets.synth.plan.lots import Yard, chance, detail, rectangle, year_built
from vigibati.datasets.synth.plan.streets import polygon_of


def _pick_material(rng: np.random.Generator, style: float) -> Material:
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
    roof: Roof = "flat" if chance(rng, 0.04) else "gable"
    material: Material = "gravel" if roof == "flat" else _pick_material(rng, yard.style)
    height = rng.uniform(5.0, 7.5)
    yard.buildings.append(
        Building(outline, height, roof, material, True, "recorded", year_built(rng), None, detail(rng), ridge)
    )
    crop: Crop = "garden"
    yard.fields.append(Field(lot.outline, crop, detail(rng)))
    if chance(rng, 0.3):
        yard.traps.append(Trap(lot.outline.buffer(-0.2), "patio", detail(rng)))
    if chance(rng, 0.4):
        _annex(yard, sides, (lot.back[0], lot.back[1]), rng)
    furnish_garden(yard, rng, Planting(trees=1.1, pool=0.03, shed=0.22, hedge=0.15))


def _annex(
    yard: Yard, wall: Sequence[complex], back: tuple[complex, complex], rng: np.random.Generator
) -> None:
    near, far = rng.choice([0.0, 0.4]), rng.choice([0.6, 1.0])
    width = wall[1] - wall[0]
    inward = (back[0] - wall[0]) / abs(back[0] - wall[0])
    deep = rng.uniform(2.5, 5)
    first, second = wall[0] + width * near, wall[0] + width * far
    shape = polygon_of([first, second, second + inward * deep, first + inward * deep])
    outline = shape.intersection(yard.lot.outline).difference(yard.buildings[0].outline)
    if isinstance(outline, Polygon) and outline.area > 6:  # noqa: PLR2004 - m², smaller is no annex
        material: Material = "tile" if chance(rng, 0.6) else "concrete"
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
    if chance(rng, 0.5):  # a paved rim around the house
        rim = house.outline.buffer(rng.uniform(0.8, 2.2), join_style="mitre").intersection(lot.outline)
        if isinstance(rim, Polygon):
            yard.traps.append(Trap(rim, "patio", detail(rng)))
    if chance(rng, 0.7):  # a stone terrace behind most houses
        patio = affinity.translate(
            rectangle(rng.uniform(4, 9), rng.uniform(3, 5), cmath.phase(lot.along)),
            house.outline.centroid.x + lot.inward.real * 7,
            house.outline.centroid.y + lot.inward.imag * 7,
        ).intersection(lot.outline.buffer(-0.5))
        if isinstance(patio, Polygon) and not patio.is_empty:
            yard.traps.append(Trap(patio, "patio", detail(rng)))
    furnish_garden(yard, rng, Planting(trees=3.0, pool=0.34, shed=0.3, hedge=0.55))


def _villa(yard: Yard, rng: np.random.Generator) -> Building | None:
    lot = yard.lot
    angle = cmath.phase(lot.along) + (rng.normal(0, 0.03) if chance(rng, 0.8) else rng.uniform(-0.5, 0.5))
    ground = lot.outline.buffer(-0.6)
    width, deep = rng.uniform(10, 16), rng.uniform(7.8, 10.5)
    if chance(rng, 0.25):  # houses that turn their gable to the street
        width, deep = deep, width
    front = (lot.front[0] + lot.front[1]) / 2
    for shrink in (1.0, 0.9, 0.8, 0.7, 0.62):
        main = rectangle(width * shrink, deep * shrink, angle)
        wings: tuple[Polygon, ...] = ()
        if chance(rng, 0.36):  # L-shaped houses
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
    material: Material = _pick_material(rng, style)
    if roof == "flat":
        material = "gravel" if chance(rng, 0.6) else "concrete"
    height = rng.uniform(2.8, 3.6) if chance(rng, 0.6) else rng.uniform(5, 6.2)
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
            heading = cmath.phase(lot.inward) + rng.normal(0, 0.06) + (np.pi if chance(rng, 0.5) else 0)
            yard.cars.append(Car(spot.real, spot.imag, float(heading), detail(rng)))
