"""How each published layer looks in QGIS: colours, legend and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from xml.etree import ElementTree as ET

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS, CaseKindSpec
from vigibati.cadastre.choices import CHOICES, OPEN, STANDS
from vigibati.cadastre.publishing.qgis_forms import add_form
from vigibati.cadastre.publishing.qgis_symbols import QML_VERSION, Dot, Stroke, add_fill_symbol
from vigibati.cadastre.words import LEGEND, Language

_CASING: Final = Stroke("255,255,255,230", 1.5)
_DOT_FROM_SCALE: Final = 4000
# The point of the outline nearest to the upper right corner of its bounding box.
_CORNER: Final = "closest_point(boundary($geometry), make_point(x_max($geometry), y_max($geometry)))"
_FONT: Final = "Open Sans"  # QGIS brings it along on every system
_CONFIRMED: Final = "27,140,60"
_SETTLED: Final = "90,150,105"
_DARK_CASING: Final = Stroke("40,40,40,200", 0.7)
_RECORD_STROKES: Final[Mapping[str, Sequence[Stroke]]] = {
    "durable": (_DARK_CASING, Stroke("255,221,60,255", 0.4)),
    "light": (_DARK_CASING, Stroke("255,221,60,255", 0.4, dash="dash")),
    "pool": (_DARK_CASING, Stroke("120,210,255,255", 0.4)),
    "unknown": (_DARK_CASING, Stroke("200,200,200,255", 0.4)),
}
_FOOTPRINT_STROKES: Final[Mapping[str, Sequence[Stroke]]] = {
    "building": (Stroke("0,190,170,255", 0.3),),
    "pool": (Stroke("0,150,230,255", 0.3),),
}
_PARCEL_STROKES: Final = (Stroke("150,150,150,255", 0.2),)


@dataclass(frozen=True, slots=True)
class _Label:
    """Text beside the polygons; ``expression`` may name columns, whose values stay plain text."""

    expression: str
    size_pt: float
    colour: str
    bold: bool
    at_corner: bool
    until_scale: int | None = None


_LABELS: Final = {
    "cases": _Label('"rank"', 9, "20,20,20,255", bold=True, at_corner=True, until_scale=20_000),
    "parcels": _Label(
        '"parcel_id"',
        7,
        "110,110,110,255",
        bold=False,
        at_corner=False,
        until_scale=1500,
    ),
}


def layer_style(layer: str, lang: Language, *, parcel_label: str) -> ET.Element:
    """Return the whole QGIS style of a layer: symbols, labels, form, table.

    Args:
        layer: "cases", "footprints", "records" or "parcels".
        lang: Language of legend, aliases and choices.
        parcel_label: QGIS expression of the label of a parcel.

    Returns:
        A ``<qgis>`` element; its children may also stand inside a ``<maplayer>``.
    """
    label = _LABELS.get(layer)
    style = ET.Element(
        "qgis",
        version=QML_VERSION,
        styleCategories="AllStyleCategories",
        labelsEnabled="0" if label is None else "1",
        hasScaleBasedVisibilityFlag="0",
        readOnly="0",
    )
    if layer == "cases":
        _add_case_rules(style, lang)
    elif layer == "parcels":
        _add_single(style, _PARCEL_STROKES)
        label = replace(_LABELS[layer], expression=parcel_label)
    elif layer == "records":
        _add_categories(style, _RECORD_STROKES, "record_kind", lang)
    else:
        _add_categories(style, _FOOTPRINT_STROKES, "footprint_kind", lang)
    if label is not None:
        _add_label(style, label)
    add_form(style, layer, lang)
    ET.SubElement(style, "layerGeometryType").text = "2"
    return style


def _add_case_rules(style: ET.Element, lang: Language) -> None:
    renderer = ET.SubElement(
        style, "renderer-v2", type="RuleRenderer", symbollevels="0", enableorderby="0", forceraster="0"
    )
    rules = ET.SubElement(renderer, "rules", key="{cases}")
    symbols = ET.SubElement(renderer, "symbols")
    status = CHOICES["status"]
    still_open = ", ".join(f"'{verdict}'" for verdict, stands in STANDS.items() if stands is None)
    open_cases = ET.SubElement(
        rules,
        "rule",
        key="{open}",
        filter=f'"status" IS NULL OR "status" IN ({still_open})',
        label=status[OPEN].said_in(lang),
    )
    for number, (kind, spec) in enumerate(CASE_KIND_SPECS.items()):
        _add_rule(open_cases, kind, f"\"kind\" = '{kind}'", str(number), spec.label.said_in(lang))
        _add_kind_symbol(symbols, str(number), spec)
    confirmed, settled = str(len(CASE_KIND_SPECS)), str(len(CASE_KIND_SPECS) + 1)
    _add_rule(rules, "confirmed", "\"status\" = 'confirmed'", confirmed, status["confirmed"].said_in(lang))
    add_fill_symbol(
        symbols,
        confirmed,
        (_CASING, Stroke(f"{_CONFIRMED},255", 0.8, fill=f"{_CONFIRMED},40")),
        Dot(f"{_CONFIRMED},255", 2.2, _DOT_FROM_SCALE),
    )
    _add_rule(rules, "settled", "ELSE", settled, LEGEND["settled"].said_in(lang))
    add_fill_symbol(
        symbols, settled, (Stroke("255,255,255,140", 1.0), Stroke(f"{_SETTLED},200", 0.4, dash="dot"))
    )


def _add_rule(parent: ET.Element, key: str, condition: str, symbol: str, label: str) -> None:
    ET.SubElement(parent, "rule", key=f"{{{key}}}", filter=condition, symbol=symbol, label=label)


def _add_kind_symbol(symbols: ET.Element, name: str, spec: CaseKindSpec) -> None:
    colour = ",".join(str(value) for value in bytes.fromhex(spec.colour.removeprefix("#")))
    dash = "dash" if spec.evidence == "record" else "solid"
    stroke = Stroke(f"{colour},255", 0.8, dash=dash, fill=f"{colour},40")
    add_fill_symbol(symbols, name, (_CASING, stroke), Dot(f"{colour},255", 2.6, _DOT_FROM_SCALE))


def _add_categories(
    style: ET.Element, strokes: Mapping[str, Sequence[Stroke]], choices: str, lang: Language
) -> None:
    renderer = ET.SubElement(
        style,
        "renderer-v2",
        type="categorizedSymbol",
        attr="kind",
        symbollevels="0",
        enableorderby="0",
        forceraster="0",
    )
    categories = ET.SubElement(renderer, "categories")
    symbols = ET.SubElement(renderer, "symbols")
    for number, (value, passes) in enumerate(strokes.items()):
        label = CHOICES[choices][value].said_in(lang)
        ET.SubElement(
            categories, "category", render="true", symbol=str(number), value=value, type="string", label=label
        )
        add_fill_symbol(symbols, str(number), passes)


def _add_single(style: ET.Element, strokes: Sequence[Stroke]) -> None:
    renderer = ET.SubElement(
        style, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0", forceraster="0"
    )
    add_fill_symbol(ET.SubElement(renderer, "symbols"), "0", strokes)


def _add_label(style: ET.Element, label: _Label) -> None:
    labelling = ET.SubElement(style, "labeling", type="simple")
    settings = ET.SubElement(labelling, "settings", calloutType="simple")
    _add_text_style(settings, label)
    ET.SubElement(settings, "text-format", formatNumbers="0", wrapChar="", autoWrapLength="0")
    # Over a point; the corner is fixed, so that numbers do not jump about while the map moves.
    ET.SubElement(
        settings,
        "placement",
        placement="1",
        quadOffset="2" if label.at_corner else "4",
        geometryGeneratorEnabled=str(int(label.at_corner)),
        geometryGenerator=_CORNER,
        geometryGeneratorType="PointGeometry",
        centroidWhole="1",
        centroidInside="1",
        priority="9" if label.at_corner else "3",
    )
    ET.SubElement(
        settings,
        "rendering",
        drawLabels="1",
        obstacle="1",
        displayAll="0",
        scaleVisibility="0" if label.until_scale is None else "1",
        scaleMin="1",
        scaleMax=str(label.until_scale or 0),
    )


def _add_text_style(settings: ET.Element, label: _Label) -> None:
    text = ET.SubElement(
        settings,
        "text-style",
        fieldName=label.expression,
        isExpression="1",
        fontFamily=_FONT,
        namedStyle="Bold" if label.bold else "Regular",
        fontWeight="75" if label.bold else "50",
        fontSize=f"{label.size_pt:g}",
        fontSizeUnit="Point",
        textColor=label.colour,
        textOpacity="1",
        allowHtml="0",
    )
    ET.SubElement(
        text,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.9",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
        bufferOpacity="0.9",
        bufferJoinStyle="128",
        bufferNoFill="1",
    )
