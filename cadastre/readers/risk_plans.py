"""Zones of risk plans (PPR, PPRT) and protected sectors: polygons with a name."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyproj

from vigibati.cadastre.readers.mojibake import readable
from vigibati.cadastre.readers.polygon_layer import read_polygons
from vigibati.cadastre.readers.vector_file import opened
from vigibati.cadastre.repair import repair_polygons
from vigibati.cadastre.tables import SECTOR_COLUMNS, conform
from vigibati.configs.errors import RecordsError

_LOG: Final = logging.getLogger(__name__)
# The layer of a risk plan that rules building; the others rule expropriation or are mere outlines.
_RULING_LAYER: Final = "zonereglementaireurba"
_RISK_CODES: Final = ("CODEZONEREGLEMENT", "CODEZONE", "CODE_ZONE", "CODE")
_RISK_NAMES: Final = ("LIBELLEZONEREGLEMENT", "LIBELLE", "LIBELONG", "NOM", "ZONE")
_SECTOR_NAMES: Final = ("NOMSUP", "NOMASS", "NOMGEN", "NOM", "LIBELLE", "LIBELONG", "NAME", "TYPEASS")


def read_risk_zones(path: Path, *, crs: pyproj.CRS) -> tuple[gpd.GeoDataFrame, ...]:
    """Read the zones of risk plans.

    Args:
        path: GeoPackage, Shapefile or GeoJSON, as the CNIG standard of risk plans has them or with a
            column ``code``, ``libelle`` or ``nom``, in any case. Of a file with several polygon layers
            those named ``…zonereglementaireurba…`` are read.
        crs: CRS to bring it to.

    Returns:
        A table each layer that is not empty, because a place may lie in a zone of several plans: ``sector``,
        such as ``B3 (Zone d'autorisation limitée - B3)``, and valid polygons.

    Raises:
        RecordsError: The file cannot be read, names no zone, or holds none.
    """
    layers: Sequence[str | None] = _ruling_layers(path) or (None,)
    frames = [read_polygons(path, layer=layer).frame for layer in layers]
    # The standard's template has layers for every hazard, of which a town fills some.
    filled = [frame for frame in frames if not frame.empty] or frames[:1]
    return tuple(_sectors(frame, _risk_names(frame, path), path, crs) for frame in filled)


def read_protected(path: Path, *, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Read protected sectors: surroundings of monuments, sites, and the like.

    Args:
        path: GeoPackage, Shapefile or GeoJSON with the polygons of one layer. A sector is named by the
            columns of the servitudes (``nomsup``, ``nomass``) or ``nom`` or ``libelle``, else by the file.
        crs: CRS to bring it to.

    Returns:
        ``sector`` and valid polygons.

    Raises:
        RecordsError: The file cannot be read or holds no polygon.
    """
    frame = read_polygons(path).frame
    name = _first(frame, _SECTOR_NAMES)
    if name is None:
        name = pd.Series(None, index=frame.index, dtype="str")
    return _sectors(frame, name, path, crs)


def _ruling_layers(path: Path) -> list[str]:
    """Return the layers of polygons that rule building; none in a file that is not named by the standard."""
    with opened(path) as file:
        return [
            name
            for name, kind in file.layers
            if _RULING_LAYER in name.lower() and re.search("Polygon|Surface|Unknown|Collection", kind)
        ]


def _risk_names(frame: gpd.GeoDataFrame, path: Path) -> pd.Series[str]:
    code, name = _first(frame, _RISK_CODES), _first(frame, _RISK_NAMES)
    if code is not None and name is not None:
        both = (code + " (" + name + ")").where(name != code, code)
        return both.fillna(code).fillna(name)
    told = name if code is None else code
    if told is None:
        cause = f"has no column with the name of the zone (columns: {', '.join(map(str, frame.columns))})"
        raise RecordsError(path, cause, "give the zonereglementaireurba layer, or name it codezonereglement")
    return told


def _first(frame: gpd.GeoDataFrame, wanted: Sequence[str]) -> pd.Series[str] | None:
    """Return the first column of those names, in any case, as text without blanks around it."""
    names = {str(name).upper(): name for name in frame.columns}
    found = next((names[name] for name in wanted if name in names), None)
    if found is None:
        return None
    text: pd.Series[str] = frame[found].astype("str").map(readable, na_action="ignore").str.strip()
    return text.where(text != "")


def _sectors(frame: gpd.GeoDataFrame, names: pd.Series[str], path: Path, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    known = pd.DataFrame({"sector": names.fillna(path.stem).to_numpy(), "row": range(1, len(frame) + 1)})
    sectors, repairs = repair_polygons(
        gpd.GeoDataFrame(known, geometry=frame.geometry.array, crs=frame.crs), ids="row", crs=crs
    )
    if repairs.altered:
        _LOG.warning("%s: %s", path, repairs.describe())
    if sectors.empty:
        raise RecordsError(path, "holds no zone that could be used", "leave it out or give another file")
    return conform(sectors, SECTOR_COLUMNS)
