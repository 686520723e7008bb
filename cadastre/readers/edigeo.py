"""EDIGEO, the exchange format of the DGFiP: one bundle of files for each cadastral sheet."""

from __future__ import annotations

import io
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj

from vigibati.cadastre.readers.any_vector import USUAL_COLUMNS
from vigibati.cadastre.readers.archives import BZIP2_MAGIC, starts_with, unpack
from vigibati.cadastre.readers.column_mapping import records_by
from vigibati.cadastre.readers.etalab import POOLS, is_pool
from vigibati.cadastre.readers.offline import offline, points_elsewhere
from vigibati.cadastre.readers.polygon_layer import DECLARE_CRS, crs_from
from vigibati.cadastre.readers.reader_result import Layers, parcels_from, sheets_from
from vigibati.configs.errors import RecordsError

_SUFFIX: Final = ".tar.bz2"
_MAX_MEMBERS: Final = 100
_AGAIN: Final = "download the sheet again"
# The conic projections of IGN (CC) have sheets of their own.
_NAME: Final = re.compile(r"edigeo-(cc-)?(?P<sheet>(?P<insee>\d[0-9AB]\d{3})\d{3}[0-9A-Z]{2}\d{2})")
_CRS_CODE: Final = re.compile(r"^RELSA\d+:(?P<code>\S+)", re.MULTILINE)

# IGN names as they stand in the GEO file. GDAL derives odd variants of some of them,
# so the EPSG code is forced.
_EPSG: Final = {
    "LAMB93": 2154,
    **{f"RGF93CC{zone}": 3900 + zone for zone in range(42, 51)},
    **dict.fromkeys(("RGAF09UTM20", "RGAF09UTM"), 5490),
    "WGS84UTM20": 32620,
    "GUAD48UTM20": 2970,
    "GUADFM49U20": 2969,
    "MART38UTM20": 2973,
    **dict.fromkeys(("RGFG95UTM22", "UTM22RGFG95"), 2972),
    **dict.fromkeys(("RGR92UTM40S", "RGR92UTM"), 2975),
    **dict.fromkeys(("RGM04UTM38S", "RGM04"), 4471),
}


def is_edigeo(path: Path) -> bool:
    """Whether a path is an EDIGEO bundle, packed (bzip2) or as a folder, going by its content."""
    return any(_headers(path)) if path.is_dir() else starts_with(path, BZIP2_MAGIC)


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
        headers = list(_headers(folder))
        if len(headers) != 1:
            cause = f"holds {len(headers)} THF files instead of one"
            raise RecordsError(path, cause, "give one bundle for each sheet")
        code, crs = _crs(folder, path, declared_crs)
        frames = _frames(headers[0], path, crs)
    sheet_id, insee = match["sheet"], match["insee"]
    records, parcels, sheet = [], frames.get("PARCELLE_id"), frames.get("SUBDSECT_id")
    if (buildings := frames.get("BATIMENT_id")) is not None:
        records.append(
            records_by(buildings, USUAL_COLUMNS, prefix=f"{sheet_id}-b", source="edigeo", sheet_id=sheet_id)[
                0
            ]
        )
    if (surfaces := frames.get("TSURF_id")) is not None:
        pools = surfaces[is_pool(surfaces["SYM"])]
        records.append(
            records_by(pools, POOLS, prefix=f"{sheet_id}-p", source="edigeo", sheet_id=sheet_id)[0]
        )
    return Layers(
        records=pd.concat(records, ignore_index=True) if records else None,
        parcels=None if parcels is None else parcels_from(parcels, path=path, insee=insee),
        sheets=None if sheet is None else _sheet(sheet, sheet_id),
        source_format="edigeo",
        paths=(path,) if path.is_file() else tuple(file for file in sorted(path.iterdir()) if file.is_file()),
        crs=crs,
        crs_origin=f"declared as {declared_crs}" if declared_crs else f"{code} in the GEO file of the bundle",
    )


def _sheet(frame: gpd.GeoDataFrame, sheet_id: str) -> gpd.GeoDataFrame:
    ids = pd.Series(sheet_id, index=frame.index, dtype="str")
    return sheets_from(frame, ids=ids, quality="QUPL", making="COPL", scale="EOR")


def _frames(header: Path, path: Path, crs: pyproj.CRS) -> dict[str, gpd.GeoDataFrame]:
    wanted = ("BATIMENT_id", "TSURF_id", "PARCELLE_id", "SUBDSECT_id")
    if points_elsewhere(header):
        raise RecordsError(path, f"holds '{header.name}', which only says where else to read", _AGAIN)
    try:
        with offline():
            layers = [str(name) for name, _ in pyogrio.list_layers(header) if name in wanted]
            frames = {layer: pyogrio.read_dataframe(header, layer=layer) for layer in layers}
    except (RuntimeError, ValueError) as error:
        raise RecordsError(path, f"cannot be read as EDIGEO ({error})", _AGAIN) from error
    return {layer: frame.set_crs(crs, allow_override=True) for layer, frame in frames.items()}


def _headers(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.upper() == ".THF")


def _crs(folder: Path, path: Path, declared_crs: str | None) -> tuple[str, pyproj.CRS]:
    """Read the code of the CRS from the GEO file of the bundle, unless it was declared."""
    if declared_crs is not None:
        return "", crs_from(declared_crs, path)
    files = [file for file in sorted(folder.iterdir()) if file.suffix.upper() == ".GEO"]
    text = "\n".join(file.read_text(encoding="latin-1") for file in files)
    codes = sorted({match["code"] for match in _CRS_CODE.finditer(text)})
    if len(codes) != 1 or codes[0] not in _EPSG:
        stated = ", ".join(codes) or "nothing"
        cause = f"states as CRS {stated}, which is not known"
        raise RecordsError(path, cause, DECLARE_CRS)
    return codes[0], pyproj.CRS.from_epsg(_EPSG[codes[0]])


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield path.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vigibati-") as name:
        plain, folder = Path(name) / "bundle.tar", Path(name) / "bundle"
        folder.mkdir()
        # Unpacked first, so that no header inside can ask for more memory than the file has bytes.
        unpack(path, plain, whole="tar.bz2 archive")
        try:
            with tarfile.open(plain, "r:") as archive:
                _extract(archive, folder, path)
        except (tarfile.TarError, EOFError) as error:
            cause = f"is no whole tar.bz2 archive ({error})"
            raise RecordsError(path, cause, _AGAIN) from error
        yield folder


def _extract(archive: tarfile.TarFile, folder: Path, path: Path) -> None:
    """Copy plain files one by one into one folder, whatever the archive asks for."""
    for count, member in enumerate(archive, start=1):
        inside = PurePosixPath(member.name)
        if inside.is_absolute() or ".." in inside.parts:
            raise RecordsError(path, f"holds '{member.name}', which leads out of the archive", _AGAIN)
        if count > _MAX_MEMBERS:
            raise RecordsError(path, f"holds more than {_MAX_MEMBERS} files, a sheet has ten", _AGAIN)
        if member.isdir():
            continue
        if not member.isreg() or member.issparse():
            raise RecordsError(path, f"holds '{member.name}', which is no plain file", _AGAIN)
        target = folder / inside.name
        if target.exists():
            raise RecordsError(path, f"holds '{inside.name}' twice", _AGAIN)
        with target.open("wb") as out:
            # extractfile gives None for what is no plain file alone.
            shutil.copyfileobj(archive.extractfile(member) or io.BytesIO(), out)
