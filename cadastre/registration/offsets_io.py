"""Offsets as a GeoPackage, so that records are registered once and compared many times."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.registration.warp import Warp
from vigibati.configs.atomic_files import GEOPACKAGE_VERSION, whole_file
from vigibati.configs.errors import RecordsError

_SHEETS, _ARROWS, _NODES = "offsets", "arrows", "warp_nodes"


def write_offsets(offsets: Offsets, path: Path) -> None:
    """Write a GeoPackage with the layers ``offsets`` (sheets), ``arrows`` and ``warp_nodes`` (points).

    An arrow is the line from where a record is drawn to where it lies in the image. A node's ``dx_m`` and
    ``dy_m`` are added to those of its sheet; ``cell_m`` is the distance to the next.

    Raises:
        OutputError: The file cannot be written there.
    """
    with whole_file(path) as temporary:
        layers = (
            (_SHEETS, offsets.table, "Polygon"),
            (_ARROWS, offsets.arrows, "LineString"),
            (_NODES, _nodes(offsets), "Point"),
        )
        for layer, table, kind in layers:
            pyogrio.write_dataframe(
                table.set_crs(offsets.table.crs),
                temporary,
                layer=layer,
                driver="GPKG",
                geometry_type=kind if len(table) == 0 else None,
                dataset_options={"VERSION": GEOPACKAGE_VERSION},
            )


def read_offsets(path: Path) -> Offsets:
    """Read what `write_offsets` wrote.

    Raises:
        RecordsError: The file is missing or is not one of these.
    """
    cure = "make it with vigibati register"
    # GDAL would look for what is no file behind an address.
    if not path.is_file():
        raise RecordsError(path, "is a folder" if path.is_dir() else "there is no such file", cure)
    try:
        table = gpd.read_file(path, layer=_SHEETS)
        arrows = gpd.read_file(path, layer=_ARROWS)
        nodes = gpd.read_file(path, layer=_NODES)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise RecordsError(path, f"holds no offsets ({error})", cure) from error
    warps: dict[str, Warp] = {}
    for sheet, rows in nodes.groupby("sheet_id"):
        values = np.column_stack([shapely.get_coordinates(rows.geometry), rows["dx_m"], rows["dy_m"]])
        warps[str(sheet)] = Warp.from_nodes(values, cell_m=float(rows["cell_m"].iloc[0]))
    return Offsets(table, warps, arrows)


def _nodes(offsets: Offsets) -> gpd.GeoDataFrame:
    parts = [
        pd.DataFrame(warp.nodes(), columns=["x", "y", "dx_m", "dy_m"]).assign(
            sheet_id=sheet, cell_m=warp.cell_m
        )
        for sheet, warp in offsets.warps.items()
    ]
    empty = pd.DataFrame(columns=["x", "y", "dx_m", "dy_m", "sheet_id", "cell_m"])
    table = pd.concat(parts, ignore_index=True) if parts else empty
    points = gpd.points_from_xy(table["x"].astype(float), table["y"].astype(float))
    columns = table[["sheet_id", "dx_m", "dy_m", "cell_m"]]
    return gpd.GeoDataFrame(columns, geometry=points, crs=offsets.table.crs)
