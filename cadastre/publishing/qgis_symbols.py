"""Building blocks of QGIS style files (QML), as QGIS 3.22 writes them.

QGIS 3.22 writes each property of a symbol twice, as ``<Option>`` and as ``<prop>``, and
reads either; both are written here, so that older and newer versions read the same style.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

QML_VERSION: Final = "3.22.16-Białowieża"
_DOCTYPE: Final = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
_NO_FILL: Final = "0,0,0,0"


def qgis_text(root: ET.Element) -> str:
    """Return a style or a project as the text of the file that QGIS reads."""
    return _DOCTYPE + ET.tostring(root, encoding="unicode")


@dataclass(frozen=True, slots=True)
class Stroke:
    """One pass of a polygon symbol: an outline, and a fill under it.

    Args:
        colour: Outline as "r,g,b,a", each 0-255.
        width_mm: Width of the outline on paper or screen, in millimetres.
        dash: Qt pen style: "solid", "dash", "dot" or "no".
        fill: Fill as "r,g,b,a"; fully transparent for none.
    """

    colour: str
    width_mm: float
    dash: str = "solid"
    fill: str = _NO_FILL


@dataclass(frozen=True, slots=True)
class Dot:
    """A circle at the middle of the polygon, drawn only when the map is small.

    Args:
        colour: Fill as "r,g,b,a".
        size_mm: Diameter in millimetres.
        from_scale: Scale denominator from which it is drawn.
    """

    colour: str
    size_mm: float
    from_scale: int


def add_fill_symbol(parent: ET.Element, name: str, strokes: Sequence[Stroke], dot: Dot | None = None) -> None:
    """Add a polygon symbol whose passes are drawn in order, the last on top."""
    symbol = ET.SubElement(
        parent, "symbol", type="fill", name=name, alpha="1", clip_to_extent="1", force_rhr="0"
    )
    for stroke in strokes:
        _add_properties(_symbol_layer(symbol, "SimpleFill"), _fill_properties(stroke))
    if dot is not None:
        _add_dot(symbol, name, len(strokes), dot)


def _add_properties(parent: ET.Element, values: Mapping[str, str]) -> None:
    options = ET.SubElement(parent, "Option", type="Map")
    for name, value in values.items():
        ET.SubElement(options, "Option", type="QString", name=name, value=value)
    for name, value in values.items():
        ET.SubElement(parent, "prop", k=name, v=value)


def _fill_properties(stroke: Stroke) -> dict[str, str]:
    return {
        "color": stroke.fill,
        "joinstyle": "round",
        "offset": "0,0",
        "offset_unit": "MM",
        "outline_color": stroke.colour,
        "outline_style": stroke.dash,
        "outline_width": f"{stroke.width_mm:g}",
        "outline_width_unit": "MM",
        "style": "no" if stroke.fill == _NO_FILL else "solid",
    }


def _add_dot(symbol: ET.Element, name: str, position: int, dot: Dot) -> None:
    layer = _symbol_layer(symbol, "CentroidFill")
    _add_properties(layer, {"point_on_all_parts": "0", "point_on_surface": "1"})
    _only_from_scale(layer, dot.from_scale)
    marker = ET.SubElement(
        layer,
        "symbol",
        type="marker",
        name=f"@{name}@{position}",
        alpha="1",
        clip_to_extent="1",
        force_rhr="0",
    )
    _add_properties(
        _symbol_layer(marker, "SimpleMarker"),
        {
            "name": "circle",
            "color": dot.colour,
            "outline_color": "255,255,255,255",
            "outline_style": "solid",
            "outline_width": "0.4",
            "outline_width_unit": "MM",
            "size": f"{dot.size_mm:g}",
            "size_unit": "MM",
        },
    )


def _symbol_layer(parent: ET.Element, kind: str) -> ET.Element:
    return ET.SubElement(parent, "layer", {"class": kind, "enabled": "1", "pass": "0", "locked": "0"})


def _only_from_scale(layer: ET.Element, denominator: int) -> None:
    # The expression knows the scale of the map only, never a value of a row.
    root = ET.SubElement(ET.SubElement(layer, "data_defined_properties"), "Option", type="Map")
    ET.SubElement(root, "Option", type="QString", name="name", value="")
    properties = ET.SubElement(root, "Option", type="Map", name="properties")
    enabled = ET.SubElement(properties, "Option", type="Map", name="enabled")
    ET.SubElement(enabled, "Option", type="bool", name="active", value="true")
    ET.SubElement(enabled, "Option", type="QString", name="expression", value=f"@map_scale > {denominator}")
    ET.SubElement(enabled, "Option", type="int", name="type", value="3")
    ET.SubElement(root, "Option", type="QString", name="type", value="collection")
