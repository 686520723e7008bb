"""How much of each record can be seen in the image."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.pairing import Geometries, Pairs, as_array, near_pairs, union_by_left


def seen_shares(records: gpd.GeoDataFrame, footprints: Geometries, *, floor_m: float) -> NDArray[np.float64]:
    """Return the share of each record's area that lies under footprints.

    A neighbour's eaves must not hide that a building is gone, so footprints are shrunk by the
    overhang of the sheet (found 35 of 37 demolished buildings of 5-20 m² instead of 19, without a
    false one). Where registration is poor, what the tolerance exceeds its floor by is added back.

    Args:
        records: Moved onto the image, with ``tolerance_m`` and ``overhang_m``.
        footprints: Building footprints.
        floor_m: Tolerance of a well registered sheet.
    """
    outlines = as_array(records)
    change = records["tolerance_m"].to_numpy(dtype=float) - floor_m
    change -= np.maximum(records["overhang_m"].to_numpy(dtype=float), 0.0)
    pairs = near_pairs(outlines, footprints, distance_m=float(np.maximum(change, 0.0).max(initial=0.0)))
    # A footprint may meet records of several sheets, each with an overhang of its own.
    asked, place = np.unique(np.column_stack([pairs.right, change[pairs.left]]), axis=0, return_inverse=True)
    changed = shapely.buffer(footprints[asked[:, 0].astype(np.intp)], asked[:, 1], quad_segs=4)
    over = union_by_left(Pairs(pairs.left, place.reshape(-1)), changed, count=len(outlines))
    shares: NDArray[np.float64] = shapely.area(shapely.intersection(outlines, over)) / shapely.area(outlines)
    return shares
