"""Where records lie: on which cadastral sheet, whether on the image at all, and what lies with them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from vigibati.cadastre.crs import Extent
from vigibati.cadastre.parcel_names import parcel_part
from vigibati.configs.errors import RecordsError
from vigibati.configs.territory import Territory, usual_territory

SINGLE_SHEET: Final = "all"
"""Sheet of the records of which no sheet is known: they are registered together."""

_LONGITUDE_LATITUDE: Final = 4326

_REACH_M: Final = 50.0
"""Records this far outside every sheet or parcel (roads, rivers) still go with the nearest."""


def assign_sheets(
    records: gpd.GeoDataFrame,
    sheets: gpd.GeoDataFrame | None,
    parcels: gpd.GeoDataFrame | None,
    *,
    territory: Territory | None = None,
) -> gpd.GeoDataFrame:
    """Give every record a sheet, and what is known of the sheet's quality.

    A record that has none (or only "all") takes the sheet around a point of its inside,
    or the nearest one within 50 m; without sheets, the sheet that the identifier of the nearest
    parcel tells (in France the section, its first ten characters); else "all". All frames are
    in one projected CRS.

    Args:
        records: Records table.
        sheets: Sheets table, or None.
        parcels: Parcels table, or None.
        territory: Whose parcels they are; those of France when None.

    Returns:
        A new records table with ``sheet_id`` filled; ``sheet_quality``, ``sheet_scale``
        and ``accuracy_m`` come from the sheet where the record has none of its own.
    """
    found = records.copy()
    for table in (_named(sheets), _sections(parcels, territory or usual_territory())):
        open_rows = (found["sheet_id"].isna() | (found["sheet_id"] == SINGLE_SHEET)).to_numpy()
        if table is not None and open_rows.any():
            found.loc[open_rows, "sheet_id"] = _nearest(found[open_rows], table)
    found["sheet_id"] = found["sheet_id"].fillna(SINGLE_SHEET)
    if sheets is not None:
        facts = sheets.drop_duplicates("sheet_id").set_index("sheet_id")
        for column in ("sheet_quality", "sheet_scale", "accuracy_m"):
            found[column] = found[column].fillna(found["sheet_id"].map(facts[column]))
    return found


def check_overlap(
    records: gpd.GeoDataFrame, bounds: Extent, *, bounds_crs: pyproj.CRS, path: Path, of: str = "image"
) -> None:
    """Refuse records of which none lies on the image, or on what was found in it.

    Args:
        records: Records table.
        bounds: Extent of the image, or of the footprints.
        bounds_crs: CRS of ``bounds``.
        path: Path of the records, named in the error.
        of: What ``bounds`` is the extent of, for the message.

    Raises:
        RecordsError: Not one record meets the extent; the message gives both extents in
            the CRS of the records.
    """
    image = pyproj.Transformer.from_crs(bounds_crs, records.crs, always_xy=True).transform_bounds(*bounds)
    if records.intersects(shapely.box(*image)).any():
        return
    cause = (
        f"none of the {len(records)} records lies on the {of}: "
        f"records {_extent_words(records.total_bounds)}, {of} {_extent_words(image)}, "
        f"both in {records.crs.name}"
    )
    cure = f"give the records of the place of the {of}, or declare their CRS (--records-crs EPSG:2154)"
    if shapely.box(*image).intersects(_swapped(records)):
        cause += ", where they would lie with longitude and latitude swapped"
        cure = "swap the coordinates of the file (in QGIS: Swap X and Y coordinates)"
    raise RecordsError(path, cause, cure)


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
    here, there = _extent_words(table.total_bounds), _extent_words(records.total_bounds)
    return (
        f"none of its {len(table)} {what} lies among the records: {what} {here}, records {there}, "
        f"both in {records.crs.name}"
    )


def _swapped(records: gpd.GeoDataFrame) -> shapely.Geometry:
    """Return where the records lie if their file gives latitude before longitude."""
    degrees = pyproj.Transformer.from_crs(records.crs, _LONGITUDE_LATITUDE, always_xy=True)
    corners = shapely.get_coordinates(shapely.envelope(np.array(records.geometry.array)))
    latitudes, longitudes = degrees.transform(corners[:, 0], corners[:, 1])
    x, y = degrees.transform(longitudes, latitudes, direction="INVERSE")
    finite = np.isfinite(x) & np.isfinite(y)
    return shapely.envelope(shapely.MultiPoint(np.column_stack([x, y])[finite]))


def _named(sheets: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    return None if sheets is None or sheets.empty else sheets[["sheet_id", "geometry"]]


def _sections(parcels: gpd.GeoDataFrame | None, territory: Territory) -> gpd.GeoDataFrame | None:
    if parcels is None:
        return None
    told = parcels[["geometry"]].assign(sheet_id=parcel_part(parcels["parcel_id"], "sheet", territory.parcel))
    told = told[told["sheet_id"].notna()]
    return None if told.empty else told


def _nearest(records: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> pd.Series[str]:
    points = shapely.point_on_surface(np.array(records.geometry.array))
    tree = shapely.STRtree(np.array(areas.geometry.array))
    rows, hits = tree.query_nearest(points, max_distance=_REACH_M, all_matches=False)
    names = pd.Series([None] * len(records), index=records.index, dtype="str")
    names.iloc[rows] = areas["sheet_id"].to_numpy()[hits]
    return names


def _extent_words(extent: Extent) -> str:
    """Return an extent for an error."""
    west, south, east, north = extent
    return f"x {west:.0f} to {east:.0f} y {south:.0f} to {north:.0f}"
