"""One polygon layer out of one file, opened only after a look at its first bytes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import shapely

from vigibati.cadastre.readers.packed import GZIP_MAGIC, starts_with, unpack
from vigibati.configs.errors import RecordsError

_HEAD_BYTES: Final = 4096
_DEGREES: Final = (180.0, 90.0)

_GML_ROOT: Final = re.compile(
    rb"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<(\w+:)?(FeatureCollection|SpatialDataset)\b", re.DOTALL
)
_OPEN_OPTIONS: Final[dict[str, dict[str, str]]] = {"GML": {"DOWNLOAD_SCHEMA": "NO", "WRITE_GFS": "NO"}}
_CONVERT: Final = "convert it to GeoPackage or GeoJSON"
DECLARE_CRS: Final = (
    "declare it: --records-crs EPSG:2154 for records and parcels, ogr2ogr -a_srs for other layers"
)
"""Cure for every source that does not say its CRS, or says a wrong one."""


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

    ``.gz`` is unpacked into a temporary file with a limit on size. The format follows
    from the first bytes, never from the name, so that nothing which could point
    elsewhere (VRT, remote addresses) is ever opened. Dates come as text.

    Args:
        path: The file.
        declared_crs: CRS that overrides what the file says, such as "EPSG:2154".
        layer: Name of the layer; the only one of polygons when None.

    Raises:
        RecordsError: The file is missing, damaged, of another format, without polygon
            layer or with several, without CRS, or its coordinates contradict its CRS.
    """
    with _plain_file(path) as plain:
        driver = _driver_of(plain, path)
        options = _OPEN_OPTIONS.get(driver, {})
        try:
            frame = pyogrio.read_dataframe(
                plain,
                layer=_polygon_layer(plain, path, layer),
                datetime_as_string=True,
                on_invalid="ignore",
                **options,
            )
        except RecordsError:
            raise
        except UnicodeDecodeError as error:
            cause = f"holds text that is not in the encoding that it states ({error.encoding})"
            cure = "of a Shapefile, remove the .cpg or write the right encoding into it"
            raise RecordsError(path, cause, cure) from error
        except (RuntimeError, ValueError, shapely.errors.ShapelyError) as error:
            raise RecordsError(path, f"cannot be read as {driver} ({error})", "give a whole file") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise RecordsError(path, "holds no geometry", "give a file of polygons")
    placed = _with_crs(frame, path, declared_crs)
    return PolygonLayer(path, placed, driver, _origin(placed, driver, declared_crs))


def crs_from(declared_crs: str, path: Path) -> pyproj.CRS:
    """Understand a CRS that the user declared for a path.

    Raises:
        RecordsError: No such CRS is known.
    """
    try:
        return pyproj.CRS.from_user_input(declared_crs)
    except pyproj.exceptions.CRSError as error:
        cause = f"was declared to be in '{declared_crs}', which is no known CRS"
        raise RecordsError(path, cause, "write it as EPSG:2154") from error


@contextmanager
def _plain_file(path: Path) -> Iterator[Path]:
    if not path.is_file():
        raise RecordsError(
            path, "is not there" if not path.exists() else "is no file", "give an existing file"
        )
    if "!" in str(path.resolve()):
        raise RecordsError(path, "has a '!' in its path, which GDAL takes for an archive", "rename it")
    packed = path.suffix == ".gz" or starts_with(path, GZIP_MAGIC)
    if not packed and not _GML_ROOT.match(_head(path)):
        yield path.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vigibati-") as folder:
        plain = Path(folder) / path.name.removesuffix(".gz")
        if packed:
            unpack(path, plain, whole="gzip file")
        else:
            # GDAL writes a .gfs beside a GML file, and believes one that lies there already.
            plain.symlink_to(path.resolve())
        yield plain


def _head(path: Path) -> bytes:
    """Return the first bytes, without the mark of UTF-8 and without leading space."""
    with path.open("rb") as handle:
        return handle.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()


def _driver_of(plain: Path, path: Path) -> str:
    head = _head(plain)
    if not plain.stat().st_size:
        raise RecordsError(path, "is empty", "download it again")
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG"
    if head.startswith(b"fgb\x03fgb"):
        return "FlatGeobuf"
    if head.startswith(b"\x00\x00\x27\x0a") and plain.suffix.lower() == ".shp":
        return "ESRI Shapefile"
    if head.startswith(b"{"):
        return "GeoJSON"
    if _GML_ROOT.match(head):
        return "GML"
    if head.startswith(b"PK"):
        raise RecordsError(path, "is a zip archive", "unpack it and give the file inside")
    start = head[:16].decode("latin-1")
    raise RecordsError(
        path, f"is no GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML (it starts with {start!r})", _CONVERT
    )


def _polygon_layer(plain: Path, path: Path, wanted: str | None) -> str:
    layers = [(str(name), str(kind)) for name, kind in pyogrio.list_layers(plain)]
    listed = ", ".join(f"{name} ({kind})" for name, kind in layers) or "none"
    if wanted is not None:
        if wanted not in dict(layers):
            raise RecordsError(path, f"holds no layer '{wanted}' (layers: {listed})", "name one of them")
        return wanted
    certain = [name for name, kind in layers if "Polygon" in kind or "Surface" in kind]
    possible = certain or [
        name for name, kind in layers if kind.startswith(("Unknown", "GeometryCollection"))
    ]
    if len(possible) == 1:
        return possible[0]
    if possible:
        cure = "name one in a mapping (layer: NAME, --records-mapping), or export it to a file of its own"
        raise RecordsError(path, f"holds several polygon layers: {listed}", cure)
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
    if frame.crs is None:
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
