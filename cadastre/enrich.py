"""Where a case lies: parcel, commune and planning zone."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from vigibati.cadastre.pairing import as_array, largest_overlap
from vigibati.configs.errors import RecordsError


def enrich(
    cases: gpd.GeoDataFrame, *, parcels: gpd.GeoDataFrame | None, zones: gpd.GeoDataFrame | None
) -> gpd.GeoDataFrame:
    """Join to each case the parcel and the planning zone that share most area with it.

    Args:
        cases: From `compare`.
        parcels: ``parcel_id`` and polygons in the same CRS; None where there are none. Give them
            moved by the same offsets as the records (`Offsets.apply`).
        zones: ``zone``, ``zone_kind`` and polygons in the same CRS; None where there are none.

    Returns:
        A copy with ``parcel_id``, ``commune`` (its first five characters, the INSEE code), ``zone``
        and ``zone_kind``; null where nothing overlaps.

    Raises:
        RecordsError: A layer is in another CRS than the cases.
    """
    parcel = _taken(cases, parcels, ("parcel_id",), "parcels")
    zone = _taken(cases, zones, ("zone", "zone_kind"), "zones")
    return cases.assign(parcel_id=parcel["parcel_id"], commune=parcel["parcel_id"].str[:5], **zone)


def _taken(
    cases: gpd.GeoDataFrame, layer: gpd.GeoDataFrame | None, names: tuple[str, ...], subject: str
) -> dict[str, pd.Series[str]]:
    """Return columns of the layer's row with the largest overlap, aligned with the cases."""
    if layer is None or len(layer) == 0 or len(cases) == 0:
        return {name: pd.Series(np.nan, index=cases.index, dtype="str") for name in names}
    if layer.crs != cases.crs:
        raise RecordsError(subject, f"are in {layer.crs}, cases in {cases.crs}", "bring both into one CRS")
    row = largest_overlap(as_array(cases), as_array(layer))
    values = {name: layer[name].astype("str").array.take(row, allow_fill=True) for name in names}
    return {name: pd.Series(value, index=cases.index, dtype="str") for name, value in values.items()}
