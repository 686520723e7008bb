"""Straight cuts through a building, along or across it, at a known depth."""

from __future__ import annotations

from typing import Literal

import numpy as np
import shapely

CutForm = Literal["strip", "end"]
"""A ``strip`` runs along the long side of a building, an ``end`` is cut across it."""

_BEYOND_M = 1.0


def cut_off(
    building: shapely.Polygon, *, form: CutForm, depth_m: float, far: bool
) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Cut a building by a line parallel to a side of its smallest rectangle.

    Args:
        building: The outline.
        form: Which sides of the rectangle are meant, the long ones or the short ones.
        depth_m: Distance of the line from that side.
        far: Which of the two sides: the one away from the rectangle's first corner, or the other.

    Returns:
        What is left, and what is cut off; together they are the building.
    """
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(building))
    sides = sorted(corners[[1, 3]] - corners[0], key=lambda side: float(np.hypot(*side)), reverse=True)
    along, inward = sides if form == "strip" else sides[::-1]
    width = float(np.hypot(*inward))
    ahead, inward = along / np.hypot(*along), inward / width
    low, high = (width - depth_m, width + _BEYOND_M) if far else (-_BEYOND_M, depth_m)
    end = float(np.hypot(*along)) + _BEYOND_M
    ring = [
        corners[0] + u * ahead + v * inward
        for u, v in ((-_BEYOND_M, low), (end, low), (end, high), (-_BEYOND_M, high))
    ]
    slab = shapely.Polygon(ring)
    return shapely.difference(building, slab), shapely.intersection(building, slab)
