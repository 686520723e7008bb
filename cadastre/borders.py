"""Records near the border of two sheets, of which it is not known to which one they belong."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.offsets import Offsets, sheet_ids
from vigibati.cadastre.pairing import Geometries, as_array, near_pairs, shared_areas

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
    outlines = [as_array(footprints[footprints["kind"] == kind]) for kind in ("building", "pool")]
    now = _seen(as_array(moved), on_pools, outlines)
    doubtful = np.flatnonzero(now <= 1 - _GAIN)
    pairs = near_pairs(as_array(records)[doubtful], as_array(offsets.table), distance_m=_BORDER_M)
    names = offsets.table["sheet_id"].to_numpy(dtype=object)
    own = np.asarray(sheet_ids(records), dtype=object)
    row, sheet = doubtful[pairs.left], names[pairs.right]
    other = sheet != own[row]
    if not other.any():
        return moved
    row, sheet = row[other], sheet[other]
    tried = as_array(offsets.apply(records.iloc[row].assign(sheet_id=sheet)))
    then = _seen(tried, on_pools[row], outlines)
    free = _shares(tried, as_array(moved[now > 1 - _GAIN])) < _TAKEN
    order = np.lexsort((sheet.astype(str), -then, row))
    rows, first = np.unique(row[order], return_index=True)
    best = order[first]
    better = free[best] & (then[best] >= _GOOD) & (then[best] >= now[rows] + _GAIN)
    own[rows[better]] = sheet[best[better]]
    return offsets.apply(records.assign(sheet_id=own))


def _seen(
    records: Geometries, on_pools: NDArray[np.bool_], outlines: list[Geometries]
) -> NDArray[np.float64]:
    """Return the share of each record on the outlines of its kind: buildings, or pools."""
    buildings, pools = (_shares(records, kind) for kind in outlines)
    return np.where(on_pools, pools, buildings)


def _shares(records: Geometries, outlines: Geometries) -> NDArray[np.float64]:
    """Return the share of each record that lies on outlines, which hardly overlap each other."""
    pairs = near_pairs(records, outlines)
    shared = np.bincount(pairs.left, shared_areas(pairs, records, outlines), minlength=len(records))
    shares: NDArray[np.float64] = shared / shapely.area(records)
    return shares
