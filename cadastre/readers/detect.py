"""The way in: one path, whatever the format, into the canonical tables."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import geopandas as gpd
import pandas as pd
import pyproj

from vigibati.cadastre.crs import metric_crs_at
from vigibati.cadastre.readers.edigeo import is_edigeo, read_edigeo
from vigibati.cadastre.readers.etalab import etalab_sets, read_etalab
from vigibati.cadastre.readers.layers import Layers
from vigibati.cadastre.readers.vector import read_vector_parcels, read_vector_records
from vigibati.cadastre.repair import Repairs, drop_repeated, repair_polygons
from vigibati.cadastre.sheets import assign_sheets
from vigibati.cadastre.tables import RecordSet
from vigibati.configs.errors import RecordsError

_LOG: Final = logging.getLogger(__name__)

_ID_COLUMNS: Final = {"records": "record_id", "parcels": "parcel_id", "sheets": "sheet_id"}
_Wanted = Literal["records", "parcels"]


def read_records(path: Path, *, crs: pyproj.CRS | None = None, declared_crs: str | None = None) -> RecordSet:
    """Read the buildings and pools that the cadastre knows, with parcels and sheets where given.

    Args:
        path: An Etalab file ``...-batiments.json(.gz)`` (its siblings in the folder are
            read too), an EDIGEO bundle, a folder of either, or one vector file of polygons.
        crs: Projected CRS of the result; None for the CRS of the source, or the one
            of its territory if the source is in degrees.
        declared_crs: CRS that overrides what the source says, such as "EPSG:2154".

    Raises:
        RecordsError: The path cannot be read or holds no usable building.
    """
    sources = _read(path, "records", declared_crs)
    target = crs or _home_crs(sources)
    records, repairs = _joined(sources, "records", target)
    if records is None or records.empty:
        cause = "holds no polygon of a building, so that everything in the image would look undeclared"
        dropped = f" ({repairs.describe()})" if repairs.counts else ""
        raise RecordsError(path, cause + dropped, "give the buildings that the cadastre knows")
    parcels, more = _joined(sources, "parcels", target)
    sheets, most = _joined(sources, "sheets", target)
    repairs = repairs + more + most
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    return RecordSet(
        records=assign_sheets(records, sheets, parcels),
        parcels=parcels,
        sheets=sheets,
        source_format=sources[0].source_format,
        repairs=repairs,
        paths=tuple(file for source in sources for file in source.paths),
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
    parcels, repairs = _joined(_read(path, "parcels", declared_crs), "parcels", crs)
    if parcels is None or parcels.empty:
        raise RecordsError(path, "holds no parcel", "give the parcels of the cadastre, or leave them out")
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    return parcels


def _read(path: Path, wanted: _Wanted, declared_crs: str | None) -> Sequence[Layers]:
    if not path.exists():
        raise RecordsError(path, "is not there", "give an existing file or folder")
    if is_edigeo(path):
        return [read_edigeo(path, declared_crs=declared_crs)]
    if path.is_dir():
        return _read_folder(path, declared_crs)
    named = etalab_sets([path])
    if not named:
        reader = read_vector_records if wanted == "records" else read_vector_parcels
        return [reader(path, declared_crs=declared_crs)]
    ((place, files),) = named.items()
    layer = next(iter(files))
    fitting = ("batiments", "tsurf") if wanted == "records" else ("parcelles",)
    if layer not in fitting:
        cause = f"holds {layer}, where {fitting[0]} are asked for"
        raise RecordsError(path, cause, f"give {place}-{fitting[0]}.json.gz, or the folder that holds both")
    if wanted == "records":
        siblings = (file for file in path.parent.iterdir() if file.name.startswith(f"{place}-"))
        files = etalab_sets(siblings)[place]
    return [read_etalab(place, files, declared_crs=declared_crs)]


def _read_folder(folder: Path, declared_crs: str | None) -> Sequence[Layers]:
    entries = sorted(folder.iterdir())
    bundles = [entry for entry in entries if is_edigeo(entry)]
    sets = etalab_sets(entry for entry in entries if entry.is_file())
    if bundles and sets:
        cause = "holds both EDIGEO and Etalab files, so that records would count twice"
        raise RecordsError(folder, cause, "keep one of the two in the folder")
    if not bundles and not sets:
        cause = "holds neither EDIGEO bundles (edigeo-*.tar.bz2) nor Etalab files (*-batiments.json.gz)"
        raise RecordsError(folder, cause, "give the folder of the cadastre, or one vector file")
    _refuse_repeated(bundles)
    if bundles:
        return [read_edigeo(bundle, declared_crs=declared_crs) for bundle in bundles]
    return [read_etalab(place, files, declared_crs=declared_crs) for place, files in sets.items()]


def _refuse_repeated(bundles: Iterable[Path]) -> None:
    seen: dict[str, Path] = {}
    for bundle in bundles:
        name = bundle.name.removesuffix(".tar.bz2")
        if name in seen:
            raise RecordsError(
                bundle, f"is there a second time as {seen[name].name}", "remove one of the two"
            )
        seen[name] = bundle


def _home_crs(sources: Sequence[Layers]) -> pyproj.CRS:
    frame = next(
        table for source in sources for table in (source.records, source.parcels) if table is not None
    )
    crs = pyproj.CRS(frame.crs)
    if crs.is_projected:
        return crs
    west, south, east, north = frame.total_bounds
    return metric_crs_at(((west + east) / 2, (south + north) / 2), crs=crs)


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
            repairs += notes
    if not frames:
        return None, repairs
    joined, notes = drop_repeated(pd.concat(frames, ignore_index=True), ids=_ID_COLUMNS[table])
    return joined.reset_index(drop=True), repairs + notes
