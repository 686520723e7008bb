"""Which coordinate reference system to work in: metres, and the legal ones of the territory."""

from __future__ import annotations

import math
from typing import Final

import pyproj

from vigibati.configs.errors import RasterError

_LEGAL: Final = (2154, 5490, 2972, 2975, 4471)
"""Legal projected CRS of France (décret 2000-1276, modified): Lambert-93 for the mainland,
and UTM zones for the Antilles, Guyane, La Réunion and Mayotte."""

_LONGITUDE_LATITUDE: Final = 4326

Extent = tuple[float, float, float, float]
"""minx, miny, maxx, maxy."""


def working_crs(raster_crs: pyproj.CRS, bounds: Extent) -> pyproj.CRS:
    """Choose the CRS in which footprints and records are compared.

    A projected CRS in metres is taken as it is, save Web Mercator, whose metres are
    too long by 1/cos(latitude): it is replaced by :func:`metric_crs_at` of the centre.

    Args:
        raster_crs: CRS of the orthophoto.
        bounds: Extent of the orthophoto in ``raster_crs``.

    Raises:
        RasterError: The CRS is in degrees, in feet, or not tied to the earth.
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
    return home_crs(flat, bounds)


def home_crs(crs: pyproj.CRS, bounds: Extent) -> pyproj.CRS:
    """Return a CRS in which areas mean something: itself, save for degrees and Web Mercator.

    Args:
        crs: Of what is to be measured.
        bounds: Extent of it, in ``crs``; degrees and Web Mercator give way to :func:`metric_crs_at`
            of its centre.
    """
    operation = crs.coordinate_operation if crs.is_projected else None
    method = "" if operation is None else operation.method_name
    if crs.is_projected and ("Mercator" not in method or "Transverse" in method):
        return crs
    return metric_crs_at(((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2), crs=crs)


def metric_crs_at(point: tuple[float, float], *, crs: pyproj.CRS) -> pyproj.CRS:
    """Return the legal CRS of the French territory around a point, elsewhere its UTM zone.

    Args:
        point: x and y (longitude and latitude in a geographic CRS).
        crs: CRS of ``point``.
    """
    to_degrees = pyproj.Transformer.from_crs(crs, _LONGITUDE_LATITUDE, always_xy=True)
    longitude, latitude = to_degrees.transform(*point)
    for code in _LEGAL:
        legal = pyproj.CRS.from_epsg(code)
        area = legal.area_of_use
        if area and area.west <= longitude <= area.east and area.south <= latitude <= area.north:
            return legal
    zone = min(math.floor((longitude + 180) / 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)
