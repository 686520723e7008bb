"""Files that appear whole or not at all, and their fingerprints."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vigibati.configs.errors import OutputError

GEOPACKAGE_VERSION = "1.2"
"""Of every GeoPackage: GDAL 3.6, which QGIS 3.22 uses, warns at each opening of a newer version."""

_SQLITE_COMPANIONS = ("-journal", "-wal", "-shm")


def check_writable(path: Path) -> None:
    """Refuse a place that cannot take a file, before the work for it is done; makes nothing.

    Args:
        path: File that is to be written, in a folder that may not exist yet.

    Raises:
        OutputError: ``path`` is a folder, or its folder cannot be made or written to.
    """
    if path.is_dir():
        raise OutputError(path, "is a folder", "give the name of a file")
    nearest = next(folder for folder in path.absolute().parents if folder.exists())
    if not nearest.is_dir():
        raise OutputError(path, f"cannot be made, because {nearest} is a file", "choose another folder")
    if not os.access(nearest, os.W_OK):
        raise OutputError(nearest, "cannot be written to", "choose a folder of yours")


def check_geopackage(path: Path) -> None:
    """Refuse a place that cannot take a GeoPackage, before the work for it is done; makes nothing.

    Raises:
        OutputError: ``path`` is not the name of a GeoPackage, GDAL would write it elsewhere, it is open in
            another program, or its folder cannot be written to.
    """
    if path.suffix.lower() != ".gpkg":
        raise OutputError(path, "is not the name of a GeoPackage", "end the name in .gpkg")
    if "!" in str(path.absolute()):
        raise OutputError(path, "has a '!' in its path, which GDAL takes for an archive", "write elsewhere")
    check_writable(path)
    for companion in (Path(f"{path}-wal"), Path(f"{path}-journal")):
        # SQLite would apply such a log to the new file, which it does not belong to.
        if companion.exists():
            raise OutputError(
                path,
                f"is open in another program ({companion.name} lies beside it)",
                "close it there, then run again",
            )


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` only if the block succeeds.

    The temporary file lies in the same folder, so that the last step is one atomic
    rename; it keeps the suffix, because GDAL drivers look at it. Whatever the block
    left behind is removed when it fails, and an earlier ``path`` stays as it was.

    Args:
        path: Final file; its folder is made when it is missing.

    Raises:
        OutputError: ``path`` is a folder, or its folder cannot be written to.
    """
    check_writable(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            path.parent, f"cannot be made ({error.strerror})", "choose another folder"
        ) from error
    # In containers of several machines that share the folder every process may have the same number.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.part{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        # Some writers make private files; a result is to be read by whoever reads its folder.
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        for leftover in (temporary, *(Path(f"{temporary}{end}") for end in _SQLITE_COMPANIONS)):
            leftover.unlink(missing_ok=True)


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read in blocks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
