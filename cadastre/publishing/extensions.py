"""Registered extensions of the GeoPackage standard that GDAL does not write by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


def register_extension(database: sqlite3.Connection, name: str, tables: Sequence[str]) -> None:
    """Note in ``gpkg_extensions`` that ``tables`` belong to the standard extension ``name``.

    Args:
        database: An open GeoPackage.
        name: "gpkg_schema" or "gpkg_metadata".
        tables: Tables that the extension brings.
    """
    definition = f"http://www.geopackage.org/spec121/#extension_{name.removeprefix('gpkg_')}"
    database.executemany(
        "INSERT INTO gpkg_extensions(table_name, column_name, extension_name, definition, scope) "
        "VALUES (?, NULL, ?, ?, 'read-write')",
        [(table, name, definition) for table in tables],
    )
