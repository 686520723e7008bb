"""Packed files, unpacked into a temporary one and never beyond a size that is plausible."""

from __future__ import annotations

import bz2
import gzip
import zlib
from pathlib import Path
from typing import Final

from vigibati.configs.errors import RecordsError

GZIP_MAGIC: Final = b"\x1f\x8b"
BZIP2_MAGIC: Final = b"BZh"

_MAX_BYTES: Final = 2 * 1024**3
_MAX_RATIO: Final = 200
_RATIO_FREE_BYTES: Final = 16 * 1024**2
_CHUNK_BYTES: Final = 1024**2


def starts_with(path: Path, magic: bytes) -> bool:
    """Whether a path is a file that starts with these bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as handle:
        return handle.read(len(magic)) == magic


def unpack(path: Path, into: Path, *, whole: str) -> None:
    """Unpack a gzip or bzip2 file; what it unpacks to is bounded by 200 times its size, 16 MiB to 2 GiB.

    Args:
        path: The packed file.
        into: File to write.
        whole: What the file should be, for the error: "gzip file".

    Raises:
        RecordsError: The file is damaged, or a bomb.
    """
    limit = min(_MAX_BYTES, max(_RATIO_FREE_BYTES, _MAX_RATIO * path.stat().st_size))
    opener = bz2.open if starts_with(path, BZIP2_MAGIC) else gzip.open
    with into.open("wb") as out:
        try:
            with opener(path, "rb") as packed:
                while chunk := packed.read(_CHUNK_BYTES):
                    if out.tell() + len(chunk) > limit:
                        cause = f"unpacks to more than {limit // 1024**2} MiB"
                        raise RecordsError(path, cause, "unpack it yourself if you trust it")
                    out.write(chunk)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise RecordsError(path, f"is no whole {whole} ({error})", "download it again") from error
        except OSError as error:
            # Only the decoder's own complaint has no number: a full disk is another matter.
            if error.errno is not None:
                raise
            raise RecordsError(path, f"is no whole {whole} ({error})", "download it again") from error
