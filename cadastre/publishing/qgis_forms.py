"""The form and the table in which a planner judges the cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET

from vigibati.cadastre.choices import CHOICES, OPEN
from vigibati.cadastre.publishing.columns import LAYOUTS, Column
from vigibati.cadastre.words import TABS, Language

_DECIDED: Final = f'"status" IS NOT NULL AND "status" <> \'{OPEN}\''
_ON_UPDATE: Final[Mapping[str, str]] = {
    # Taking a verdict back to "to review" empties both, so that they never speak of no decision.
    "decided_by": f"if({_DECIDED}, @user_account_name, NULL)",
    "decided_at": f"if({_DECIDED}, now(), NULL)",
}
_TAB_GROUPS: Final = (("case", ("case", "decision")), ("evidence", ("evidence",)), ("context", ("context",)))
_TITLE_BY_LAYER: Final = {
    "cases": "lpad(to_string(\"rank\"), 4, ' ') || ' · ' || represent_value(\"kind\")",
    "footprints": '"footprint_id"',
    "records": '"record_id"',
    "parcels": '"parcel_id"',
}


def add_form(style: ET.Element, layer: str, lang: Language) -> None:
    """Add widgets, aliases, defaults, read-only marks, form and table of a layer to its style.

    Only the columns of a decision can be changed. ``decided_by`` and ``decided_at`` are filled
    by QGIS itself whenever a row changes, from the account of the machine and its clock.

    Args:
        style: The ``<qgis>`` element of a style.
        layer: A key of ``layout.LAYOUTS``.
        lang: Language of aliases, choices and headings.
    """
    columns = LAYOUTS[layer]
    widgets = ET.SubElement(style, "fieldConfiguration")
    aliases = ET.SubElement(style, "aliases")
    defaults = ET.SubElement(style, "defaults")
    editable = ET.SubElement(style, "editable")
    # The first column in QGIS is the row number of the GeoPackage.
    ET.SubElement(editable, "field", name="fid", editable="0")
    for index, column in enumerate(columns, start=1):
        _add_widget(widgets, column, lang)
        ET.SubElement(aliases, "alias", field=column.name, index=str(index), name=column.alias.said_in(lang))
        _add_default(defaults, column)
        ET.SubElement(editable, "field", name=column.name, editable=str(int(column.editable)))
    _add_tabs(style, columns, lang)
    _add_table(style, columns)
    ET.SubElement(style, "previewExpression").text = _TITLE_BY_LAYER[layer]
    # An empty map tip: HTML made of attribute values would let a record bring markup of its own.
    ET.SubElement(style, "mapTip")


def _add_widget(parent: ET.Element, column: Column, lang: Language) -> None:
    field = ET.SubElement(parent, "field", name=column.name, configurationFlags="None")
    if column.choices is not None:
        kind = "ValueMap"
    elif column.dtype.startswith("datetime"):
        kind = "DateTime"
    elif column.dtype == "bool":
        kind = "CheckBox"
    else:
        kind = "TextEdit"
    widget = ET.SubElement(field, "editWidget", type=kind)
    options = ET.SubElement(ET.SubElement(widget, "config"), "Option", type="Map")
    if column.choices is not None:
        entries = ET.SubElement(options, "Option", type="List", name="map")
        for value, phrase in CHOICES[column.choices].items():
            entry = ET.SubElement(entries, "Option", type="Map")
            ET.SubElement(entry, "Option", type="QString", name=phrase.said_in(lang), value=value)
    elif kind == "DateTime":
        _add_options(
            options, {"display_format": "dd/MM/yyyy HH:mm"}, {"allow_null": True, "calendar_popup": True}
        )
    elif kind == "TextEdit":
        _add_options(options, {}, {"IsMultiline": column.long_text, "UseHtml": False})


def _add_options(parent: ET.Element, texts: Mapping[str, str], switches: Mapping[str, bool]) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, "Option", type="QString", name=name, value=text)
    for name, switch in switches.items():
        ET.SubElement(parent, "Option", type="bool", name=name, value=str(switch).lower())


def _add_default(parent: ET.Element, column: Column) -> None:
    on_update = _ON_UPDATE.get(column.name)
    if on_update is not None:
        ET.SubElement(parent, "default", field=column.name, expression=on_update, applyOnUpdate="1")
    elif column.default is not None:
        ET.SubElement(
            parent, "default", field=column.name, expression=f"'{column.default}'", applyOnUpdate="0"
        )


def _add_tabs(style: ET.Element, columns: tuple[Column, ...], lang: Language) -> None:
    groups = {column.group for column in columns}
    if len(groups) == 1:
        ET.SubElement(style, "editorlayout").text = "generatedlayout"
        return
    ET.SubElement(style, "editorlayout").text = "tablayout"
    form = ET.SubElement(style, "attributeEditorForm")
    for heading, members in _TAB_GROUPS:
        tab = _container(form, TABS[heading].said_in(lang), box=False)
        for group in members:
            box = tab if len(members) == 1 else _container(tab, TABS[group].said_in(lang), box=True)
            for index, column in enumerate(columns, start=1):
                if column.group == group:
                    ET.SubElement(
                        box, "attributeEditorField", name=column.name, index=str(index), showLabel="1"
                    )


def _container(parent: ET.Element, name: str, *, box: bool) -> ET.Element:
    return ET.SubElement(
        parent,
        "attributeEditorContainer",
        name=name,
        groupBox=str(int(box)),
        columnCount="1",
        showLabel="1",
        visibilityExpressionEnabled="0",
        visibilityExpression="",
    )


def _add_table(style: ET.Element, columns: tuple[Column, ...]) -> None:
    by_rank = '"rank"' if any(column.name == "rank" for column in columns) else ""
    table = ET.SubElement(
        style, "attributetableconfig", sortExpression=by_rank, sortOrder="0", actionWidgetStyle="dropDown"
    )
    listed = ET.SubElement(table, "columns")
    shown = {"fid": False} | {column.name: column.in_table for column in columns}
    for name, is_shown in shown.items():
        ET.SubElement(listed, "column", type="field", name=name, hidden=str(int(not is_shown)), width="-1")
    ET.SubElement(listed, "column", type="actions", hidden="1", width="-1")
