"""Trees and hedges: lumpy crowns that hide what lies under them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.ndimage import gaussian_filter

from vigibati.datasets.synth.plan.ground_plan import Tree
from vigibati.datasets.synth.rendering.acquisition import Look
from vigibati.datasets.synth.rendering.canvas import Canvas, Frame, Paint, Plane
from vigibati.datasets.synth.rendering.noise import rgb

_VARIANTS = 7
_SPECIES = (
    rgb(104, 114, 72), rgb(118, 124, 80), rgb(88, 102, 70), rgb(128, 130, 86),
    rgb(112, 116, 84), rgb(100, 108, 80), rgb(136, 132, 92), rgb(124, 126, 98),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Stamp:
    relief: Plane  # share of the tree's height, (N, N)
    alpha: Plane
    tone: Plane


@lru_cache(maxsize=512)
def _stamp(radius_px: int, variant: int) -> _Stamp:
    rng = np.random.default_rng([radius_px, variant, 31])
    reach = radius_px + 2
    rows, cols = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    relief = np.zeros(rows.shape)
    tone = np.zeros(rows.shape)
    lumps = 1 if radius_px < 3 else int(9 + 1.0 * radius_px)  # noqa: PLR2004 - a bush is one lump
    for lump in range(lumps):
        around = rng.uniform(0, 2 * np.pi)
        out = radius_px * 0.72 * math.sqrt(rng.random()) if lump else 0.0
        size = radius_px * (rng.uniform(0.26, 0.52) if lump else 0.62)
        size = max(size, 1.3)
        base = 0.22 + 0.50 * math.sqrt(max(0.0, 1 - (out / radius_px) ** 2))
        distance = ((rows - out * math.sin(around)) ** 2 + (cols - out * math.cos(around)) ** 2) / size**2
        bump = np.where(distance < 1, base + 0.30 * np.sqrt(np.clip(1 - distance, 0, 1)), 0.0)
        higher = bump > relief
        tone[higher] = rng.normal(0, 0.07)
        relief = np.maximum(relief, bump)
    relief = gaussian_filter(relief * (1 + 0.09 * rng.normal(0, 1, relief.shape)), 0.7)
    alpha = (relief > 0.05).astype(np.float32)  # noqa: PLR2004
    edge = np.hypot(rows, cols) / radius_px
    alpha *= np.clip(rng.normal(1.35, 0.35, relief.shape) - np.clip(edge - 0.6, 0, 1), 0, 1)
    tone += gaussian_filter(rng.normal(0, 0.11, relief.shape), 0.8)
    return _Stamp(*(np.asarray(plane, dtype=np.float32) for plane in (relief, alpha, tone)))


def _crown_paint(tree: Tree, frame: Frame, look: Look) -> Paint:
    """Return one crown, ready to be laid on a canvas."""
    radius_px = max(1, round(tree.radius_m / frame.gsd_m))
    stamp = _stamp(radius_px, tree.detail % _VARIANTS)
    reach = stamp.relief.shape[0] // 2
    col = math.floor((tree.x_m - frame.west) / frame.gsd_m)
    row = math.floor((frame.north - tree.y_m) / frame.gsd_m)
    side = 2 * reach + 1
    place = Frame(frame.west, frame.north, frame.gsd_m, col - reach, row - reach, side, side)
    height = stamp.relief * np.float32(tree.height_m)
    down, right = np.gradient(height, frame.gsd_m)
    species = _SPECIES[(tree.detail // _VARIANTS) % len(_SPECIES)]
    dry = 1 + 0.10 * (look.dryness - 0.4)
    colour = species * np.float32(0.94 + 0.12 * ((tree.detail * 2654435761) % 1000) / 1000)
    shaded = colour * np.array([dry, 1.0, 1.0], dtype=np.float32) * (1 + stamp.tone)[..., None]
    slope_limit = 1.3  # a crown is porous: its flanks never look as steep as they are
    return Paint(
        frame=place,
        colour=shaded.astype(np.float32),
        alpha=stamp.alpha,
        height=height,
        slope_east=np.clip(right * 0.38, -slope_limit, slope_limit),
        slope_north=np.clip(-down * 0.38, -slope_limit, slope_limit),
        softness_m=4.5,
    )


def paint_tree(canvas: Canvas, tree: Tree, look: Look) -> None:
    """Lay one crown over everything that is lower than it."""
    canvas.lay(_crown_paint(tree, canvas.frame, look), only_above=True)
