"""Etalab's cadastre: GeoJSON files of one commune or département, side by side in a folder."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.readers.files import read_polygons
from vigibati.cadastre.readers.layers import Layers, parcels_from, records_from, sheets_from
from vigibati.configs.errors import RecordsError

_POOL_SYMBOL: Final = 65

_NAME: Final = re.compile(
    r"(?P<place>.+)-(?P<layer>batiments|parcelles|feuilles|tsurf)\.(json|geojson)(\.gz)?", re.IGNORECASE
)


def etalab_sets(paths: Iterable[Path]) -> Mapping[str, Mapping[str, Path]]:
    """Group Etalab files by place, then by layer, going by their names.

    Args:
        paths: Any files; those with other names are left out.

    Returns:
        {"cadastre-13029": {"batiments": path, "parcelles": path, ...}, ...}, sorted.

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


def read_etalab(place: str, files: Mapping[str, Path], *, declared_crs: str | None = None) -> Layers:
    """Read the files of one place.

    Args:
        place: Key of :func:`etalab_sets`, such as "cadastre-13029".
        files: Path by layer: batiments, parcelles, feuilles, tsurf.
        declared_crs: CRS that overrides what the files say.

    Raises:
        RecordsError: A file cannot be read, or lacks the columns of Etalab.
    """
    frames = {layer: read_polygons(path, declared_crs=declared_crs).frame for layer, path in files.items()}
    short = place.removeprefix("cadastre-")
    records = []
    if "batiments" in frames:
        records.append(records_from(frames["batiments"], prefix=f"{short}-b", source="etalab"))
    if "tsurf" in frames:
        surfaces = frames["tsurf"]
        _require(surfaces, ("SYM",), files["tsurf"])
        pools = surfaces[is_pool(surfaces["SYM"])]
        records.append(records_from(pools, prefix=f"{short}-p", source="etalab", kind="pool"))
    return Layers(
        records=pd.concat(records, ignore_index=True) if records else None,
        parcels=parcels_from(frames["parcelles"], path=files["parcelles"]) if "parcelles" in frames else None,
        sheets=_sheets(frames["feuilles"], files["feuilles"]) if "feuilles" in frames else None,
        source_format="etalab",
        paths=tuple(files.values()),
    )


def is_pool(symbols: pd.Series[Any]) -> pd.Series[bool]:
    """Return which surfaces (TSURF) of the cadastral plan are swimming pools, by their symbol (SYM).

    The codes come as text, as numbers, or as decimals where one of them is missing.
    """
    return pd.to_numeric(symbols, errors="coerce") == _POOL_SYMBOL


def _sheets(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    _require(frame, ("id", "qualite", "modeConfection", "echelle"), path)
    return sheets_from(frame, ids=frame["id"], quality="qualite", making="modeConfection", scale="echelle")


def _require(frame: gpd.GeoDataFrame, columns: tuple[str, ...], path: Path) -> None:
    missing = [name for name in columns if name not in frame]
    if missing:
        raise RecordsError(
            path, f"lacks the column {', '.join(missing)}", "give the file as Etalab publishes it"
        )
