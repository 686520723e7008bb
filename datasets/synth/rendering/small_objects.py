"""Pools, parked cars, and what a careless eye takes for a building."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from vigibati.datasets.synth.plan.ground_plan import Car, Pool, Trap, TrapKind
from vigibati.datasets.synth.rendering.canvas import Canvas, Frame, Paint, Plane
from vigibati.datasets.synth.rendering.noise import broad, grain, mix, rgb, shade
from vigibati.datasets.synth.rendering.roads import surface_colour
from vigibati.datasets.synth.rendering.roofs import ridge_angle

_WATERS = (rgb(106, 176, 192), rgb(124, 190, 200), rgb(88, 152, 180), rgb(134, 196, 194), rgb(96, 150, 150))
_CAR_COLOURS = (
    rgb(214, 214, 212), rgb(196, 198, 200), rgb(150, 152, 156), rgb(70, 72, 76), rgb(52, 54, 60),
    rgb(140, 56, 52), rgb(66, 84, 120), rgb(206, 206, 204), rgb(112, 116, 120), rgb(168, 160, 146),
)  # fmt: skip
_BLUE_SHEETS = (
    rgb(86, 120, 158),
    rgb(92, 140, 120),
    rgb(196, 198, 196),
    rgb(110, 112, 108),
    rgb(150, 134, 104),
)


def paint_pool(canvas: Canvas, pool: Pool) -> None:
    """Lay one pool: stone surround, light coping, water darker where it is deep."""
    patch = canvas.frame.around(pool.outline.bounds, 3.0)
    if canvas.frame.common(patch) is None:
        return
    rng = np.random.default_rng([pool.detail, 211])
    surround = pool.outline.buffer(rng.uniform(0.7, 2.2), join_style="mitre")
    stone = surface_colour(patch, "paving", pool.detail) * rng.uniform(1.0, 1.14)
    canvas.lay(Paint(patch, stone, patch.coverage(surround)))
    coping = np.broadcast_to(rgb(206, 198, 184), (patch.height, patch.width, 3))
    canvas.lay(Paint(patch, coping, patch.coverage(pool.outline.buffer(0.3))))
    covered = rng.random() < 0.14  # noqa: PLR2004 - now and then the cover is drawn over the water
    water = _WATERS[int(rng.integers(len(_WATERS)))] if not covered else rgb(96, 128, 158)
    depth = 0.10 * broad(patch, 6, pool.detail) + 0.035 * grain(patch, "rough", pool.detail)
    inner = patch.coverage(pool.outline.buffer(-0.8))
    colour = shade(
        np.broadcast_to(water, (patch.height, patch.width, 3)), (depth - 0.10 * inner).astype(np.float32)
    )
    canvas.lay(Paint(patch, colour, patch.coverage(pool.outline)))


def paint_car(canvas: Canvas, car: Car) -> None:
    """Lay one car: body, roof, windscreens; its height casts the shadow."""
    rng = np.random.default_rng([car.detail, 223])
    length, width = rng.uniform(3.7, 4.7), rng.uniform(1.65, 1.85)
    reach = 3.0
    patch = canvas.frame.around((car.x_m - reach, car.y_m - reach, car.x_m + reach, car.y_m + reach))
    if canvas.frame.common(patch) is None:
        return
    east, north = patch.metres()
    dx, dy = east + patch.west - car.x_m, north + patch.north - car.y_m
    u = (dx * math.cos(car.heading) + dy * math.sin(car.heading)) / (length / 2)
    v = (-dx * math.sin(car.heading) + dy * math.cos(car.heading)) / (width / 2)
    round_box = np.abs(u) ** 5 + np.abs(v) ** 5
    alpha = np.clip((1.08 - round_box) * 5, 0, 1).astype(np.float32)
    body = _CAR_COLOURS[int(rng.integers(len(_CAR_COLOURS)))]
    colour = np.tile(body, (patch.height, patch.width, 1))
    glass = ((np.abs(u - 0.24) < 0.13) | (np.abs(u + 0.62) < 0.10)) & (np.abs(v) < 0.8)  # noqa: PLR2004
    colour[glass] = rgb(46, 52, 60)
    cabin = (np.abs(u + 0.18) < 0.36) & (np.abs(v) < 0.72)  # noqa: PLR2004
    colour[cabin & ~glass] *= 1.06
    height = np.where(np.abs(u + 0.18) < 0.5, 1.45, 0.9).astype(np.float32)  # noqa: PLR2004
    canvas.lay(Paint(patch, colour, alpha, height * (alpha > 0.5)))  # noqa: PLR2004


def _lines(patch: Frame, trap: Trap, period_m: float, width: float) -> Plane:
    angle = ridge_angle(trap.outline)
    east, north = patch.metres()
    along = east * math.cos(angle) + north * math.sin(angle)
    return (np.mod(along, period_m) < width).astype(np.float32)


def _greenhouse(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    film = rgb(196, 200, 198) * rng.uniform(0.85, 1.05)
    soil = surface_colour(patch, "earth", trap.detail) * 0.8
    through = np.clip(0.75 + 0.15 * broad(patch, 5, trap.detail), 0, 1)
    colour = mix(soil, np.broadcast_to(film, soil.shape), through)
    return shade(colour, 0.10 * _lines(patch, trap, 2.0, 0.3) + 0.03 * grain(patch, "fine", trap.detail)), 2.6


def _tarpaulin(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    sheet = _BLUE_SHEETS[int(rng.integers(len(_BLUE_SHEETS)))]
    folds = 0.12 * grain(patch, "clumps", trap.detail) + 0.05 * grain(patch, "rough", trap.detail)
    return shade(np.broadcast_to(sheet, (*folds.shape, 3)), folds), float(rng.uniform(0.2, 1.2))


def _trampoline(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    mat = patch.coverage(trap.outline.buffer(-0.45))
    rim = rgb(70, 110, 150) if rng.random() < 0.6 else rgb(96, 128, 84)  # noqa: PLR2004
    colour = mix(np.broadcast_to(rim, (*mat.shape, 3)), rgb(44, 46, 50), mat)
    return shade(colour, 0.06 * grain(patch, "fine", trap.detail)), 0.8


def _parking(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:  # noqa: ARG001
    colour = surface_colour(patch, "asphalt", trap.detail)
    lines = _lines(patch, trap, 2.5, 0.14) * patch.coverage(trap.outline.buffer(-0.3))
    return mix(colour, rgb(206, 204, 198), 0.55 * lines), 0.0


def _silage(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:  # noqa: ARG001
    tyres = np.clip(grain(patch, "rough", trap.detail) - 0.6, 0, 1) * 0.7
    black = shade(
        np.broadcast_to(rgb(84, 86, 88), (*tyres.shape, 3)), 0.15 * grain(patch, "clumps", trap.detail)
    )
    return mix(black, rgb(178, 178, 174), tyres), 1.8


def _pallets(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    wood = np.broadcast_to(rgb(168, 142, 108) * rng.uniform(0.8, 1.1), (patch.height, patch.width, 3))
    slats = 0.18 * _lines(patch, trap, 1.2, 0.25)
    return shade(wood, 0.12 * grain(patch, "rough", trap.detail) - slats), float(rng.uniform(0.5, 1.6))


def _patio(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    colour = surface_colour(patch, "paving", trap.detail) * np.float32(rng.uniform(0.92, 1.14))
    return shade(colour, -0.05 * _lines(patch, trap, 1.0, 0.2)), 0.0


def _solar_field(patch: Frame, trap: Trap, rng: np.random.Generator) -> tuple[Plane, float]:
    rows = _lines(patch, trap, 5.0, 3.0)
    ground = surface_colour(patch, "earth", trap.detail) * rgb(0.78, 0.86, 0.7)
    return mix(ground, rgb(56, 64, 84) * rng.uniform(0.9, 1.2), rows), 0.0


_TRAPS: dict[TrapKind, Callable[[Frame, Trap, np.random.Generator], tuple[Plane, float]]] = {
    "greenhouse": _greenhouse,
    "tarpaulin": _tarpaulin,
    "trampoline": _trampoline,
    "parking": _parking,
    "silage": _silage,
    "pallets": _pallets,
    "patio": _patio,
    "solar_field": _solar_field,
}


def paint_trap(canvas: Canvas, trap: Trap) -> None:
    """Lay one thing that is no building."""
    patch = canvas.frame.around(trap.outline.bounds, 1.0)
    if canvas.frame.common(patch) is None:
        return
    rng = np.random.default_rng([trap.detail, 227])
    colour, height_m = _TRAPS[trap.kind](patch, trap, rng)
    alpha = patch.coverage(trap.outline)
    height = np.full(alpha.shape, height_m, dtype=np.float32) if height_m else None
    canvas.lay(Paint(patch, np.asarray(colour, dtype=np.float32), alpha, height))
