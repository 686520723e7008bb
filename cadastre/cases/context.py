"""Where a case lies: parcel, commune, planning zone, risk zones and protected sectors."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from vigibati.cadastre.overlap import as_array, largest_overlap
from vigibati.cadastre.parcel_names import parcel_part
from vigibati.configs.errors import RecordsError
from vigibati.configs.territory import Territory, usual_territory


def enrich(
    cases: gpd.GeoDataFrame,
    *,
    parcels: gpd.GeoDataFrame | None,
    zones: gpd.GeoDataFrame | None,
    risk: Sequence[gpd.GeoDataFrame] = (),
    protected: Sequence[gpd.GeoDataFrame] = (),
    least_share: float = 0.0,
    territory: Territory | None = None,
) -> gpd.GeoDataFrame:
    """Join to each case the parcel and the zones that share most area with it.

    Args:
        cases: From `compare`.
        parcels: ``parcel_id`` and polygons in the same CRS; None where there are none. Give them
            moved by the same offsets as the records (`Offsets.apply`).
        zones: ``zone``, ``zone_kind`` and polygons in the same CRS; None where there are none.
        risk: Risk plans: ``sector`` and polygons in the same CRS, a table each.
        protected: Protected sectors, likewise.
        least_share: Share of a case that must lie in a risk zone or protected sector.
        territory: Whose parcels they are; those of France when None.

    Returns:
        A copy with ``parcel_id``, ``commune`` (what it tells of it, in France the INSEE code), ``zone``
        and ``zone_kind``, ``risk_zone`` and ``protected`` (of each plan the sector with the largest share,
        joined by " + "); null where nothing overlaps.

    Raises:
        RecordsError: A layer is in another CRS than the cases.
    """
    parcel = _taken(cases, parcels, ("parcel_id",), "parcels")
    zone = _taken(cases, zones, ("zone", "zone_kind"), "zones")
    return cases.assign(
        parcel_id=parcel["parcel_id"],
        commune=parcel_part(parcel["parcel_id"], "commune", (territory or usual_territory()).parcel),
        **zone,
        risk_zone=_sectors(cases, risk, "risk zones", least_share),
        protected=_sectors(cases, protected, "protected sectors", least_share),
    )


def _taken(
    cases: gpd.GeoDataFrame,
    layer: gpd.GeoDataFrame | None,
    names: tuple[str, ...],
    subject: str,
    *,
    least_share: float = 0.0,
) -> dict[str, pd.Series[str]]:
    """Return columns of the layer's row with the largest overlap, aligned with the cases."""
    if layer is None or len(layer) == 0 or len(cases) == 0:
        return {name: pd.Series(np.nan, index=cases.index, dtype="str") for name in names}
    if layer.crs != cases.crs:
        raise RecordsError(subject, f"are in {layer.crs}, cases in {cases.crs}", "bring both into one CRS")
    outlines, areas = as_array(cases), as_array(layer)
    row = largest_overlap(outlines, areas)
    if least_share > 0:
        held = np.flatnonzero(row >= 0)
        shared = shapely.area(shapely.intersection(outlines[held], areas[row[held]]))
        row[held[shared < least_share * shapely.area(outlines[held])]] = -1
    values = {name: layer[name].astype("str").array.take(row, allow_fill=True) for name in names}
    return {name: pd.Series(value, index=cases.index, dtype="str") for name, value in values.items()}


def _sectors(
    cases: gpd.GeoDataFrame, layers: Sequence[gpd.GeoDataFrame], subject: str, least_share: float
) -> pd.Series[str]:
    told: pd.Series[str] = pd.Series(np.nan, index=cases.index, dtype="str")
    for layer in layers:
        more = _taken(cases, layer, ("sector",), subject, least_share=least_share)["sector"]
        both = told.str.cat(more, sep=" + ")
        told = both.fillna(told).fillna(more)
    return told
