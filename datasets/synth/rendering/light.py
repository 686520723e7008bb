"""Sunlight, slopes and cast shadows."""

from __future__ import annotations

import math

import numpy as np

from vigibati.datasets.synth.rendering.acquisition import Look
from vigibati.datasets.synth.rendering.canvas import Canvas, Plane
from vigibati.datasets.synth.rendering.noise import rgb

TALLEST_M = 16.0
"""Nothing in a plan stands higher; decides how far a shadow can reach."""


def shadow_reach_px(look: Look, gsd_m: float) -> tuple[int, int]:
    """Return how far towards the sun a pixel's light depends on what stands there.

    Returns:
        Columns and rows to look ahead; negative towards the west and the north.
    """
    length = _reach(look, gsd_m)
    step_col, step_row = _step(look)
    return round(step_col * (length + 4)), round(step_row * (length + 4))


def _reach(look: Look, gsd_m: float) -> int:
    # pixels along the axis that the sun is nearer to
    east, north, up = look.towards_sun()
    return math.ceil(TALLEST_M * max(abs(east), abs(north)) / up / gsd_m)


def _step(look: Look) -> tuple[float, float]:
    east, north, _ = look.towards_sun()
    longer = max(abs(east), abs(north))
    return east / longer, -north / longer


def _sunlit(canvas: Canvas, look: Look) -> Plane:
    """Return the share of direct sun that reaches each pixel, (H, W), 0-1.

    The height of the shadow's upper edge over a pixel is the greatest height towards the
    sun, less what the ray falls on its way: a running maximum, found by doubling the
    distance at each pass.
    """
    east, north, up = look.towards_sun()
    step_col, step_row = _step(look)
    fall_m = canvas.frame.gsd_m * up / max(abs(east), abs(north))
    top = _moved(canvas.height, step_col, step_row) - np.float32(fall_m)
    known, wanted = 1, _reach(look, canvas.frame.gsd_m)
    while known < wanted:
        stride = min(known, wanted - known)
        further = _moved(top, step_col * stride, step_row * stride) - np.float32(fall_m * stride)
        np.maximum(top, further, out=top)
        known += stride
    depth = top - canvas.height
    lit: Plane = np.clip(1 - (depth - 0.02) / canvas.softness_m, 0, 1)
    return lit


def _moved(values: Plane, cols: float, rows: float) -> Plane:
    # values seen from (row + rows, col + cols), nothing beyond the edge
    down, right = round(rows), round(cols)
    height, width = values.shape
    moved = np.full_like(values, -100.0)
    to_rows = slice(max(0, -down), min(height, height - down))
    to_cols = slice(max(0, -right), min(width, width - right))
    from_rows = slice(max(0, down), min(height, height + down))
    from_cols = slice(max(0, right), min(width, width + right))
    moved[to_rows, to_cols] = values[from_rows, from_cols]
    return moved


def illuminated(canvas: Canvas, look: Look) -> Plane:
    """Return the colours as lit by sun and sky, (H, W, 3); flat ground in full sun is unchanged."""
    east, north, up = look.towards_sun()
    norm = 1 / np.sqrt(1 + canvas.slope_east**2 + canvas.slope_north**2)
    facing = np.clip((up - canvas.slope_east * east - canvas.slope_north * north) * norm / up, 0, 1.6)
    sun = _sunlit(canvas, look) * facing * np.float32(1 - look.skylight)
    sky = np.float32(look.skylight) * (0.45 + 0.55 * norm)
    blue = rgb(0.86, 0.98, 1.20)  # light from the sky alone is bluer than the sun's
    warm = (1 - look.skylight * blue) / np.float32(1 - look.skylight)  # together they are white
    lit: Plane = canvas.colour * (sun[..., None] * warm + sky[..., None] * blue)
    return lit
