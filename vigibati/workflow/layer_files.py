"""Plain vector files between the stages."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataSourceError

from vigibati.configs.atomic_files import GEOPACKAGE_VERSION, check_geopackage, whole_file
from vigibati.configs.errors import InputError, OutputError


def check_layer_place(out: Path, *, layer: str) -> None:
    """Refuse a place that cannot take a layer, before the work for it is done.

    Args:
        out: GeoPackage to write; an earlier one of the same kind will be replaced.
        layer: Name of the layer.

    Raises:
        OutputError: No GeoPackage can be written there, or another file would be lost.
    """
    check_geopackage(out)
    if not out.exists():
        return
    try:
        earlier = pyogrio.list_layers(out)[:, 0]
    except DataSourceError:
        earlier = []
    if layer not in earlier:
        raise OutputError(out, f"exists and holds no layer '{layer}'", "give another name to --out")


def write_layer(table: gpd.GeoDataFrame, out: Path, *, layer: str) -> None:
    """Write one layer as a GeoPackage, whole or not at all.

    Raises:
        OutputError: No GeoPackage can be written there, or another file would be lost.
    """
    check_layer_place(out, layer=layer)
    with whole_file(out) as part:
        table.to_file(part, layer=layer, driver="GPKG", engine="pyogrio", VERSION=GEOPACKAGE_VERSION)


def read_layer(path: Path, *, layer: str, made_by: str) -> gpd.GeoDataFrame:
    """Read one layer of a GeoPackage that a stage wrote.

    Args:
        path: GeoPackage.
        layer: Name of the layer.
        made_by: Verb that makes such files, for the cure.

    Raises:
        InputError: There is no such file or layer.
    """
    cure = f"make it with 'vigibati {made_by}'"
    if not path.is_file():
        raise InputError(path, "is a folder" if path.is_dir() else "there is no such file", cure)
    try:
        return gpd.read_file(path, layer=layer, engine="pyogrio")
    except (ValueError, RuntimeError) as error:
        # What GDAL advises after a semicolon is for other callers.
        cause = str(error).partition(";")[0]
        raise InputError(path, f"holds no layer '{layer}' that can be read ({cause})", cure) from error
