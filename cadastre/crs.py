"""Which coordinate reference system to work in: metres, and the legal ones of the territory."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

import geopandas as gpd
import pyproj
import shapely

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.territory import Territory, usual_territory

_LONGITUDE_LATITUDE: Final = 4326

Extent = tuple[float, float, float, float]
"""minx, miny, maxx, maxy."""


def working_crs(raster_crs: pyproj.CRS, bounds: Extent, *, territory: Territory | None = None) -> pyproj.CRS:
    """Choose the CRS in which footprints and records are compared.

    A projected CRS in metres is taken as it is, save Web Mercator, whose metres are
    too long by 1/cos(latitude): it is replaced as in :func:`home_crs`.

    Args:
        raster_crs: CRS of the orthophoto.
        bounds: Extent of the orthophoto in ``raster_crs``.
        territory: Whose legal CRSs are meant; those of France when None.

    Raises:
        RasterError: The CRS is in degrees, in feet, or not tied to the earth.
        SettingsError: The outline of the territory cannot be used.
    """
    name, cure = (
        raster_crs.name,
        "reproject the orthophoto (gdalwarp -t_srs EPSG:2154 in metropolitan France)",
    )
    if raster_crs.is_geographic:
        raise RasterError(f"CRS {name}", "is in degrees, where areas and distances have no meaning", cure)
    if not raster_crs.is_projected:
        raise RasterError(f"CRS {name}", "is no projected CRS", cure)
    flat = raster_crs.to_2d()
    unit = flat.axis_info[0].unit_name
    if unit != "metre":
        raise RasterError(f"CRS {name}", f"is in {unit}, not in metres", cure)
    return home_crs(flat, bounds, territory=territory)


def home_crs(crs: pyproj.CRS, bounds: Extent, *, territory: Territory | None = None) -> pyproj.CRS:
    """Return a CRS in which areas mean something: itself, save for degrees and Web Mercator.

    Args:
        crs: Of what is to be measured.
        bounds: Extent of it, in ``crs``. Degrees and Web Mercator give way to the CRS that is legal at
            its centre, outside the territory to the UTM zone there.
        territory: Whose legal CRSs are meant; those of France when None.

    Raises:
        RasterError: The centre is nearer to a pole than UTM goes.
        SettingsError: The outline of the territory, or the CRS that it gives, cannot be used.
    """
    operation = crs.coordinate_operation if crs.is_projected else None
    method = "" if operation is None else operation.method_name
    if crs.is_projected and ("Mercator" not in method or "Transverse" in method):
        return crs
    centre = shapely.Point((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    place = gpd.GeoSeries([centre], crs=crs).to_crs(_LONGITUDE_LATITUDE)
    legal = _legal_code(place.iloc[0], territory or usual_territory())
    if legal is not None:
        return _legal_crs(legal)
    try:
        utm: pyproj.CRS = place.estimate_utm_crs()
    except RuntimeError as error:
        cause = f"has its centre at {place.iloc[0].y:.1f} degrees north, where no UTM zone is"
        raise RasterError(f"CRS {crs.name}", cause, "reproject it to a CRS in metres") from error
    return utm


def _legal_crs(code: int) -> pyproj.CRS:
    """Return a legal CRS by its EPSG code, if it is one in which areas mean something."""
    subject, cure = f"legal_crs {code}", "name a projected CRS in metres in the territory file"
    try:
        legal = pyproj.CRS.from_epsg(code)
    except pyproj.exceptions.CRSError as error:
        raise SettingsError(subject, "is no EPSG code", cure) from error
    if not legal.is_projected or legal.axis_info[0].unit_name != "metre":
        raise SettingsError(subject, f"is {legal.name}, which does not count in metres", cure)
    return legal


def _legal_code(place: shapely.Point, territory: Territory) -> int | None:
    """Return the EPSG code of the CRS that is legal at a place in degrees; None outside the territory."""
    if territory.outline is None:
        return territory.legal_crs[0]
    outlines = _outlines(territory.outline)
    if unnamed := {code for code, _ in outlines} - set(territory.legal_crs):
        cause = f"names EPSG:{min(unnamed)}, which is no legal_crs of {territory.name}"
        raise SettingsError(territory.outline, cause, "name it there, or take the feature out")
    return next((code for code, ground in outlines if shapely.covers(ground, place)), None)


@cache
def _outlines(path: Path) -> tuple[tuple[int, shapely.Geometry], ...]:
    """Return which CRS is legal in which polygons."""
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return tuple(
            (int(each["properties"]["epsg"]), shapely.from_geojson(json.dumps(each["geometry"])))
            for each in features
        )
    except (OSError, ValueError, KeyError, TypeError, shapely.GEOSException) as error:
        cause = f"is no outline of a territory ({type(error).__name__}: {error})"
        raise SettingsError(path, cause, "give a GeoJSON of polygons, each with its epsg") from error
