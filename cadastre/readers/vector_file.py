"""One vector file, opened only after a look at its first bytes."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyogrio
import shapely

from vigibati.cadastre.readers.archives import GZIP_MAGIC, starts_with, unpack
from vigibati.cadastre.readers.offline import offline, points_elsewhere
from vigibati.configs.errors import RecordsError

_HEAD_BYTES: Final = 4096
_GML_ROOT: Final = re.compile(
    rb"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<(\w+:)?(FeatureCollection|SpatialDataset)\b", re.DOTALL
)
_CONVERT: Final = "convert it to GeoPackage or GeoJSON"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that can be read.

    Attributes:
        path: What GDAL is to read: the file, or its unpacked copy.
        driver: OGR's name of the format.
        layers: Name and type of geometry of each layer, such as "MultiPolygon", "Unknown" or "None".
    """

    path: Path
    driver: str
    layers: tuple[tuple[str, str], ...]


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """Open a GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML file, without network, until the block ends.

    ``.gz`` is unpacked into a temporary file with a limit on size. The format follows from the first bytes,
    never from the name, so that nothing which could point elsewhere (VRT, remote addresses) is ever opened.

    Raises:
        RecordsError: The file is missing, damaged, or of another format; GDAL's and shapely's errors inside
            the block become one too.
    """
    with _plain_file(path) as plain:
        driver = _driver_of(plain, path)
        try:
            with offline():
                layers = tuple((str(name), str(kind)) for name, kind in pyogrio.list_layers(plain))
                yield Opened(plain, driver, layers)
        except RecordsError:
            raise
        except UnicodeDecodeError as error:
            cause = f"holds text that is not in the encoding that it states ({error.encoding})"
            cure = "of a Shapefile, remove the .cpg or write the right encoding into it"
            raise RecordsError(path, cause, cure) from error
        except (RuntimeError, ValueError, shapely.errors.ShapelyError) as error:
            raise RecordsError(path, f"cannot be read as {driver} ({error})", "give a whole file") from error


@contextmanager
def _plain_file(path: Path) -> Iterator[Path]:
    if not path.is_file():
        raise RecordsError(
            path, "is not there" if not path.exists() else "is no file", "give an existing file"
        )
    if "!" in str(path.resolve()):
        raise RecordsError(path, "has a '!' in its path, which GDAL takes for an archive", "rename it")
    packed = path.suffix == ".gz" or starts_with(path, GZIP_MAGIC)
    if not packed and not _GML_ROOT.match(_head(path)):
        yield path.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="vigibati-") as folder:
        plain = Path(folder) / path.name.removesuffix(".gz")
        if packed:
            unpack(path, plain, whole="gzip file")
        else:
            # GDAL writes a .gfs beside a GML file, and believes one that lies there already.
            plain.symlink_to(path.resolve())
        yield plain


def _head(path: Path) -> bytes:
    """Return the first bytes, without the mark of UTF-8 and without leading space."""
    with path.open("rb") as handle:
        return handle.read(_HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()


def _driver_of(plain: Path, path: Path) -> str:
    head = _head(plain)
    if not plain.stat().st_size:
        raise RecordsError(path, "is empty", "download it again")
    if points_elsewhere(plain):
        raise RecordsError(path, "only says where else to read (VRT or the like)", _CONVERT)
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG"
    if head.startswith(b"fgb\x03fgb"):
        return "FlatGeobuf"
    if head.startswith(b"\x00\x00\x27\x0a") and plain.suffix.lower() == ".shp":
        return "ESRI Shapefile"
    if head.startswith(b"{"):
        return "GeoJSON"
    if _GML_ROOT.match(head):
        return "GML"
    if head.startswith(b"PK"):
        raise RecordsError(path, "is a zip archive", "unpack it and give the file inside")
    start = head[:16].decode("latin-1")
    raise RecordsError(
        path, f"is no GeoPackage, GeoJSON, Shapefile, FlatGeobuf or GML (it starts with {start!r})", _CONVERT
    )
