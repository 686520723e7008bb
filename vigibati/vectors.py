"""Plain vector files between the stages."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from vigibati.configs.errors import InputError, OutputError
from vigibati.configs.files import check_writable, whole_file


def check_layer_place(out: Path) -> None:
    """Refuse a place that cannot take a GeoPackage, before the work for it is done.

    Raises:
        OutputError: The name does not end in ``.gpkg``, or the folder cannot be written to.
    """
    if out.suffix.lower() != ".gpkg":
        raise OutputError(out, "is not the name of a GeoPackage", "end the name in .gpkg")
    check_writable(out)


def write_layer(table: gpd.GeoDataFrame, out: Path, *, layer: str) -> None:
    """Write one layer as a GeoPackage 1.2, whole or not at all.

    Raises:
        OutputError: The name does not end in ``.gpkg``, or the folder cannot be written to.
    """
    check_layer_place(out)
    with whole_file(out) as part:
        table.to_file(part, layer=layer, driver="GPKG", engine="pyogrio", VERSION="1.2")


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
        raise InputError(path, "there is no such file", cure)
    try:
        return gpd.read_file(path, layer=layer, engine="pyogrio")
    except (ValueError, RuntimeError) as error:
        raise InputError(path, f"holds no layer '{layer}' that can be read ({error})", cure) from error
