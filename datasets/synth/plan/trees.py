"""Where single trees and hedges stand."""

from __future__ import annotations

import numpy as np

from vigibati.datasets.synth.plan.ground_plan import Tree
from vigibati.datasets.synth.plan.lots import detail


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
