"""What a comparison reads beside the image, checked before any long work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyproj

from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.readers import read_parcels, read_records, read_zones
from vigibati.cadastre.sheets import assign_sheets
from vigibati.cadastre.tables import RecordSet
from vigibati.configs.errors import RasterError
from vigibati.vectors import read_layer


@dataclass(frozen=True, slots=True, eq=False)
class CadastralInputs:
    """Records with their sheets, and the context that was given, in one projected CRS.

    Attributes:
        record_set: As read, with the repairs that were made.
        records: Its records, each with a ``sheet_id``.
        parcels: Parcels, from their own file or from the records' source; None if neither has any.
        zones: Planning zones; None if not given.
        paths: Every file that was read.
    """

    record_set: RecordSet
    records: gpd.GeoDataFrame
    parcels: gpd.GeoDataFrame | None
    zones: gpd.GeoDataFrame | None
    paths: tuple[Path, ...]


def read_cadastral_inputs(
    *,
    records: Path,
    parcels: Path | None,
    zones: Sequence[Path],
    crs: pyproj.CRS,
    hints: RecordsHints = NO_HINTS,
) -> CadastralInputs:
    """Read and check everything cadastral.

    Args:
        records: Path of the records.
        parcels: Path of the parcels, or None to take those of the records' source.
        zones: Paths of planning zones; all of them are used together.
        crs: Projected CRS in which everything comes back.
        hints: What overrides the files of the records; the CRS that is declared holds for the parcels too.

    Raises:
        RecordsError: Something cannot be read.
    """
    record_set = read_records(records, crs=crs, hints=hints)
    own_parcels = (
        record_set.parcels
        if parcels is None
        else read_parcels(parcels, crs=crs, declared_crs=hints.declared_crs)
    )
    read_zone_layers = [read_zones(path, crs=crs) for path in zones]
    return CadastralInputs(
        record_set=record_set,
        records=assign_sheets(record_set.records, sheets=record_set.sheets, parcels=own_parcels),
        parcels=own_parcels,
        zones=pd.concat(read_zone_layers, ignore_index=True) if read_zone_layers else None,
        paths=tuple(dict.fromkeys([*record_set.paths, *([parcels] if parcels else []), *zones])),
    )


def read_footprints(path: Path) -> gpd.GeoDataFrame:
    """Read footprints and bring them into the CRS to work in.

    Raises:
        InputError: The file is not one of ``vigibati vectorise``, or its CRS is not known.
    """
    table = read_layer(path, layer="footprints", made_by="vectorise")
    if table.crs is None:
        raise RasterError(path, "has no CRS", "make it again from an orthophoto that has one")
    return table.to_crs(working_crs(table.crs, tuple(table.total_bounds)))
