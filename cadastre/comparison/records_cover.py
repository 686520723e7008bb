"""Where the records speak: outside, a building without a record means nothing."""

from __future__ import annotations

import geopandas as gpd
import shapely

from vigibati.cadastre.overlap import as_array

_ROADS_M = 10.0
_AROUND_RECORDS_M = 25.0


def records_cover(
    records: gpd.GeoDataFrame, *, parcels: gpd.GeoDataFrame | None, sheets: gpd.GeoDataFrame | None
) -> shapely.Geometry:
    """Return the region in which the cadastre was drawn.

    Args:
        records: Canonical records, not empty.
        parcels: Parcels in the same CRS; None or empty where the source holds none.
        sheets: Sheets in the same CRS; None or empty where the source holds none.

    Returns:
        The union of the sheets and, beside them, of the parcels, with gaps up to 20 m (roads, rivers)
        closed: of several communes some may come without sheets. Without either the convex hull of the
        records and 25 m around. A sheet's or parcel layer's edge is as shifted as the records are, so give
        them moved where it matters.
    """
    drawn = shapely.union_all(() if sheets is None else as_array(sheets))
    if parcels is not None and len(parcels) > 0:
        shapely.prepare(drawn)
        beside = as_array(parcels)
        beside = beside[~shapely.intersects(drawn, shapely.point_on_surface(beside))]
        closed = shapely.union_all(shapely.buffer(beside, _ROADS_M)).buffer(-_ROADS_M)
        drawn = shapely.union(drawn, closed)
    if not drawn.is_empty:
        return drawn
    return shapely.GeometryCollection(list(records.geometry)).convex_hull.buffer(_AROUND_RECORDS_M)
