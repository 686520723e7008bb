"""EDIGEO, the exchange format of the DGFiP: one bundle of files for each cadastral sheet."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj

from vigibati.cadastre.readers.etalab import is_pool
from vigibati.cadastre.readers.files import DECLARE_CRS, crs_from, unpacked_limit
from vigibati.cadastre.readers.layers import Layers, parcels_from, records_from, sheets_from
from vigibati.configs.errors import RecordsError

_SUFFIX: Final = ".tar.bz2"
_NAME: Final = re.compile(r"edigeo-(?P<sheet>(?P<insee>\d[0-9AB]\d{3})\d{3}[0-9A-Z]{2}\d{2})")
_CRS_CODE: Final = re.compile(r"^RELSA\d+:(?P<code>\S+)", re.MULTILINE)

# IGN names as they stand in the GEO file. GDAL derives odd variants of some of them,
# so the EPSG code is forced.
_EPSG: Final = {
    "LAMB93": 2154,
    **{f"RGF93CC{zone}": 3900 + zone for zone in range(42, 51)},
    **dict.fromkeys(("RGAF09UTM20", "RGAF09UTM"), 5490),
    "WGS84UTM20": 32620,
    "RGFG95UTM22": 2972,
    **dict.fromkeys(("RGR92UTM40S", "RGR92UTM"), 2975),
    **dict.fromkeys(("RGM04UTM38S", "RGM04"), 4471),
}


def is_edigeo(path: Path) -> bool:
    """Whether a path is an EDIGEO bundle, packed or as a folder, going by its name and content."""
    if path.is_dir():
        return any(_headers(path))
    return path.name.lower().endswith(_SUFFIX)


def read_edigeo(path: Path, *, declared_crs: str | None = None) -> Layers:
    """Read one sheet: buildings, pools (surfaces with symbol 65), parcels and the sheet itself.

    Args:
        path: ``edigeo-<INSEE5><prefix3><section2><number2>.tar.bz2``, or a folder of that
            name that holds its files. The name matters: the files know no département.
        declared_crs: CRS that overrides what the GEO file says.

    Raises:
        RecordsError: The name, the archive or its content is not that of a bundle.
    """
    match = _NAME.fullmatch(path.name.removesuffix(_SUFFIX))
    if match is None:
        raise RecordsError(
            path,
            "is not named as an EDIGEO bundle, so that its commune is not known",
            "name it edigeo-<INSEE><prefix><section><number>, such as edigeo-130290000A01",
        )
    with _unpacked(path) as folder:
        frames = _frames(folder, path, declared_crs)
    sheet_id, insee = match["sheet"], match["insee"]
    records, parcels, sheet = [], frames.get("PARCELLE_id"), frames.get("SUBDSECT_id")
    if (buildings := frames.get("BATIMENT_id")) is not None:
        records.append(records_from(buildings, prefix=f"{sheet_id}-b", source="edigeo", sheet_id=sheet_id))
    if (surfaces := frames.get("TSURF_id")) is not None:
        pools = surfaces[is_pool(surfaces["SYM"])]
        records.append(
            records_from(pools, prefix=f"{sheet_id}-p", source="edigeo", kind="pool", sheet_id=sheet_id)
        )
    return Layers(
        records=pd.concat(records, ignore_index=True) if records else None,
        parcels=None if parcels is None else parcels_from(parcels, path=path, insee=insee),
        sheets=None if sheet is None else _sheet(sheet, sheet_id),
        source_format="edigeo",
        paths=(path,) if path.is_file() else tuple(file for file in sorted(path.iterdir()) if file.is_file()),
    )


def _sheet(frame: gpd.GeoDataFrame, sheet_id: str) -> gpd.GeoDataFrame:
    ids = pd.Series(sheet_id, index=frame.index, dtype="str")
    return sheets_from(frame, ids=ids, quality="QUPL", making="COPL", scale="EOR")


def _frames(folder: Path, path: Path, declared_crs: str | None) -> dict[str, gpd.GeoDataFrame]:
    headers = list(_headers(folder))
    if len(headers) != 1:
        raise RecordsError(
            path, f"holds {len(headers)} THF files instead of one", "give one bundle for each sheet"
        )
    crs = _crs(folder, path) if declared_crs is None else crs_from(declared_crs, path)
    wanted = ("BATIMENT_id", "TSURF_id", "PARCELLE_id", "SUBDSECT_id")
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(headers[0]) if name in wanted]
        frames = {layer: pyogrio.read_dataframe(headers[0], layer=layer) for layer in layers}
    except (RuntimeError, ValueError) as error:
        raise RecordsError(path, f"cannot be read as EDIGEO ({error})", "download the sheet again") from error
    return {layer: frame.set_crs(crs, allow_override=True) for layer, frame in frames.items()}


def _headers(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.upper() == ".THF")


def _crs(folder: Path, path: Path) -> pyproj.CRS:
    """Read the code of the CRS from the GEO file of the bundle."""
    files = [file for file in sorted(folder.iterdir()) if file.suffix.upper() == ".GEO"]
    text = "\n".join(file.read_text(encoding="latin-1") for file in files)
    codes = sorted({match["code"] for match in _CRS_CODE.finditer(text)})
    if len(codes) != 1 or codes[0] not in _EPSG:
        stated = ", ".join(codes) or "nothing"
        cause = f"states as CRS {stated}, which is not known"
        raise RecordsError(path, cause, DECLARE_CRS)
    return pyproj.CRS.from_epsg(_EPSG[codes[0]])


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vigibati-") as name:
        folder = Path(name)
        try:
            with tarfile.open(path, "r:bz2") as archive:
                _extract(archive, folder, path)
        except (tarfile.TarError, EOFError, OSError) as error:
            cause = f"is no whole tar.bz2 archive ({error})"
            raise RecordsError(path, cause, "download the sheet again") from error
        yield folder


def _extract(archive: tarfile.TarFile, folder: Path, path: Path) -> None:
    """Extract plain files one by one, so that a bomb is seen before it is unpacked."""
    limit = unpacked_limit(path)
    total = 0
    for member in archive:
        if not member.isreg():
            raise RecordsError(
                path, f"holds '{member.name}', which is no plain file", "download the sheet again"
            )
        total += member.size
        if total > limit:
            cause = f"unpacks to more than {limit // 1024**2} MiB"
            raise RecordsError(path, cause, "unpack it yourself if you trust it")
        archive.extract(member, folder, filter="data")
