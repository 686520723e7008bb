"""Records near the border of two sheets, of which it is not known to which one they belong."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.overlap import Geometries, as_array, boxes_near, near_pairs, shared_areas
from vigibati.cadastre.registration.offsets import Offsets, sheet_ids

_BORDER_M = 100.0
_GAIN = 0.1
_GOOD = 0.85
_TAKEN = 0.3


def moved_records(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, offsets: Offsets
) -> gpd.GeoDataFrame:
    """Move records by the offset of their sheet, or of the sheet next to it where that fits better.

    Several formats do not say on which sheet a building is drawn. Where two sheets are shifted apart
    they overlap or gape by metres, so that a building at their border may be counted to the wrong
    one. A record within 100 m of another sheet takes that sheet's offset when footprints then cover it
    by at least 85 %, and by 10 points more than with its own, in a place that no other record explains.

    Args:
        footprints: ``kind`` and polygons; pools are matched with pools, all else with buildings.
        records: Canonical records, not moved, in the same CRS.
        offsets: From `register`, for these records.

    Returns:
        What `Offsets.apply` returns, with ``sheet_id`` changed where another sheet fits.
    """
    moved = offsets.apply(records)
    on_pools = (records["kind"] == "pool").to_numpy()
    found = [as_array(footprints[footprints["kind"] == kind]) for kind in ("building", "pool")]
    row, sheet = _other_sheets(footprints, records, offsets)
    unique, inverse = np.unique(row, return_inverse=True)
    now = _seen(as_array(moved)[unique], on_pools[unique], found)[inverse]
    doubtful = now <= 1 - _GAIN
    row, sheet, now = row[doubtful], sheet[doubtful], now[doubtful]
    if row.size == 0:
        return moved
    tried = as_array(offsets.apply(records.iloc[row].assign(sheet_id=sheet)))
    then = _seen(tried, on_pools[row], found)
    order = np.lexsort((sheet.astype(str), -then, row))
    best = order[np.unique(row[order], return_index=True)[1]]
    best = best[(then[best] >= _GOOD) & (then[best] >= now[best] + _GAIN)]
    near = np.flatnonzero(boxes_near(as_array(moved), tried[best]))
    explained = near[_seen(as_array(moved)[near], on_pools[near], found) > 1 - _GAIN]
    best = best[_shares(tried[best], as_array(moved)[explained]) < _TAKEN]
    changed = offsets.apply(records.iloc[row[best]].assign(sheet_id=sheet[best]))
    take = np.arange(len(moved))
    take[row[best]] = len(moved) + np.arange(len(best))
    return pd.concat([moved, changed]).iloc[take]


def _other_sheets(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, offsets: Offsets
) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Return the rows of records that may stand on a footprint, each with every other sheet near it."""
    outlines = as_array(records)
    near = np.flatnonzero(boxes_near(outlines, as_array(footprints), distance_m=offsets.reach_m))
    pairs = near_pairs(outlines[near], as_array(offsets.table), distance_m=_BORDER_M)
    row, sheet = near[pairs.left], offsets.table["sheet_id"].to_numpy(dtype=object)[pairs.right]
    other = sheet != sheet_ids(records)[row]
    return row[other], sheet[other]


def _seen(
    records: Geometries, on_pools: NDArray[np.bool_], found: Sequence[Geometries]
) -> NDArray[np.float64]:
    """Return the share of each record on the outlines of its kind: buildings, or pools."""
    shares = np.empty(len(records))
    for mine, outlines in zip((~on_pools, on_pools), found, strict=True):
        shares[mine] = _shares(records[mine], outlines)
    return shares


def _shares(records: Geometries, outlines: Geometries) -> NDArray[np.float64]:
    """Return the share of each record that lies on outlines, which hardly overlap each other."""
    pairs = near_pairs(records, outlines)
    shared = np.bincount(pairs.left, shared_areas(pairs, records, outlines), minlength=len(records))
    shares: NDArray[np.float64] = shared / shapely.area(records)
    return shares
