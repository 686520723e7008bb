"""A ground plan around given outlines, such as those of a real cadastral sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry

from vigibati.configs.errors import RecordsError
from vigibati.datasets.synth.plan.commune import number_parcels
from vigibati.datasets.synth.plan.countryside import cut_fields, grow, polygons_of
from vigibati.datasets.synth.plan.ground_plan import (
    Bounds,
    Building,
    Car,
    Field,
    GroundPlan,
    Material,
    Pool,
    Roof,
    Sheet,
    Trap,
    Tree,
    Zone,
)
from vigibati.datasets.synth.plan.lots import chance, detail, year_built
from vigibati.datasets.synth.plan.trees import hedge_row, tree_at

_MARGIN_M = 40.0  # open ground around what was given
_ROAD_GAP_M = 16.0  # ground between parcels, up to this wide, is a road
_RECTANGULAR = 0.86  # share of its smallest rectangle from which an outline gets one ridge
_LANE_M = 8.0  # unbuilt parcels narrower than this on average are private ways
_OPEN_M2 = 2500.0  # unbuilt parcels from this size on are farmed


def plan_from_polygons(
    *,
    buildings: Sequence[Polygon],
    durable: Sequence[bool],
    pools: Sequence[Polygon] = (),
    parcels: Sequence[Polygon] = (),
    seed: int,
) -> GroundPlan:
    """Make up everything around given buildings, pools and parcels.

    Roads run where narrow ground lies between parcels; unbuilt parcels are farmed, built
    ones are gardens. All buildings and pools count as recorded.

    Args:
        buildings: Outlines in metres of EPSG:2154.
        durable: One flag per building: False for light constructions.
        pools: Outlines of the water.
        parcels: Outlines of the parcels.
        seed: Decides every choice.

    Raises:
        RecordsError: There is no building, or the flags do not fit them.
    """
    if not buildings or len(buildings) != len(durable):
        cause = f"{len(buildings)} outlines and {len(durable)} flags were given"
        raise RecordsError("buildings", cause, "give at least one outline and one flag for each")
    rng = np.random.default_rng([seed, 5])
    bounds = _bounds([*buildings, *pools, *parcels])
    houses = tuple(_building(outline, flag, rng) for outline, flag in zip(buildings, durable, strict=True))
    taken = shapely.union_all([*buildings, *pools])
    covered = shapely.union_all([shapely.make_valid(parcel) for parcel in parcels] or [taken.buffer(15)])
    closed = covered.buffer(_ROAD_GAP_M / 2, join_style="mitre").buffer(-_ROAD_GAP_M / 2, join_style="mitre")
    roads = closed.difference(covered).difference(taken.buffer(0.5))
    fields, trees, traps = _furnish(parcels, buildings, taken, rng)
    around = bounds.polygon().difference(covered).difference(roads)
    outside, wild = grow(cut_fields(around, rng, near=covered), rng, near=covered)
    streets = [Field(part, "asphalt", detail(rng)) for part in polygons_of(roads) if part.area > 8]  # noqa: PLR2004
    sheet = Sheet("A", bounds.polygon())
    return GroundPlan(
        bounds=bounds,
        seed=seed,
        buildings=houses,
        pools=tuple(Pool(outline, "recorded", 2000, detail(rng)) for outline in pools),
        trees=_standing_clear(wild + trees, taken, roads),
        fields=tuple(outside + fields + streets),
        traps=tuple(traps),
        cars=_cars(buildings, roads, taken, rng),
        parcels=number_parcels(list(parcels), (sheet,)),
        sheets=(sheet,),
        zones=(Zone(bounds.polygon(), "U", "U"),),
    )


def _bounds(shapes: Sequence[Polygon]) -> Bounds:
    left, bottom, right, top = shapely.total_bounds(list(shapes))
    # Whole metres, so that pixels of any usual size fit.
    return Bounds(
        math.floor(left - _MARGIN_M),
        math.floor(bottom - _MARGIN_M),
        math.ceil(right + _MARGIN_M),
        math.ceil(top + _MARGIN_M),
    )


def _building(outline: Polygon, durable: bool, rng: np.random.Generator) -> Building:  # noqa: FBT001
    area = outline.area
    regular = area / max(shapely.minimum_rotated_rectangle(outline).area, 1e-6) > _RECTANGULAR
    roof: Roof = "gable" if regular else "hip"
    material: Material = "slate" if chance(rng, 0.05) else "tile"
    height = float(rng.uniform(3.0, 6.5))
    if not durable or area < 22:  # noqa: PLR2004 - m²: garages, lean-tos and sheds are low
        roof = "lean_to" if regular and chance(rng, 0.6) else "flat"
        material = "metal" if not durable else ("tile" if roof == "lean_to" else "concrete")
        height = float(rng.uniform(2.2, 3.0))
    elif area > 700:  # noqa: PLR2004 - m²: halls
        material, height = "metal", float(rng.uniform(5, 8))
    elif chance(rng, 0.07):
        roof, material = "flat", "gravel"
    return Building(outline, height, roof, material, durable, "recorded", year_built(rng), None, detail(rng))


def _furnish(
    parcels: Sequence[Polygon], buildings: Sequence[Polygon], taken: BaseGeometry, rng: np.random.Generator
) -> tuple[list[Field], list[Tree], list[Trap]]:
    fields: list[Field] = []
    trees: list[Tree] = []
    traps: list[Trap] = []
    tree = STRtree(list(buildings))
    built_up = taken.buffer(10)
    for parcel in parcels:
        inside = [buildings[i] for i in tree.query(parcel, predicate="intersects")]
        inside = [outline for outline in inside if outline.intersection(parcel).area > 4]  # noqa: PLR2004
        if not inside and 2 * parcel.area / parcel.length < _LANE_M:
            fields.append(Field(parcel, "asphalt", detail(rng)))
            continue
        if not inside and parcel.area > _OPEN_M2:
            crops, grown = grow(cut_fields(parcel, rng, near=built_up), rng, near=built_up)
            fields += crops
            trees += grown
            continue
        fields.append(Field(parcel, "garden", detail(rng)))
        trees += _garden_trees(parcel, rng)
        for outline in inside:
            yard = outline.buffer(rng.uniform(1.0, 4.0), join_style="mitre").intersection(parcel.buffer(-0.3))
            if outline.area > 40 and chance(rng, 0.6):  # noqa: PLR2004 - m², houses rather than sheds
                traps += [Trap(part, "patio", detail(rng)) for part in polygons_of(yard)]
    return fields, trees, traps


def _garden_trees(parcel: Polygon, rng: np.random.Generator) -> list[Tree]:
    count = int(rng.poisson(min(parcel.area / 130, 25)))
    left, bottom, right, top = parcel.bounds
    points = rng.uniform((left, bottom), (right, top), (2 * count, 2))
    points = points[shapely.contains_xy(parcel.buffer(-0.8), points)][:count]
    trees = [tree_at(float(x), float(y), rng) for x, y in points]
    corners = shapely.get_coordinates(parcel.exterior)
    for (x0, y0), (x1, y1) in pairwise(corners):
        if math.hypot(x1 - x0, y1 - y0) > 12 and chance(rng, 0.22):  # noqa: PLR2004
            trees += hedge_row(complex(x0, y0), complex(x1, y1), rng)
    return trees


def _standing_clear(trees: list[Tree], taken: BaseGeometry, roads: BaseGeometry) -> tuple[Tree, ...]:
    blocked = shapely.union_all([taken.buffer(0.7), roads])
    shapely.prepare(blocked)
    return tuple(tree for tree in trees if not shapely.contains_xy(blocked, tree.x_m, tree.y_m))


def _cars(
    buildings: Sequence[Polygon], roads: BaseGeometry, taken: BaseGeometry, rng: np.random.Generator
) -> tuple[Car, ...]:
    cars: list[Car] = []
    for outline in buildings:
        if outline.area < 50 or chance(rng, 0.5):  # noqa: PLR2004
            continue
        angle, away = rng.uniform(0, 2 * math.pi), math.sqrt(outline.area) / 2 + rng.uniform(3, 6)
        x, y = outline.centroid.x + away * math.cos(angle), outline.centroid.y + away * math.sin(angle)
        ground = box(x - 2.5, y - 2.5, x + 2.5, y + 2.5)
        if not ground.intersects(taken) and not ground.intersects(roads.boundary):
            cars.append(Car(x, y, float(angle + rng.normal(0, 0.1)), detail(rng)))
    return tuple(cars)
