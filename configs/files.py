"""Files that appear whole or not at all, and their fingerprints."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vigibati.configs.errors import OutputError

_SQLITE_COMPANIONS = ("-journal", "-wal", "-shm")


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
    if path.is_dir():
        raise OutputError(path, "is a folder", "give the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            path.parent, f"cannot be made ({error.strerror})", "choose another folder"
        ) from error
    if not os.access(path.parent, os.W_OK):
        raise OutputError(path.parent, "cannot be written to", "choose a folder of yours")
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
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
