r"""Opens a published GeoPackage in a real QGIS and prints what it saw, as JSON.

Usage: QT_QPA_PLATFORM=offscreen /usr/bin/python3 gpkg_check.py \
    FILE.gpkg MAP.png [ORTHO.tif [XMIN,YMIN,XMAX,YMAX]]

It edits the first case, so give it a copy. Standard library and PyQGIS only: it runs under
the Python of the system, where nothing of ours is installed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    Qgis,
    QgsApplication,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeatureRequest,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

LAYERS = ("cases", "footprints", "records", "parcels")


def look_at_layer(path: str, name: str) -> dict[str, Any]:
    layer = QgsVectorLayer(f"{path}|layername={name}", name, "ogr")
    fields = layer.fields()
    form = layer.editFormConfig()
    widgets = {field.name(): layer.editorWidgetSetup(i) for i, field in enumerate(fields)}
    return {
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "features": layer.featureCount(),
        "renderer": layer.renderer().type(),
        "legend": [item.label() for item in layer.renderer().legendSymbolItems()],
        "labels": layer.labelsEnabled(),
        "columns": [field.name() for field in fields],
        "aliases": {field.name(): layer.attributeAlias(i) for i, field in enumerate(fields)},
        "widgets": {column: setup.type() for column, setup in widgets.items()},
        "choices": {
            column: {value: label for entry in setup.config()["map"] for label, value in entry.items()}
            for column, setup in widgets.items()
            if setup.type() == "ValueMap"
        },
        "multiline": [c for c, setup in widgets.items() if setup.config().get("IsMultiline")],
        "read_only": [field.name() for i, field in enumerate(fields) if form.readOnly(i)],
        "tabs": [tab.name() for tab in form.tabs()],
        "sorted_by": layer.attributeTableConfig().sortExpression(),
        "map_tip": layer.mapTipTemplate(),
        "identifier": layer.metadata().identifier(),
    }


def judge_first_case(path: str) -> dict[str, Any]:
    layer = QgsVectorLayer(f"{path}|layername=cases", "cases", "ogr")
    case = next(layer.getFeatures(QgsFeatureRequest().addOrderBy('"rank"')))
    seen: dict[str, Any] = {"user": QgsExpressionContextUtils.globalScope().variable("user_account_name")}
    for verdict in ("not_a_building", "to_review", "confirmed"):
        layer.startEditing()
        layer.changeAttributeValue(case.id(), layer.fields().indexOf("status"), verdict)
        committed = layer.commitChanges()
        again = QgsVectorLayer(f"{path}|layername=cases", "again", "ogr").getFeature(case.id())
        seen[verdict] = {
            "committed": committed,
            "status": again["status"],
            "decided_by": again["decided_by"] or None,
            "decided_at": again["decided_at"].toString("yyyy-MM-ddTHH:mm") if again["decided_at"] else None,
            "same_place": again.geometry().equals(case.geometry()),
        }
    return seen


def look_at_project(path: str) -> dict[str, Any]:
    project = QgsProject.instance()
    read = project.read(f"geopackage:{path}?projectName=revue")
    # Only plain values leave this function: a layer tree kept longer crashes at the end.
    return {
        "read": read,
        "title": project.title(),
        "crs": project.crs().authid(),
        "layers": [
            {
                "name": node.name(),
                "valid": node.layer() is not None and node.layer().isValid(),
                "table": "" if node.layer() is None else node.layer().source().split("layername=")[-1],
                "renderer": "" if node.layer() is None else node.layer().renderer().type(),
                "status_widget": ""
                if node.layer() is None
                else node.layer().editorWidgetSetup(node.layer().fields().indexOf("status")).type(),
            }
            for node in project.layerTreeRoot().findLayers()
        ],
        "extent": [
            round(value, 1)
            for value in (
                project.viewSettings().defaultViewExtent().xMinimum(),
                project.viewSettings().defaultViewExtent().yMinimum(),
                project.viewSettings().defaultViewExtent().xMaximum(),
                project.viewSettings().defaultViewExtent().yMaximum(),
            )
        ],
    }


def draw(path: str, out: str, ortho: str | None, extent: QgsRectangle | None) -> dict[str, Any]:
    layers: list[Any] = [QgsVectorLayer(f"{path}|layername={name}", name, "ogr") for name in LAYERS]
    if ortho is not None:
        layers.append(QgsRasterLayer(ortho, "ortho"))
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[0].crs())
    settings.setOutputSize(QSize(900, 700))
    settings.setBackgroundColor(QColor("white"))
    shown = extent or layers[0].extent()
    shown.grow(0.05 * max(shown.width(), shown.height()))
    settings.setExtent(shown)
    context = QgsExpressionContext()
    context.appendScopes(
        [QgsExpressionContextUtils.globalScope(), QgsExpressionContextUtils.mapSettingsScope(settings)]
    )
    settings.setExpressionContext(context)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    inked = sum(
        image.pixelColor(x, y) != QColor("white")
        for x in range(0, image.width(), 3)
        for y in range(0, image.height(), 3)
    )
    return {
        "saved": image.save(out),
        "size": [image.width(), image.height()],
        "inked": inked,
        "errors": [str(error.message) for error in job.errors()],
        "scale": round(settings.scale()),
    }


def main() -> None:
    path, out = str(Path(sys.argv[1]).resolve()), sys.argv[2]
    ortho = sys.argv[3] if len(sys.argv) > 3 else None
    extent = QgsRectangle(*map(float, sys.argv[4].split(","))) if len(sys.argv) > 4 else None
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    seen = {
        "qgis": Qgis.QGIS_VERSION,
        "layers": {name: look_at_layer(path, name) for name in LAYERS},
        "project": look_at_project(path),
        "map": draw(path, out, ortho, extent),
        "edit": judge_first_case(path),
    }
    QgsProject.instance().clear()
    print(json.dumps(seen, ensure_ascii=False))
    sys.stdout.flush()
    application.exitQgis()


if __name__ == "__main__":
    main()
