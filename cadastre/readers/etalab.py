"""Etalab's cadastre: GeoJSON files of one commune or département, side by side in a folder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.readers.any_vector import USUAL_COLUMNS
from vigibati.cadastre.readers.column_mapping import listed, lower_columns, records_by
from vigibati.cadastre.readers.polygon_layer import PolygonLayer
from vigibati.cadastre.readers.reader_result import Layers, parcels_from, sheets_from
from vigibati.configs.errors import RecordsError
from vigibati.configs.records_mapping import RecordsMapping

POOLS: Final = RecordsMapping.model_validate(
    {**USUAL_COLUMNS.model_dump(), "kind": (), "other_kind": "pool", "record_id": ()}
)
"""Surfaces (TSURF) of the cadastral plan that are pools."""

_POOL_SYMBOL: Final = 65

_COLUMNS: Final = {
    "batiments": ("type", "nom", "commune"),
    "parcelles": ("id", "commune", "prefixe", "section", "numero"),
    "feuilles": ("id", "qualite", "modeConfection", "echelle"),
    "tsurf": ("SYM",),
}

# Etalab's own files are "cadastre-", those that it takes over from the DGFiP as they are "pci-".
_NAME: Final = re.compile(
    r"(cadastre-|pci-)?(?P<place>.+)-(?P<layer>batiments|parcelles|feuilles|tsurf)\.(json|geojson)(\.gz)?",
    re.IGNORECASE,
)


def etalab_sets(paths: Iterable[Path]) -> Mapping[str, Mapping[str, Path]]:
    """Group Etalab files by place, then by layer, going by their names.

    Args:
        paths: Any files; those with other names are left out.

    Returns:
        {"13029": {"batiments": path, "parcelles": path, ...}, ...}, sorted.

    Raises:
        RecordsError: One layer of a place is there twice, plain and packed.
    """
    sets: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(paths):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        layers = sets[match["place"]]
        layer = match["layer"].lower()
        if layer in layers:
            raise RecordsError(
                path, f"is there a second time as {layers[layer].name}", "remove one of the two"
            )
        layers[layer] = path
    return sets


def etalab_layer(frame: gpd.GeoDataFrame) -> str | None:
    """Return which of Etalab's layers has these columns: batiments, parcelles, feuilles, or none of them.

    The columns of tsurf tell too little: it is read beside the others alone.
    """
    columns = set(lower_columns(frame))
    found = (name for name, needed in _COLUMNS.items() if {each.lower() for each in needed} <= columns)
    return next((name for name in found if name != "tsurf"), None)


def read_etalab(place: str, layers: Mapping[str, PolygonLayer]) -> Layers:
    """Read the files of one place.

    Args:
        place: Key of :func:`etalab_sets`, such as "13029".
        layers: Polygons by name: batiments, parcelles, feuilles, tsurf.

    Raises:
        RecordsError: A file lacks the columns of Etalab.
    """
    first = next(iter(layers.values()))
    # A commune without pools or buildings has an empty file, which has no columns either.
    frames = {
        name: _as_published(layer, _COLUMNS[name]).to_crs(first.frame.crs)
        for name, layer in layers.items()
        if not layer.frame.empty
    }
    records = []
    if "batiments" in frames:
        made = records_by(frames["batiments"], USUAL_COLUMNS, prefix=f"{place}-b", source="etalab")
        records.append(made[0])
    if "tsurf" in frames:
        pools = frames["tsurf"][is_pool(frames["tsurf"]["SYM"])]
        records.append(records_by(pools, POOLS, prefix=f"{place}-p", source="etalab")[0])
    return Layers(
        records=pd.concat(records, ignore_index=True) if records else None,
        parcels=parcels_from(frames["parcelles"], path=layers["parcelles"].path)
        if "parcelles" in frames
        else None,
        sheets=_sheets(frames["feuilles"]) if "feuilles" in frames else None,
        source_format="etalab",
        paths=tuple(layer.path for layer in layers.values()),
        crs=first.frame.crs,
        crs_origin=first.crs_origin,
    )


def is_pool(symbols: pd.Series[Any]) -> pd.Series[bool]:
    """Return which surfaces (TSURF) of the cadastral plan are swimming pools, by their symbol (SYM).

    The codes come as text, as numbers, or as decimals where one of them is missing.
    """
    return pd.to_numeric(symbols, errors="coerce") == _POOL_SYMBOL


def _sheets(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return sheets_from(frame, ids=frame["id"], quality="qualite", making="modeConfection", scale="echelle")


def _as_published(layer: PolygonLayer, columns: tuple[str, ...]) -> gpd.GeoDataFrame:
    """Return the frame with Etalab's spelling of its columns, which a Shapefile or a database changes."""
    given = {str(name).lower(): name for name in reversed(layer.frame.columns)}
    missing = [name for name in columns if name.lower() not in given]
    if missing:
        cause = f"lacks the column {', '.join(missing)} (columns: {listed(lower_columns(layer.frame))})"
        raise RecordsError(layer.path, cause, "give the file as Etalab publishes it")
    changed = {given[name.lower()]: name for name in columns if name not in layer.frame}
    return layer.frame.rename(columns=changed)
