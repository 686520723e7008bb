"""The one file that planners open: a GeoPackage with layers, styles, forms, project, provenance."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import geopandas as gpd
import pyogrio
import pyproj
from pyogrio.errors import DataLayerError, DataSourceError

from vigibati.cadastre.gdal_settings import gdal_settings
from vigibati.cadastre.publishing.columns import LAYOUTS, arrange
from vigibati.cadastre.publishing.gpkg_metadata import write_provenance
from vigibati.cadastre.publishing.gpkg_schema import write_value_lists
from vigibati.cadastre.publishing.qgis_project import Extent, write_project
from vigibati.cadastre.publishing.qgis_styles import layer_style
from vigibati.cadastre.publishing.qgis_symbols import qgis_text
from vigibati.cadastre.words import DESCRIPTIONS, TITLES, Language
from vigibati.configs.atomic_files import GEOPACKAGE_VERSION, check_geopackage, whole_file
from vigibati.configs.errors import OutputError
from vigibati.configs.territory import Territory, usual_territory

# GDAL need not wait for the disk: the file is brought there when it is whole.
_UNSYNCHRONISED: Final = {"OGR_SQLITE_SYNCHRONOUS": "OFF"}
# The column list is QGIS 3.22's own; it finds a style by exactly these columns.
_STYLES_TABLE: Final = """
CREATE TABLE "layer_styles" ("id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
 "f_table_catalog" TEXT(256), "f_table_schema" TEXT(256), "f_table_name" TEXT(256),
 "f_geometry_column" TEXT(256), "styleName" TEXT(30), "styleQML" TEXT, "styleSLD" TEXT,
 "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
 "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""


def publish(
    out: Path,
    *,
    cases: gpd.GeoDataFrame,
    footprints: gpd.GeoDataFrame,
    records: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame | None,
    provenance: Mapping[str, object],
    lang: Language = "fr",
    territory: Territory | None = None,
) -> None:
    """Write the GeoPackage for QGIS and QField, whole or not at all.

    The file holds the layers ``cases``, ``footprints``, ``records`` and ``parcels`` (all
    MultiPolygon, geometry column ``geom``, with spatial index), their default styles and
    forms (``layer_styles``), lists of allowed values (``gpkg_schema``), one embedded
    project "revue" and the provenance (``gpkg_metadata``). Empty layers keep their columns.

    Args:
        out: GeoPackage to write; an earlier one is replaced in one step.
        cases: Ranked cases, polygons in a projected CRS.
        footprints: What was found in the image, same CRS.
        records: What the cadastre knows, same CRS.
        parcels: Parcels, same CRS; None where the records came without.
        provenance: Document kept in the file, see ``write_provenance``.
        lang: Language of titles, forms and legends.
        territory: Whose parcels they are, for their labels; those of France when None.

    Raises:
        OutputError: ``out`` cannot be written, is not a ``.gpkg``, is open in another
            program, or the layers do not share one projected CRS.
    """
    check_geopackage(out)
    crs = _shared_crs(out, {"cases": cases, "footprints": footprints, "records": records, "parcels": parcels})
    absent = gpd.GeoDataFrame(geometry=[], crs=crs)
    given = {"cases": cases, "footprints": footprints, "records": records}
    given["parcels"] = absent if parcels is None else parcels
    tables = {layer: arrange(given[layer], layer) for layer in LAYOUTS}
    with whole_file(out) as part:
        try:
            with gdal_settings(_UNSYNCHRONISED):
                for layer, table in tables.items():
                    _write_layer(part, layer, table, lang)
            with closing(sqlite3.connect(part)) as database, database:
                label = (territory or usual_territory()).parcel.label
                styles = {layer: layer_style(layer, lang, parcel_label=label) for layer in LAYOUTS}
                _write_styles(database, styles)
                write_value_lists(database, lang)
                write_project(
                    database,
                    file_name=out.name,
                    styles=styles,
                    crs=crs,
                    extent=_first_view(tables),
                    lang=lang,
                )
                write_provenance(database, provenance)
            _close_soundly(part)
        except (sqlite3.Error, DataLayerError, DataSourceError) as error:
            raise OutputError(
                out, f"could not be written ({error})", "free disk space or choose another place"
            ) from error


def _shared_crs(out: Path, tables: Mapping[str, gpd.GeoDataFrame | None]) -> pyproj.CRS:
    systems = {layer: table.crs for layer, table in tables.items() if table is not None}
    crs: pyproj.CRS | None = systems["cases"]
    if crs is None or not crs.is_projected:
        raise OutputError(out, f"the cases are in {crs}, not in metres", "compare in the legal projected CRS")
    for layer, other in systems.items():
        if other != crs:
            raise OutputError(
                out,
                f"layer {layer} is in {_name(other)}, the cases in {_name(crs)}",
                "reproject them to one CRS",
            )
    return crs


def _name(crs: pyproj.CRS | None) -> str:
    return "no CRS" if crs is None else ":".join(crs.to_authority() or (crs.name,))


def _write_layer(part: Path, layer: str, table: gpd.GeoDataFrame, lang: Language) -> None:
    pyogrio.write_dataframe(
        table,
        part,
        layer=layer,
        driver="GPKG",
        geometry_type="MultiPolygon",
        promote_to_multi=True,
        use_arrow=True,
        dataset_options={"VERSION": GEOPACKAGE_VERSION},
        layer_options={
            "GEOMETRY_NAME": "geom",
            "FID": "fid",
            "SPATIAL_INDEX": "YES",
            "IDENTIFIER": TITLES[layer].said_in(lang),
            "DESCRIPTION": DESCRIPTIONS[layer].said_in(lang),
        },
    )


def _write_styles(database: sqlite3.Connection, styles: Mapping[str, ET.Element]) -> None:
    database.execute(_STYLES_TABLE)
    database.execute(
        "INSERT INTO gpkg_contents(table_name, data_type, identifier, srs_id) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', 0)"
    )
    # An empty schema, never NULL, and the right geometry column: otherwise QGIS passes over the style.
    database.executemany(
        "INSERT INTO layer_styles(f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner) "
        "VALUES ('', '', ?, 'geom', 'VigiBâti', ?, '', 1, 'VigiBâti', '')",
        [(layer, qgis_text(style)) for layer, style in styles.items()],
    )


def _first_view(tables: Mapping[str, gpd.GeoDataFrame]) -> Extent | None:
    for layer in ("cases", "records", "footprints", "parcels"):
        if len(tables[layer]):
            minx, miny, maxx, maxy = (float(value) for value in tables[layer].total_bounds)
            return Extent(minx, miny, maxx, maxy).widened(share=0.05, least=25.0)
    return None


def _close_soundly(part: Path) -> None:
    with closing(sqlite3.connect(part)) as database:
        (mode,) = database.execute("PRAGMA journal_mode=DELETE").fetchone()
        problems = [row[0] for row in database.execute("PRAGMA integrity_check")]
        problems += [str(row) for row in database.execute("PRAGMA foreign_key_check")]
    if mode != "delete" or problems != ["ok"]:
        raise sqlite3.DatabaseError("; ".join((f"journal {mode}", *problems)))
