"""A territory cut into folds: each is judged by a model that learnt from the others alone."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.configs.errors import InputError

# How far a cut may lie from where it balances best, as a share of the buildings, to pass between houses.
_LEEWAY = 0.05


def cut_folds(
    points: NDArray[np.float64], bounds: tuple[float, float, float, float], *, count: int
) -> NDArray[np.object_]:
    """Cut a rectangle into rectangles that hold about as many points each.

    It is halved across its longer side, and each part again: few long borders, so that little ground
    lies near one. Each cut runs through the widest gap between points near where it balances best.

    Args:
        points: (N, 2) a point of each building.
        bounds: Min x, min y, max x, max y of the territory.
        count: How many folds, at least two.

    Returns:
        (count,) boxes that tile the bounds.

    Raises:
        InputError: There are not two points for each fold.
    """
    inside = points[_within(points, bounds)]
    if len(inside) < 2 * count:
        cause = f"hold {len(inside)} buildings in the image, too few for {count} folds"
        raise InputError("records", cause, "give records of the whole territory, or fewer --folds")
    boxes: NDArray[np.object_] = shapely.box(*np.array(_cut(inside, bounds, count)).T)
    return boxes


def _cut(
    points: NDArray[np.float64], bounds: tuple[float, float, float, float], count: int
) -> list[tuple[float, float, float, float]]:
    if count == 1:
        return [bounds]
    west, south, east, north = bounds
    axis = 0 if east - west >= north - south else 1
    first = count // 2
    at = _gap(np.sort(points[:, axis]), first / count)
    low = (west, south, at, north) if axis == 0 else (west, south, east, at)
    high = (at, south, east, north) if axis == 0 else (west, at, east, north)
    below = points[:, axis] < at
    return _cut(points[below], low, first) + _cut(points[~below], high, count - first)


def _gap(ordered: NDArray[np.float64], share: float) -> float:
    """Return the middle of the widest gap near a share of ordered values."""
    middle = round(share * len(ordered))
    leeway = max(1, int(_LEEWAY * len(ordered)))
    first, last = max(1, middle - leeway), min(len(ordered) - 1, middle + leeway)
    gaps = ordered[first : last + 1] - ordered[first - 1 : last]
    widest = first + int(gaps.argmax())
    return float(ordered[widest - 1] + ordered[widest]) / 2


def _within(points: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    x, y = points.T
    inside: NDArray[np.bool_] = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    return inside
