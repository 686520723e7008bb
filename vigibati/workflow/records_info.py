"""`records info`: what is understood of cadastral records, before anything is compared with them."""

from __future__ import annotations

from pathlib import Path

from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.readers.summary import describe_records
from vigibati.configs.paths import StrPath


def records_info(path: StrPath, *, hints: RecordsHints = NO_HINTS) -> dict[str, object]:
    """Read records and return what was understood of them, JSON-ready; see `describe_records`.

    Args:
        path: Records in any format that is read.
        hints: What overrides the files of the records: CRS, format, columns.

    Raises:
        RecordsError: They cannot be read.
    """
    return describe_records(read_records(Path(path), hints=hints))
