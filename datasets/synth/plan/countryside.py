"""What lies around the village: fields, woods, hedges, lone trees, tracks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import split

from vigibati.datasets.synth.plan.ground_plan import Crop, Field, Tree
from vigibati.datasets.synth.plan.lots import chance, detail
from vigibati.datasets.synth.plan.trees import hedge_row, tree_at

_CROP_SHARES: dict[Crop, float] = {
    "meadow": 0.27, "wheat": 0.13, "stubble": 0.13, "vineyard": 0.15, "maize": 0.07,
    "rapeseed": 0.05, "bare": 0.09, "wood": 0.09, "orchard": 0.02,
}  # fmt: skip


def polygons_of(geometry: BaseGeometry) -> list[Polygon]:
    """Return the polygons that a geometry is made of; lines and points are dropped."""
    parts = getattr(geometry, "geoms", [geometry])
    return [part for part in parts if isinstance(part, Polygon) and not part.is_empty]


def cut_fields(ground: BaseGeometry, rng: np.random.Generator, *, near: BaseGeometry) -> list[Polygon]:
    """Cut open ground into field-sized pieces, small ones near the village.

    Args:
        ground: What neither lots nor roads cover.
        rng: Generator.
        near: The built-up ground.
    """
    pieces: list[Polygon] = []
    for part in polygons_of(ground):
        pieces.extend(_cut(part, rng, near, depth=0))
    return [piece for piece in pieces if piece.area > 120]  # noqa: PLR2004 - m², less is a verge


def _cut(piece: Polygon, rng: np.random.Generator, near: BaseGeometry, depth: int) -> Iterator[Polygon]:
    limit = 4200 if piece.distance(near) < 12 else rng.uniform(9000, 26000)  # noqa: PLR2004
    box = shapely.minimum_rotated_rectangle(piece)
    if depth > 12 or (piece.area < limit and piece.area > 0.45 * box.area):  # noqa: PLR2004
        yield piece
        return
    corners = shapely.get_coordinates(box)
    if len(corners) < 4:  # noqa: PLR2004 - a sliver without width
        return
    sides = np.diff(corners[:3], axis=0)
    side = sides[np.argmax(np.hypot(*sides.T))]
    angle = math.atan2(side[1], side[0]) + math.pi / 2 + rng.normal(0, 0.16)
    middle = np.array(box.centroid.coords[0]) + side * rng.uniform(-0.16, 0.16)
    reach = 4 * math.sqrt(box.area) + 2 * float(np.hypot(*side))
    line = _crooked(reach, rng)
    line = affinity.translate(affinity.rotate(line, math.degrees(angle), origin=(0, 0)), *middle)
    halves = [half for half in polygons_of(split(piece, line)) if half.area > 1]
    if len(halves) < 2:  # noqa: PLR2004
        yield piece
        return
    for half in halves:
        yield from _cut(half, rng, near, depth + 1)


def _crooked(reach_m: float, rng: np.random.Generator) -> LineString:
    # Old boundaries follow the ground: a few metres of slow bends, or none.
    at = np.linspace(-reach_m, reach_m, max(8, int(reach_m / 5)))
    depth = rng.choice([0.0, 2.0, 6.0, 14.0])
    bend = depth * np.sin(at / rng.uniform(30, 90) + rng.uniform(0, 6)) + depth * 0.4 * np.sin(at / 23)
    return LineString(np.column_stack([at, bend]))


def grow(
    pieces: list[Polygon], rng: np.random.Generator, *, near: BaseGeometry
) -> tuple[list[Field], list[Tree]]:
    """Choose what grows on each field, and plant its trees and hedges."""
    fields: list[Field] = []
    trees: list[Tree] = []
    crops, shares = list(_CROP_SHARES), np.array(list(_CROP_SHARES.values()))
    for piece in pieces:
        close = piece.distance(near) < 12  # noqa: PLR2004
        if piece.area < 900 or (close and piece.area < 6000 and chance(rng, 0.6)):  # noqa: PLR2004
            crop: Crop = "meadow" if chance(rng, 0.7) else "orchard"
        else:
            crop = crops[int(rng.choice(len(crops), p=shares / shares.sum()))]
        if crop == "wood" and close and chance(rng, 0.6):
            crop = "meadow"
        fields.append(Field(piece, crop, detail(rng)))
        trees.extend(_trees_of(piece, crop, rng))
        trees.extend(_edge_hedges(piece, rng, share=0.16))
    return fields, trees


def _trees_of(piece: Polygon, crop: Crop, rng: np.random.Generator) -> list[Tree]:
    if crop == "wood":
        return _wood(piece, rng)
    if crop == "orchard":
        return _orchard(piece, rng)
    count = rng.poisson(piece.area / 5200 if crop == "meadow" else piece.area / 40000)
    return [tree_at(x, y, rng) for x, y in _points_in(piece, int(count), rng)]


def _points_in(piece: Polygon, count: int, rng: np.random.Generator) -> np.ndarray:
    if count == 0:
        return np.empty((0, 2))
    left, bottom, right, top = piece.bounds
    share = max(piece.area / max((right - left) * (top - bottom), 1e-9), 0.02)
    points = rng.uniform((left, bottom), (right, top), (int(count / share) + 4, 2))
    return points[shapely.contains_xy(piece, points)][:count]


def _wood(piece: Polygon, rng: np.random.Generator) -> list[Tree]:
    trees = []
    conifers = chance(rng, 0.25)
    for x, y in _points_in(piece, int(piece.area / 9.5), rng):
        radius = float(np.clip(rng.normal(2.1 if conifers else 2.9, 0.7), 1.2, 5.0))
        kind = (2 if conifers else int(rng.integers(0, 8))) * 7 + int(rng.integers(7))
        trees.append(Tree(float(x), float(y), radius, float(rng.uniform(6.5, 11.5)), kind))
    return trees


def _orchard(piece: Polygon, rng: np.random.Generator) -> list[Tree]:
    left, bottom, right, top = piece.bounds
    step, angle, kind = rng.uniform(4.5, 7), rng.uniform(0, math.pi), detail(rng) // 7 * 7
    reach = math.hypot(right - left, top - bottom) / 2
    steps = np.arange(-reach, reach, step)
    u, v = (axis.ravel() for axis in np.meshgrid(steps, steps))
    x = (left + right) / 2 + u * math.cos(angle) - v * math.sin(angle) + rng.normal(0, 0.2, u.size)
    y = (bottom + top) / 2 + u * math.sin(angle) + v * math.cos(angle) + rng.normal(0, 0.2, u.size)
    keep = shapely.contains_xy(piece.buffer(-1.5), x, y) & (rng.random(u.size) < 0.92)  # noqa: PLR2004
    radii = rng.uniform(1.1, 2.0, u.size)
    return [
        Tree(float(a), float(b), float(r), float(r * 1.6 + 0.6), kind + int(rng.integers(7)))
        for a, b, r in zip(x[keep], y[keep], radii[keep], strict=True)
    ]


def _edge_hedges(piece: Polygon, rng: np.random.Generator, *, share: float) -> list[Tree]:
    trees: list[Tree] = []
    corners = shapely.get_coordinates(piece.exterior)
    for (x0, y0), (x1, y1) in pairwise(corners):
        length = math.hypot(x1 - x0, y1 - y0)
        if length < 25 or rng.random() > share:  # noqa: PLR2004
            continue
        start, end = complex(x0, y0), complex(x1, y1)
        if chance(rng, 0.5):
            trees.extend(hedge_row(start, end, rng))
            continue
        for at in np.arange(0, length, rng.uniform(3.5, 7)):
            if chance(rng, 0.8):
                point = start + (end - start) * at / length
                trees.append(tree_at(point.real + rng.normal(0, 0.7), point.imag + rng.normal(0, 0.7), rng))
    return trees


def multi(polygons: list[Polygon]) -> BaseGeometry:
    """Return the union of polygons; an empty geometry for none."""
    return shapely.union_all(polygons) if polygons else MultiPolygon()
