"""Plain names of columns and lists of allowed values, as an extension of GeoPackage keeps them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from vigibati.cadastre.choices import CHOICES
from vigibati.cadastre.publishing.columns import LAYOUTS
from vigibati.cadastre.words import Language

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS gpkg_data_columns (
  table_name TEXT NOT NULL,
  column_name TEXT NOT NULL,
  name TEXT,
  title TEXT,
  description TEXT,
  mime_type TEXT,
  constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT fk_gdc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
  constraint_name TEXT NOT NULL,
  constraint_type TEXT NOT NULL,
  value TEXT,
  min NUMERIC,
  min_is_inclusive BOOLEAN,
  max NUMERIC,
  max_is_inclusive BOOLEAN,
  description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
"""


def write_value_lists(database: sqlite3.Connection, lang: Language) -> None:
    """Describe columns and their allowed values in ``gpkg_data_columns`` (extension gpkg_schema).

    Programs without our styles, such as QField or a plain QGIS project, then still offer a
    list instead of a free text.

    Args:
        database: An open GeoPackage that holds the layers.
        lang: Language of names and descriptions.
    """
    database.executescript(_TABLES)
    register_extension(database, "gpkg_schema", ("gpkg_data_columns", "gpkg_data_column_constraints"))
    database.executemany(
        "INSERT INTO gpkg_data_column_constraints(constraint_name, constraint_type, value, description) "
        "VALUES (?, 'enum', ?, ?)",
        [
            (f"vigibati_{name}", value, phrase.said_in(lang))
            for name, values in CHOICES.items()
            for value, phrase in values.items()
        ],
    )
    database.executemany(
        "INSERT INTO gpkg_data_columns(table_name, column_name, name, title, constraint_name) "
        "VALUES (?, ?, ?, ?, ?)",
        [
            (
                layer,
                column.name,
                column.alias.said_in(lang),
                column.alias.said_in(lang),
                None if column.choices is None else f"vigibati_{column.choices}",
            )
            for layer, columns in LAYOUTS.items()
            for column in columns
        ],
    )


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
