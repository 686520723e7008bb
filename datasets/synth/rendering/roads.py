"""Roads, drives and yards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from shapely import LineString, MultiLineString
from shapely.ops import substring

from vigibati.datasets.synth.plan.ground_plan import Road, RoadSurface
from vigibati.datasets.synth.rendering.canvas import Canvas, Frame, Paint, Plane
from vigibati.datasets.synth.rendering.noise import broad, grain, mix, rgb, shade

_STREET_M = 5.5  # narrower ways have no pavement at their sides
_MARKED_M = 6.5  # narrower roads carry no centre line

_SURFACES: dict[RoadSurface, tuple[Plane, Plane, float]] = {
    # two colours between which the surface varies, and the strength of its grain
    "gravel": (rgb(170, 160, 142), rgb(196, 186, 168), 0.055),
    "earth": (rgb(164, 146, 118), rgb(186, 170, 142), 0.060),
    "paving": (rgb(160, 152, 142), rgb(184, 174, 160), 0.040),
    "asphalt": (rgb(128, 127, 126), rgb(154, 152, 148), 0.030),
}


def surface_colour(frame: Frame, surface: RoadSurface, salt: int) -> Plane:
    """Return the colour of a sealed or gravelled surface, (H, W, 3)."""
    low, high, strength = _SURFACES[surface]
    weight = 0.45 + 0.25 * broad(frame, 21, salt) + 0.22 * grain(frame, "clouds", salt)
    texture = strength * (grain(frame, "fine", salt + 1) + 0.7 * grain(frame, "rough", salt + 2))
    return shade(mix(low, high, weight), texture)


def paint_roads(canvas: Canvas, roads: Sequence[Road]) -> None:
    """Cover all ways: first their verges and pavements, then each surface, asphalt last."""
    if not roads:
        return
    frame = canvas.frame
    streets = [road for road in roads if road.surface == "asphalt"]
    rims: tuple[tuple[RoadSurface, bool, float], ...] = (("earth", False, 0.7), ("paving", True, 1.6))
    for surface, is_wide, width_m in rims:
        sides = [
            road.centre.buffer(road.width_m / 2 + width_m, quad_segs=6)
            for road in streets
            if (road.width_m >= _STREET_M) == is_wide
        ]
        if sides:
            alpha = frame.coverage(*sides, oversample=2) * (0.75 + 0.15 * grain(frame, "clumps", 5))
            _cover(canvas, surface, np.clip(alpha, 0, 0.95).astype(np.float32))
    for kind in _SURFACES:
        ways = [road for road in roads if road.surface == kind]
        if ways:
            _paint_surface(canvas, ways, kind)


def _paint_surface(canvas: Canvas, ways: Sequence[Road], surface: RoadSurface) -> None:
    frame = canvas.frame
    alpha = frame.coverage(*(way.centre.buffer(way.width_m / 2, quad_segs=6) for way in ways), oversample=2)
    if surface != "asphalt":
        alpha = np.clip(alpha * (0.85 + 0.3 * grain(frame, "clumps", 4)), 0, 1).astype(np.float32)
        _cover(canvas, surface, alpha)
        return
    colour = surface_colour(frame, surface, 40)
    tracks = [
        way.centre.offset_curve(side * way.width_m * 0.24).buffer(0.5) for way in ways for side in (-1, 1)
    ]
    colour = shade(
        colour, 0.05 * frame.coverage(*tracks, oversample=1) * (1 + 0.4 * grain(frame, "clouds", 8))
    )
    mended = np.clip(grain(frame, "clumps", 21) - 2.0, 0, 1)  # repaired spots are darker
    canvas.lay(Paint(frame, shade(colour, -0.14 * mended), alpha))
    _paint_markings(canvas, ways)


def _cover(canvas: Canvas, surface: RoadSurface, alpha: Plane) -> None:
    canvas.lay(Paint(canvas.frame, surface_colour(canvas.frame, surface, 30), alpha))


def _paint_markings(canvas: Canvas, ways: Sequence[Road]) -> None:
    frame = canvas.frame
    pieces = [
        substring(way.centre, start, start + 3.0)
        for way in ways
        if way.width_m >= _MARKED_M
        for start in np.arange(2.0, way.centre.length - 3, 8.0)
    ]
    dashes = [piece for piece in pieces if isinstance(piece, LineString)]
    if not dashes:
        return
    alpha = frame.coverage(MultiLineString(dashes).buffer(0.09, cap_style="flat"), oversample=3)
    worn = np.clip(0.65 + 0.25 * grain(frame, "rough", 77), 0, 1)
    white = np.broadcast_to(rgb(212, 210, 204), (*alpha.shape, 3))
    canvas.lay(Paint(frame, white, (alpha * worn).astype(np.float32)))
