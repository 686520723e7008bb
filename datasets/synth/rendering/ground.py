"""What covers the ground: meadows, crops, gardens, roads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from vigibati.datasets.synth.plan.ground_plan import Crop, Field
from vigibati.datasets.synth.rendering.acquisition import Look
from vigibati.datasets.synth.rendering.canvas import Canvas, Frame, Paint, Plane
from vigibati.datasets.synth.rendering.noise import broad, grain, mix, rgb, shade
from vigibati.datasets.synth.rendering.roads import surface_colour


@dataclass(frozen=True, slots=True)
class _Cover:
    colour: Plane
    height: Plane | None = None


_GREEN, _STRAW = rgb(103, 116, 76), rgb(158, 148, 112)
_SOIL, _CLAY = rgb(152, 135, 107), rgb(176, 161, 132)


def _rows(frame: Frame, *, angle: float, period_m: float, wobble_m: Plane | float = 0.0) -> Plane:
    east, north = frame.metres()
    across = (east * np.cos(angle) + north * np.sin(angle)) + wobble_m
    return np.asarray(np.cos(2 * np.pi * across / period_m), dtype=np.float32)


def _grass(frame: Frame, dryness: float, salt: int, *, tufts: float = 1.0) -> Plane:
    patchy = 0.28 * broad(frame, 31, salt) + 0.22 * grain(frame, "clouds", salt) * tufts
    dry = dryness + patchy + 0.10 * grain(frame, "clumps", salt + 1) * tufts
    colour = mix(_GREEN, _STRAW, dry.astype(np.float32))
    texture = 0.045 * grain(frame, "fine", salt + 2) + 0.06 * tufts * grain(frame, "rough", salt + 3)
    return shade(colour, texture - 0.03 * broad(frame, 7, salt + 4))


def _meadow(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:
    colour = _grass(frame, look.dryness + rng.normal(0, 0.18), salt, tufts=rng.uniform(0.7, 1.3))
    if rng.random() < 0.5:  # noqa: PLR2004 - half of the meadows show the swaths of the mower
        swath = _rows(frame, angle=rng.uniform(0, np.pi), period_m=rng.uniform(2.4, 6))
        colour = shade(colour, 0.03 * swath)
    return _Cover(colour)


def _garden(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:
    lawn = _grass(frame, look.dryness * 0.8 + rng.normal(0.0, 0.22), salt, tufts=0.7)
    bare = grain(frame, "clumps", salt + 9) + 0.8 * broad(frame, 9, salt + 8) - rng.uniform(1.6, 3.2)
    return _Cover(mix(lawn, _CLAY, np.clip(bare * 1.5, 0, 0.8).astype(np.float32)))


def _cereal(low: Plane, high: Plane) -> Callable[[Frame, Look, np.random.Generator, int], _Cover]:
    def cover(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:  # noqa: ARG001
        angle = rng.uniform(0, np.pi)
        weight = rng.uniform(0.2, 0.8) + 0.25 * broad(frame, 23, salt) + 0.18 * grain(frame, "clouds", salt)
        drill = _rows(
            frame, angle=angle, period_m=rng.uniform(0.9, 1.4), wobble_m=0.1 * broad(frame, 15, salt + 1)
        )
        pass_ = _rows(
            frame, angle=angle, period_m=rng.choice([18.0, 24.0, 12.0]), wobble_m=0.3 * broad(frame, 40, salt)
        )
        wheels = np.abs(pass_ - 0.96) < 0.025  # noqa: PLR2004 - two ruts beside the middle of each pass
        texture = (
            0.022 * drill + 0.04 * grain(frame, "fine", salt + 2) + 0.035 * grain(frame, "rough", salt + 3)
        )
        colour = shade(mix(low, high, weight.astype(np.float32)), texture - 0.09 * wheels)
        return _Cover(colour)

    return cover


def _maize(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:  # noqa: ARG001
    angle = rng.uniform(0, np.pi)
    rows = _rows(frame, angle=angle, period_m=0.8, wobble_m=0.08 * broad(frame, 11, salt))
    weight = 0.45 + 0.2 * broad(frame, 27, salt) + 0.2 * grain(frame, "clouds", salt)
    texture = 0.05 * rows + 0.08 * grain(frame, "fine", salt + 2) + 0.06 * grain(frame, "rough", salt + 3)
    return _Cover(shade(mix(rgb(70, 92, 58), rgb(108, 122, 76), weight.astype(np.float32)), texture))


def _vineyard(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:
    angle = rng.uniform(0, np.pi)
    rows = _rows(frame, angle=angle, period_m=rng.uniform(2.0, 2.6), wobble_m=0.10 * broad(frame, 9, salt))
    leaf = np.clip((rows - 0.25 + 0.30 * grain(frame, "rough", salt + 1)) * 2.2, 0, 1).astype(np.float32)
    leaf *= grain(frame, "clumps", salt + 5) > -2.1  # noqa: PLR2004 - missing vines
    soil = mix(_SOIL, _CLAY, (0.5 + 0.3 * broad(frame, 19, salt)).astype(np.float32))
    if rng.random() < 0.35:  # noqa: PLR2004 - about a third of the vineyards keep grass between the rows
        soil = mix(soil, _grass(frame, look.dryness, salt + 6), np.full(leaf.shape, 0.8, dtype=np.float32))
    green = mix(
        rgb(78, 98, 58), rgb(112, 122, 74), (0.4 + 0.25 * grain(frame, "clouds", salt)).astype(np.float32)
    )
    colour = shade(mix(soil, green, leaf), 0.05 * grain(frame, "fine", salt + 2))
    return _Cover(colour, 1.3 * leaf)


def _bare(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:  # noqa: ARG001
    furrows = _rows(
        frame,
        angle=rng.uniform(0, np.pi),
        period_m=rng.uniform(1.2, 3.4),
        wobble_m=0.15 * broad(frame, 13, salt),
    )
    weight = 0.5 + 0.3 * broad(frame, 37, salt) + 0.2 * grain(frame, "clouds", salt)
    texture = 0.03 * furrows + 0.045 * grain(frame, "fine", salt + 1) + 0.05 * grain(frame, "rough", salt + 2)
    return _Cover(shade(mix(_SOIL, _CLAY, weight.astype(np.float32)), texture))


def _wood(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:  # noqa: ARG001
    weight = 0.3 + 0.3 * grain(frame, "clumps", salt)
    colour = mix(rgb(64, 76, 50), rgb(104, 102, 76), weight.astype(np.float32))
    return _Cover(shade(colour, 0.1 * grain(frame, "rough", salt + 1)))


def _asphalt(frame: Frame, look: Look, rng: np.random.Generator, salt: int) -> _Cover:  # noqa: ARG001
    return _Cover(surface_colour(frame, "asphalt", 40))


_CROPS: dict[Crop, Callable[[Frame, Look, np.random.Generator, int], _Cover]] = {
    "meadow": _meadow,
    "garden": _garden,
    "orchard": _meadow,
    "wheat": _cereal(rgb(178, 160, 112), rgb(196, 180, 136)),
    "stubble": _cereal(rgb(172, 158, 122), rgb(196, 184, 150)),
    "rapeseed": _cereal(rgb(124, 122, 78), rgb(156, 146, 100)),
    "maize": _maize,
    "vineyard": _vineyard,
    "bare": _bare,
    "wood": _wood,
    "asphalt": _asphalt,
}


_EDGE_PX = 6  # reach of the blur that softens the edge of a field
_VERGES_M: dict[Crop, float] = {
    "wheat": 0.7, "stubble": 0.7, "rapeseed": 0.6, "maize": 0.5, "vineyard": 1.2, "bare": 0.5, "asphalt": 0.6,
}  # fmt: skip


def paint_base(canvas: Canvas, look: Look) -> None:
    """Cover the whole canvas with rough grass: what shows wherever nothing else lies."""
    canvas.colour[:] = _grass(canvas.frame, look.dryness + 0.08, 3, tufts=1.3)


def paint_field(canvas: Canvas, field: Field, look: Look) -> None:
    """Cover one field; a crop with height (vines) will cast its shadow."""
    part = canvas.frame.common(canvas.frame.around(field.outline.bounds, 1.0))
    if part is None:
        return
    rng = np.random.default_rng(field.detail)
    cover = _CROPS[field.crop](part, look, rng, field.detail)
    canvas.lay(Paint(part, cover.colour, _worn_edge(part, field), cover.height))


def _worn_edge(part: Frame, field: Field) -> Plane:
    # Crops end in a ragged line, a little inside of the boundary, where grass is left.
    around = part.grown(**dict.fromkeys(("left", "top", "right", "bottom"), _EDGE_PX))
    verge_m = _VERGES_M.get(field.crop, 0.0)
    hard = around.coverage(field.outline.buffer(-verge_m), oversample=1)
    inner = slice(_EDGE_PX, -_EDGE_PX)
    soft = gaussian_filter(hard, 1.6, truncate=3.0)[inner, inner]
    ragged = 0.5 + 2.2 * (soft - 0.5) + np.where(verge_m > 0, 0.30, 0.12) * grain(part, "rough", field.detail)
    return np.clip(ragged, 0, 1).astype(np.float32) * (soft > 0.02)  # noqa: PLR2004 - only near the edge
