"""Whether what is given beside the records is of their place."""

from __future__ import annotations

import geopandas as gpd
import shapely

from vigibati.cadastre.sheets import extent_words


def elsewhere(table: gpd.GeoDataFrame, records: gpd.GeoDataFrame, *, what: str) -> str | None:
    """Say that nothing of a table lies among the records.

    Args:
        table: Parcels, zones or sectors; they may reach far beyond the records.
        records: Records in the same CRS, not empty.
        what: What the rows of ``table`` are, in the plural.

    Returns:
        The cause in words, with both extents; None if one outline meets the box around all records.
    """
    if table.intersects(shapely.box(*records.total_bounds)).any():
        return None
    return (
        f"none of its {len(table)} {what} lies among the records: {what} {extent_words(table.total_bounds)}, "
        f"records {extent_words(records.total_bounds)}, both in {records.crs.name}"
    )
