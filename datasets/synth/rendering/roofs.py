"""Roofs: their relief, their cover, and what stands on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from shapely.geometry import Polygon

from vigibati.datasets.synth.plan.ground_plan import Building, Material
from vigibati.datasets.synth.rendering.canvas import Frame, Paint, Plane
from vigibati.datasets.synth.rendering.noise import mix, rgb, shade
from vigibati.datasets.synth.rendering.rooftops import add_rooftop

# Rise per metre: canal and Roman tiles lie at about 30-35 %, slate far steeper.
_PITCH: dict[Material, float] = {"tile": 0.36, "slate": 0.75, "metal": 0.16, "gravel": 0.0, "concrete": 0.0}

_COLOURS: dict[Material, tuple[Plane, ...]] = {
    "tile": (
        rgb(178, 128, 100), rgb(190, 146, 118), rgb(168, 116, 92), rgb(196, 158, 132),
        rgb(158, 112, 90), rgb(184, 136, 112), rgb(150, 122, 104), rgb(174, 108, 82),
    ),
    "slate": (rgb(92, 96, 104), rgb(104, 106, 112), rgb(82, 84, 92), rgb(112, 104, 100), rgb(98, 84, 78)),
    "metal": (
        rgb(176, 180, 182), rgb(196, 198, 198), rgb(150, 156, 160), rgb(136, 124, 116), rgb(120, 132, 128),
    ),
    "gravel": (rgb(166, 162, 156), rgb(150, 146, 142), rgb(184, 180, 172), rgb(128, 126, 124)),
    "concrete": (rgb(170, 166, 160), rgb(188, 184, 178), rgb(146, 144, 142), rgb(112, 112, 112)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Axes:
    """Coordinates along the ridge (u) and across it (v), in metres from the middle."""

    along: NDArray[np.float64]
    across: NDArray[np.float64]
    half_along: float
    half_across: float
    angle: float


def ridge_angle(outline: Polygon) -> float:
    """Return the direction of the longer side of the smallest rectangle, in radians."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(outline))
    sides = np.diff(corners[:3], axis=0)
    east, north = sides[np.argmax(np.hypot(*sides.T))]
    return float(np.arctan2(north, east))


def _axes(frame: Frame, outline: Polygon, angle: float) -> _Axes:
    east, north = frame.metres()
    cos, sin = np.cos(angle), np.sin(angle)
    corners = shapely.get_coordinates(outline) - (frame.west, frame.north)
    us, vs = corners @ (cos, sin), corners @ (-sin, cos)
    mid_u, mid_v = (us.min() + us.max()) / 2, (vs.min() + vs.max()) / 2
    return _Axes(
        along=east * cos + north * sin - mid_u,
        across=-east * sin + north * cos - mid_v,
        half_along=float(np.ptp(us) / 2),
        half_across=float(np.ptp(vs) / 2),
        angle=angle,
    )


@dataclass(frozen=True, slots=True)
class _Relief:
    rise: NDArray[np.float64]
    slope_east: NDArray[np.float64]
    slope_north: NDArray[np.float64]
    ridge: NDArray[np.bool_]


def _gable(axes: _Axes, pitch: float) -> _Relief:
    rise = pitch * (axes.half_across - np.abs(axes.across))
    fall = -pitch * np.sign(axes.across)
    return _Relief(rise, -fall * np.sin(axes.angle), fall * np.cos(axes.angle), np.abs(axes.across) < 0.16)  # noqa: PLR2004


def _lean_to(axes: _Axes, pitch: float, rng: np.random.Generator) -> _Relief:
    side = rng.choice([-1.0, 1.0])
    rise = pitch * (axes.half_across + side * axes.across)
    flat = np.ones_like(rise)
    return _Relief(
        rise, -side * pitch * np.sin(axes.angle) * flat, side * pitch * np.cos(axes.angle) * flat, rise < -1
    )


def _sides(frame: Frame, outline: Polygon) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for ring in (outline.exterior, *outline.interiors):
        corners = shapely.get_coordinates(ring) - (frame.west, frame.north)
        yield from pairwise(corners)


def _hip(frame: Frame, outline: Polygon, pitch: float) -> _Relief:
    # The roof rises from every eave alike: height is the distance to the nearest side of
    # the outline, which gives straight hips and valleys for any polygon.
    east, north = frame.metres()
    shape = (frame.height, frame.width)
    best, second = np.full(shape, np.inf), np.full(shape, np.inf)
    away_east, away_north = np.zeros(shape), np.zeros(shape)
    for (x0, y0), (x1, y1) in _sides(frame, outline):
        length2 = (x1 - x0) ** 2 + (y1 - y0) ** 2
        if length2 < 0.04:  # noqa: PLR2004 - sides under 0.2 m carry no slope
            continue
        part = np.clip(((east - x0) * (x1 - x0) + (north - y0) * (y1 - y0)) / length2, 0, 1)
        dx, dy = east - (x0 + part * (x1 - x0)), north - (y0 + part * (y1 - y0))
        distance = np.hypot(dx, dy)
        nearer = distance < best
        second = np.where(nearer, best, np.minimum(second, distance))
        away_east[nearer] = (dx / np.maximum(distance, 1e-6))[nearer]
        away_north[nearer] = (dy / np.maximum(distance, 1e-6))[nearer]
        best = np.minimum(best, distance)
    return _Relief(pitch * best, pitch * away_east, pitch * away_north, (second - best < 0.28) & (best > 0.5))  # noqa: PLR2004


def _higher(first: _Relief, second: _Relief) -> _Relief:
    take = second.rise > first.rise
    return _Relief(
        np.where(take, second.rise, first.rise),
        np.where(take, second.slope_east, first.slope_east),
        np.where(take, second.slope_north, first.slope_north),
        np.where(take, second.ridge, first.ridge),
    )


def _relief(frame: Frame, building: Building, axes: _Axes, rng: np.random.Generator) -> _Relief:
    pitch = _PITCH[building.material] * rng.uniform(0.85, 1.15)
    if building.roof == "flat" or pitch == 0:
        zero = np.zeros((frame.height, frame.width))
        return _Relief(zero, zero, zero, zero > 1)
    if building.roof == "lean_to":
        return _lean_to(axes, min(pitch, 0.25), rng)
    if building.roof == "hip":
        return _hip(frame, building.outline, pitch)
    if not building.wings:
        return _gable(axes, pitch)
    relief: _Relief | None = None
    for wing in building.wings:
        wing_axes = _axes(frame, wing, ridge_angle(wing))
        one = _gable(wing_axes, pitch)
        inside = (np.abs(wing_axes.across) < wing_axes.half_across + 0.3) & (
            np.abs(wing_axes.along) < wing_axes.half_along + 0.3
        )
        one = _Relief(np.where(inside, one.rise, -1.0), one.slope_east, one.slope_north, one.ridge & inside)
        relief = one if relief is None else _higher(relief, one)
    return relief if relief is not None else _gable(axes, pitch)


def _cover(building: Building, axes: _Axes, relief: _Relief, style: float, rng: np.random.Generator) -> Plane:
    choices = _COLOURS[building.material]
    base = choices[int(rng.integers(len(choices)))] * rng.uniform(0.88, 1.08)
    if building.material == "tile" and rng.random() < style * 0.6:
        base = mix(base, rgb(118, 88, 78), np.float32(rng.uniform(0.4, 0.9)).reshape(1, 1))[0, 0]
    if not building.durable:
        base = mix(base, rgb(150, 142, 130), np.float32(rng.uniform(0.2, 0.6)).reshape(1, 1))[0, 0]
    shape = axes.across.shape
    columns = np.floor((axes.along + axes.half_along + 2) / 0.31).astype(int)
    courses = np.floor((axes.across + axes.half_across + 2) / 0.36).astype(int)
    columns, courses = columns - columns.min(), courses - courses.min()
    streak = rng.normal(0, 0.035, columns.max() + 1)[columns]
    single = rng.normal(0, 1, (columns.max() + 1, courses.max() + 1))[columns, courses]
    stain = gaussian_filter(rng.normal(0, 1, shape), 4) * 4
    worn = gaussian_filter(rng.normal(0, 1, shape), 11) * 14
    if building.material in {"gravel", "concrete"}:
        amount = 0.05 * rng.normal(0, 1, shape) + 0.05 * stain + 0.07 * worn
    elif building.material == "metal":
        ribs = 0.05 * (np.cos(2 * np.pi * axes.along / 1.0) > 0.6)  # noqa: PLR2004
        amount = ribs + 0.02 * rng.normal(0, 1, shape) + 0.03 * stain + 0.05 * worn + 0.4 * streak
    else:
        strength = rng.uniform(0.04, 0.09)
        amount = streak + strength * single + 0.05 * stain + 0.06 * worn
    colour = shade(np.broadcast_to(base, (*shape, 3)), amount.astype(np.float32))
    if building.material == "tile":
        # Lichen and soot on old roofs, new orange tiles on young ones.
        grey = np.clip(0.18 + 0.25 * worn + 0.2 * stain, 0, 0.7) * rng.uniform(0.2, 1.0)
        colour = mix(colour, rgb(140, 130, 112), grey)
    return shade(colour, 0.10 * relief.ridge.astype(np.float32) * rng.uniform(0.2, 1.6))


def roof_paint(building: Building, frame: Frame, *, style: float) -> Paint:
    """Return one roof, ready to be laid on a canvas.

    Args:
        building: The building; its ``detail`` decides every random choice.
        frame: Any frame of the picture; the patch lies on the same grid.
        style: Share of dark northern roofs, 0-1.
    """
    patch = frame.around(building.outline.bounds, 2 * frame.gsd_m)
    rng = np.random.default_rng([building.detail, 101])
    angle = building.ridge_rad if building.ridge_rad is not None else ridge_angle(building.outline)
    axes = _axes(patch, building.outline, angle)
    relief = _relief(patch, building, axes, rng)
    colour = np.array(_cover(building, axes, relief, style, rng), dtype=np.float32)
    alpha = patch.coverage(building.outline)
    paint = Paint(
        frame=patch,
        colour=colour,
        alpha=alpha,
        height=(building.height_m + relief.rise).astype(np.float32),
        slope_east=np.array(relief.slope_east, dtype=np.float32),
        slope_north=np.array(relief.slope_north, dtype=np.float32),
    )
    add_rooftop(paint, building, along=axes.along, across=axes.across, rng=rng)
    return paint
