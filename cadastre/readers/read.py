"""The way in: one path, whatever the format, into the canonical tables."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from vigibati.cadastre.crs import home_crs
from vigibati.cadastre.readers.format_detection import find_layers
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.readers.reader_result import Layers
from vigibati.cadastre.repair import Repairs, drop_repeated, repair_polygons, take_apart
from vigibati.cadastre.sheets import assign_sheets
from vigibati.cadastre.tables import RecordSet
from vigibati.configs.errors import RecordsError
from vigibati.configs.territory import Territory

_LOG: Final = logging.getLogger(__name__)

_ID_COLUMNS: Final = {"records": "record_id", "parcels": "parcel_id", "sheets": "sheet_id"}


def read_records(
    path: Path,
    *,
    crs: pyproj.CRS | None = None,
    hints: RecordsHints = NO_HINTS,
    territory: Territory | None = None,
) -> RecordSet:
    """Read the buildings and pools that the cadastre knows, with parcels and sheets where given.

    Args:
        path: An Etalab file ``...-batiments.json(.gz)`` (its siblings in the folder are
            read too), an EDIGEO bundle, a folder of either, or one vector file of polygons.
        crs: Projected CRS of the result; None for the CRS of the source, or the one
            of its territory if the source is in degrees.
        hints: What overrides the source.
        territory: Whose CRSs and parcels they are; those of France when None.

    Raises:
        RecordsError: The path cannot be read or holds no usable building.
    """
    sources = find_layers(path, "records", hints)
    target = crs or _home_crs(sources, territory)
    records, repairs = _joined(sources, "records", target)
    if records is None or records.empty:
        cause = "holds no polygon of a building, so that everything in the image would look undeclared"
        raise RecordsError(path, cause + _dropped(repairs), "give the buildings that the cadastre knows")
    records, apart = take_apart(records, ids=_ID_COLUMNS["records"])
    parcels, more = _joined(sources, "parcels", target)
    sheets, most = _joined(sources, "sheets", target)
    repairs = repairs + apart + more + most
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    return RecordSet(
        records=assign_sheets(records, sheets, parcels, territory=territory),
        parcels=parcels,
        sheets=sheets,
        source_format=sources[0].source_format,
        repairs=repairs,
        paths=tuple(file for source in sources for file in source.paths),
        source_crs=sources[0].crs.name,
        crs_origin=sources[0].crs_origin,
    )


def read_parcels(path: Path, *, crs: pyproj.CRS, declared_crs: str | None = None) -> gpd.GeoDataFrame:
    """Read parcels from an Etalab file, an EDIGEO bundle, a folder of either, or a vector file.

    Args:
        path: The file or folder.
        crs: CRS of the result.
        declared_crs: CRS that overrides what the source says.

    Raises:
        RecordsError: The path cannot be read or holds no usable parcel.
    """
    parcels, repairs = _joined(
        find_layers(path, "parcels", RecordsHints(declared_crs=declared_crs)), "parcels", crs
    )
    if parcels is None or parcels.empty:
        cause = "holds no parcel that could be used" + _dropped(repairs)
        raise RecordsError(path, cause, "give the parcels of the cadastre, or leave them out")
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    return parcels


def _dropped(repairs: Repairs) -> str:
    return f" ({repairs.describe()})" if repairs.counts else ""


def _home_crs(sources: Sequence[Layers], territory: Territory | None) -> pyproj.CRS:
    # The usual place: one corner off the globe has no say.
    bounds = [
        np.nanmedian(table.bounds, axis=0)
        for source in sources
        for table in (source.records, source.parcels)
        if table is not None and np.isfinite(table.total_bounds).all()
    ]
    # Without any outline there is nothing to bring anywhere.
    crs = sources[0].crs
    return home_crs(crs, tuple(bounds[0]), territory=territory) if bounds else crs


def _joined(
    sources: Sequence[Layers], table: str, crs: pyproj.CRS
) -> tuple[gpd.GeoDataFrame | None, Repairs]:
    """Bring one table of all sources together, mended, in one CRS."""
    repairs, frames = Repairs(), []
    for source in sources:
        frame = getattr(source, table)
        if frame is not None:
            mended, notes = repair_polygons(frame, ids=_ID_COLUMNS[table], crs=crs)
            frames.append(mended)
            repairs += notes + source.repairs if table == "records" else notes
    if not frames:
        return None, repairs
    joined, notes = drop_repeated(pd.concat(frames, ignore_index=True), ids=_ID_COLUMNS[table])
    return joined.reset_index(drop=True), repairs + notes
