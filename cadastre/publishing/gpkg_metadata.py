"""Where a result comes from, kept inside the GeoPackage itself."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path, PurePath
from typing import Any, Final

from vigibati.cadastre.publishing.gpkg_schema import register_extension
from vigibati.configs.errors import InputError

STANDARD_URI: Final = "urn:vigibati:provenance:1"
"""Value of ``md_standard_uri`` of our document in ``gpkg_metadata``."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS gpkg_metadata (
  id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL,
  md_scope TEXT NOT NULL DEFAULT 'dataset',
  md_standard_uri TEXT NOT NULL,
  mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (
  reference_scope TEXT NOT NULL,
  table_name TEXT,
  column_name TEXT,
  row_id_value INTEGER,
  timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL,
  md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
  CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id));
"""
# The folders of an absolute path at the start of a text or of a word in it; they may hold blanks.
_FOLDERS: Final = re.compile(
    r"""(?<![^\s=,(\['"])(?:~|[A-Za-z]:)?[\\/](?:[^\\/='"\n]*[^\\/\s='"][\\/]+)*(?=[^\\/\s])"""
)


def write_provenance(database: sqlite3.Connection, document: Mapping[str, object]) -> None:
    """Store ``document`` as JSON in ``gpkg_metadata``, without the folders of this machine.

    Paths are cut down to their file name: the file travels, and a folder may name a person.

    Args:
        database: An open GeoPackage.
        document: Values of JSON; ``Path`` and dates are allowed too. A command is best
            given as a list of arguments.

    Raises:
        ValueError: The document holds NaN or infinity.
        TypeError: It holds a value that JSON does not know.
    """
    text = json.dumps(_portable(document), ensure_ascii=False, allow_nan=False, indent=1)
    database.executescript(_TABLES)
    register_extension(database, "gpkg_metadata", ("gpkg_metadata", "gpkg_metadata_reference"))
    row = database.execute(
        "INSERT INTO gpkg_metadata(md_scope, md_standard_uri, mime_type, metadata) "
        "VALUES ('dataset', ?, 'application/json', ?)",
        (STANDARD_URI, text),
    )
    database.execute(
        "INSERT INTO gpkg_metadata_reference(reference_scope, md_file_id) VALUES ('geopackage', ?)",
        (row.lastrowid,),
    )


def read_provenance(path: Path) -> dict[str, Any]:
    """Return the provenance document of a published GeoPackage.

    Args:
        path: A file written by ``publish``.

    Raises:
        InputError: There is no such file, it is no GeoPackage, or it holds no provenance.
    """
    if not path.is_file():
        raise InputError(path, "is not a file", "give a GeoPackage that vigibati wrote")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute(
                "SELECT metadata FROM gpkg_metadata WHERE md_standard_uri = ? ORDER BY id DESC LIMIT 1",
                (STANDARD_URI,),
            ).fetchone()
    except sqlite3.Error as error:
        raise InputError(
            path, f"holds no provenance ({error})", "give a GeoPackage that vigibati wrote"
        ) from error
    if row is None:
        raise InputError(path, "holds no provenance of vigibati", "give a GeoPackage that vigibati wrote")
    document: dict[str, Any] = json.loads(row[0])
    return document


def _portable(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _portable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_portable(item) for item in value]
    if isinstance(value, PurePath):
        return value.name
    if isinstance(value, date):
        return value.isoformat()
    return _FOLDERS.sub("", value) if isinstance(value, str) else value
