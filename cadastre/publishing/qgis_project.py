"""The QGIS project inside the GeoPackage: open one file, see the layers in order."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

import pyproj

from vigibati.cadastre.publishing.qgis_symbols import QML_VERSION, qgis_text
from vigibati.cadastre.words import TITLES, Language

PROJECT_NAME: Final = "revue"
_ZIP_TIME: Final = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Extent:
    """Rectangle that the project shows first, in its CRS."""

    minx: float
    miny: float
    maxx: float
    maxy: float

    def widened(self, share: float, least: float) -> Extent:
        """Return the rectangle with a margin of ``share`` of its larger side, ``least`` at least."""
        margin = max(share * max(self.maxx - self.minx, self.maxy - self.miny), least)
        return Extent(self.minx - margin, self.miny - margin, self.maxx + margin, self.maxy + margin)


def write_project(
    database: sqlite3.Connection,
    *,
    file_name: str,
    styles: Mapping[str, ET.Element],
    crs: pyproj.CRS,
    extent: Extent | None,
    lang: Language,
) -> None:
    """Store the one QGIS project of the file, named "revue".

    QGIS keeps it as the hexadecimal text of a zip with one ``.qgs`` inside. QField opens
    the first project that it finds: hence there is exactly one.

    Args:
        database: An open GeoPackage.
        file_name: Name under which the file will be opened; the layers refer to it.
        styles: Style per layer, the first drawn on top.
        crs: CRS of the layers and of the project.
        extent: What is shown first; None leaves it to QGIS.
        lang: Language of the titles.
    """
    project = _project(file_name=file_name, styles=styles, crs=crs, extent=extent, lang=lang)
    text = qgis_text(project)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(f"{PROJECT_NAME}.qgs", _ZIP_TIME), text, zipfile.ZIP_DEFLATED)
    metadata = {
        "last_modified_time": datetime.now(UTC).isoformat(timespec="seconds"),
        "last_modified_user": "vigibati",
    }
    database.execute("CREATE TABLE qgis_projects(name TEXT PRIMARY KEY, metadata BLOB, content BLOB)")
    database.execute(
        "INSERT INTO qgis_projects(name, metadata, content) VALUES (?, ?, ?)",
        (PROJECT_NAME, json.dumps(metadata), packed.getvalue().hex()),
    )


def _project(
    *,
    file_name: str,
    styles: Mapping[str, ET.Element],
    crs: pyproj.CRS,
    extent: Extent | None,
    lang: Language,
) -> ET.Element:
    title = "VigiBâti"
    project = ET.Element("qgis", version=QML_VERSION, projectname=title)
    ET.SubElement(project, "title").text = title
    _add_crs(ET.SubElement(project, "projectCrs"), crs)
    _add_tree(project, file_name, tuple(styles), lang)
    layers = ET.SubElement(project, "projectlayers")
    for layer, style in styles.items():
        _add_layer(layers, layer, style, file_name, crs, lang)
    if extent is not None:
        _add_extent(project, extent, crs)
    properties = ET.SubElement(project, "properties")
    ET.SubElement(ET.SubElement(properties, "Paths"), "Absolute", type="bool").text = "false"
    # Without this switch QGIS ignores the CRS of the project.
    ET.SubElement(ET.SubElement(properties, "SpatialRefSys"), "ProjectionsEnabled", type="int").text = "1"
    return project


def _add_tree(project: ET.Element, file_name: str, layers: Sequence[str], lang: Language) -> None:
    tree = ET.SubElement(project, "layer-tree-group")
    for layer in layers:
        ET.SubElement(
            tree,
            "layer-tree-layer",
            id=_layer_id(layer),
            name=TITLES[layer].said_in(lang),
            source=_source(file_name, layer),
            providerKey="ogr",
            checked="Qt::Checked",
            expanded=str(int(layer == "cases")),
        )


def _add_layer(
    parent: ET.Element, layer: str, style: ET.Element, file_name: str, crs: pyproj.CRS, lang: Language
) -> None:
    # A layer of a project does not look at the default styles: it carries its own.
    attributes = {key: value for key, value in style.attrib.items() if key != "version"}
    item = ET.SubElement(
        parent, "maplayer", attributes, type="vector", geometry="Polygon", wkbType="MultiPolygon"
    )
    ET.SubElement(item, "id").text = _layer_id(layer)
    ET.SubElement(item, "datasource").text = _source(file_name, layer)
    ET.SubElement(item, "layername").text = TITLES[layer].said_in(lang)
    _add_crs(ET.SubElement(item, "srs"), crs)
    ET.SubElement(item, "provider", encoding="UTF-8").text = "ogr"
    item.extend(style)


def _add_extent(project: ET.Element, extent: Extent, crs: pyproj.CRS) -> None:
    corners = {
        "xmin": repr(extent.minx),
        "ymin": repr(extent.miny),
        "xmax": repr(extent.maxx),
        "ymax": repr(extent.maxy),
    }
    canvas = ET.SubElement(project, "mapcanvas", name="theMapCanvas")
    ET.SubElement(canvas, "units").text = "meters"
    corner_elements = ET.SubElement(canvas, "extent")
    for name, value in corners.items():
        ET.SubElement(corner_elements, name).text = value
    _add_crs(ET.SubElement(canvas, "destinationsrs"), crs)
    settings = ET.SubElement(project, "ProjectViewSettings", UseProjectScales="0")
    _add_crs(ET.SubElement(settings, "DefaultViewExtent", corners), crs)


def _add_crs(parent: ET.Element, crs: pyproj.CRS) -> None:
    # QGIS recognises the CRS by its WKT; the code alone is not enough inside a project.
    system = ET.SubElement(parent, "spatialrefsys")
    ET.SubElement(system, "wkt").text = crs.to_wkt("WKT2_2019")
    authority = crs.to_authority()
    if authority is not None:
        ET.SubElement(system, "srid").text = authority[1]
        ET.SubElement(system, "authid").text = ":".join(authority)
    ET.SubElement(system, "description").text = crs.name


def _layer_id(layer: str) -> str:
    # QGIS replaces identifiers of ten characters or fewer, and the legend then shows no layer.
    return f"vigibati_{layer}"


def _source(file_name: str, layer: str) -> str:
    return f"./{file_name}|layername={layer}"
