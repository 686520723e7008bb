"""Which records cannot be seen in the image."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.morphology import widened
from vigibati.cadastre.overlap import Geometries, Pairs, as_array, boxes_within, near_pairs, union_by_left
from vigibati.cadastre.parallel import in_parts


def unseen(
    records: gpd.GeoDataFrame, footprints: Geometries, *, floor_m: float, below: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the records of which less than a share of the area lies under footprints.

    A neighbour's eaves must not hide that a building is gone, so footprints are shrunk by the
    overhang there (found 35 of 37 demolished buildings of 5-20 m² instead of 19, without a false one).
    Where registration is poor, what the tolerance exceeds a floor by is added back.

    Args:
        records: Moved onto the image, with ``tolerance_m`` and ``overhang_m``.
        footprints: Building footprints.
        floor_m: Tolerance up to which a record counts as well registered.
        below: The share, between 0 and 1.

    Returns:
        The rows of these records, rising, and the share of each that is seen.
    """
    outlines = as_array(records)
    change = np.maximum(records["tolerance_m"].to_numpy(dtype=float) - floor_m, 0.0)
    change -= np.maximum(records["overhang_m"].to_numpy(dtype=float), 0.0)
    doubtful = np.flatnonzero(~_clearly_seen(outlines, footprints, change, below))
    shares = _seen_shares(outlines[doubtful], footprints, change[doubtful])
    return doubtful[shares < below], shares[shares < below]


def _clearly_seen(
    records: Geometries, footprints: Geometries, change_m: NDArray[np.float64], share: float
) -> NDArray[np.bool_]:
    """Return which records a single footprint covers by more than a share, as is quickly seen for most.

    The record made smaller around its centre, to a little more than the share of its area, must lie
    inside the record and inside the footprint, away from its walls by what that is shrunk.
    """
    side = 0.9 * np.sqrt(share) + 0.1
    centres = shapely.get_coordinates(shapely.centroid(records))
    xy, owner = shapely.get_coordinates(records, return_index=True)
    # A copy first: shapely writes into the array that it is given.
    cores = shapely.set_coordinates(records.copy(), centres[owner] + side * (xy - centres[owner]))
    pairs = boxes_within(cores, footprints, margin_m=np.zeros(len(footprints)))

    def inside(pair: NDArray[np.intp]) -> NDArray[np.bool_]:
        record, core, footprint = pairs.left[pair], cores[pairs.left[pair]], footprints[pairs.right[pair]]
        held = shapely.covers(footprint, core) & shapely.covers(records[record], core)
        away_m = shapely.distance(shapely.boundary(footprint), core)
        return held & (away_m > -change_m[record])

    holding = in_parts(inside, len(pairs.left))
    is_clearly_seen: NDArray[np.bool_] = np.bincount(pairs.left[holding], minlength=len(records)) > 0
    return is_clearly_seen


def _seen_shares(
    records: Geometries, footprints: Geometries, change_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the share of each record that lies under footprints, widened or shrunk as the record asks."""
    pairs = near_pairs(records, footprints, distance_m=float(np.maximum(change_m, 0.0).max(initial=0.0)))
    # A footprint may meet records of several sheets, each with an overhang of its own.
    variants, variant = np.unique(
        np.column_stack([pairs.right, change_m[pairs.left]]), axis=0, return_inverse=True
    )
    changed = widened(footprints[variants[:, 0].astype(np.intp)], variants[:, 1])
    over = union_by_left(Pairs(pairs.left, variant.reshape(-1)), changed, count=len(records))

    def share(row: NDArray[np.intp]) -> NDArray[np.float64]:
        seen: NDArray[np.float64] = shapely.area(shapely.intersection(records[row], over[row]))
        return seen / shapely.area(records[row])

    return in_parts(share, len(records))
