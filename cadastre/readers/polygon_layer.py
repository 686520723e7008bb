"""One polygon layer out of one file, with a CRS that is on the earth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely

from vigibati.cadastre.readers.vector_file import Opened, opened
from vigibati.configs.errors import RecordsError

_DEGREES: Final = (180.0, 90.0)
DECLARE_CRS: Final = (
    "declare it: --records-crs EPSG:2154 for records and parcels, ogr2ogr -a_srs for other layers"
)
"""Cure for every source that does not say its CRS, or says a wrong one."""

_ONE_LAYER: Final = (
    "name one in a mapping (layer: NAME, --records-mapping) if it is of records, "
    "else export one to a file of its own (ogr2ogr one.gpkg FILE NAME)"
)


@dataclass(frozen=True, slots=True, eq=False)
class PolygonLayer:
    """A layer as it stands in its file: not repaired, in its own CRS, all columns.

    Attributes:
        path: The file.
        frame: Its polygons.
        driver: OGR's name of the format.
        crs_origin: In words, who says the CRS.
    """

    path: Path
    frame: gpd.GeoDataFrame
    driver: str
    crs_origin: str


def read_polygons(path: Path, *, declared_crs: str | None = None, layer: str | None = None) -> PolygonLayer:
    """Read one polygon layer of a GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML file.

    See :func:`opened` for what is read and how. Dates come as text.

    Args:
        path: The file.
        declared_crs: CRS that overrides what the file says, such as "EPSG:2154".
        layer: Name of the layer; the only one of polygons when None.

    Raises:
        RecordsError: The file is missing, damaged, of another format, without polygon
            layer or with several, without CRS, or its coordinates contradict its CRS.
    """
    with opened(path) as file:
        frame = pyogrio.read_dataframe(
            file.path,
            layer=_polygon_layer(file, path, layer),
            datetime_as_string=True,
            on_invalid="ignore",
        )
    if not isinstance(frame, gpd.GeoDataFrame):
        raise RecordsError(path, "holds no geometry", "give a file of polygons")
    placed = _with_crs(frame, path, declared_crs)
    return PolygonLayer(path, placed, file.driver, _origin(placed, file.driver, declared_crs))


def crs_from(declared_crs: str, path: Path) -> pyproj.CRS:
    """Understand a CRS that the user declared for a path.

    Raises:
        RecordsError: No such CRS is known, or it says no place on the earth.
    """
    try:
        crs = pyproj.CRS.from_user_input(declared_crs)
    except pyproj.exceptions.CRSError as error:
        cause = f"was declared to be in '{declared_crs}', which is no known CRS"
        raise RecordsError(path, cause, "write it as EPSG:2154") from error
    if not _on_earth(crs):
        cause = f"was declared to be in '{declared_crs}' ({crs.name}), which says no place on the earth"
        raise RecordsError(path, cause, "write it as EPSG:2154")
    return crs


def _on_earth(crs: pyproj.CRS) -> bool:
    """Whether coordinates are tied to the earth: a GeoPackage may call its CRS undefined, a plan its own."""
    return bool(crs.is_geographic or crs.is_projected)


def _polygon_layer(file: Opened, path: Path, wanted: str | None) -> str:
    listed = ", ".join(f"{name} ({kind})" for name, kind in file.layers) or "none"
    if wanted is not None:
        if wanted not in dict(file.layers):
            raise RecordsError(path, f"holds no layer '{wanted}' (layers: {listed})", "name one of them")
        return wanted
    certain = [name for name, kind in file.layers if "Polygon" in kind or "Surface" in kind]
    possible = certain or [
        name for name, kind in file.layers if kind.startswith(("Unknown", "GeometryCollection"))
    ]
    if len(possible) == 1:
        return possible[0]
    if possible:
        raise RecordsError(path, f"holds several polygon layers: {listed}", _ONE_LAYER)
    raise RecordsError(path, f"holds no polygon layer (layers: {listed})", "give a file of polygons")


def _origin(frame: gpd.GeoDataFrame, driver: str, declared_crs: str | None) -> str:
    if declared_crs is not None:
        return f"declared as {declared_crs}"
    if driver == "GeoJSON" and frame.crs.is_geographic:
        return "GeoJSON is in longitude and latitude unless it says otherwise"
    return "stated by the file"


def _with_crs(frame: gpd.GeoDataFrame, path: Path, declared_crs: str | None) -> gpd.GeoDataFrame:
    if declared_crs is not None:
        frame = frame.set_crs(crs_from(declared_crs, path), allow_override=True)
    if frame.crs is None or not _on_earth(frame.crs):
        raise RecordsError(path, "does not say in which CRS its coordinates are", DECLARE_CRS)
    if frame.crs.is_geographic:
        points = shapely.get_coordinates(frame.geometry.array)
        points = points[np.isfinite(points).all(axis=1)]
        outside = (np.abs(points) > _DEGREES).any(axis=1)
        # A few impossible corners are left to the repair; when most are, the CRS is another.
        if outside.sum() > len(points) / 2:
            x, y = points[outside][0]
            cause = f"is taken to be in degrees but holds coordinates such as {x:.1f} {y:.1f}"
            raise RecordsError(path, cause, DECLARE_CRS)
    return frame
