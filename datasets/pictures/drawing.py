"""Outlines, numbers, legend and scale bar on a picture."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from shapely.geometry.base import BaseGeometry

# Drawn at twice the size and reduced: PIL itself knows no antialiasing.
_OVERSAMPLING: Final = 2
_INK: Final = (25, 25, 25)
_PAPER: Final = (255, 255, 255)
_PAPER_SHARE: Final = 0.85
_BAR_SHARE: Final = 0.22
# Pillow's own font knows no accents, so that one of the system is preferred.
_FACES: Final = ("DejaVuSans.ttf", "LiberationSans-Regular.ttf", "Arial.ttf", "arial.ttf")


@dataclass(frozen=True, slots=True)
class Outlines:
    """Polygons of one kind, drawn in one colour.

    Attributes:
        name: What the legend calls them.
        colour: Colour as Pillow reads it, such as "#e31a1c".
        geometries: Polygons or MultiPolygons in the CRS of the picture.
        labels: Texts at the first of the geometries, in the same order; there may be fewer.
        width_px: Width of the line in pixels of the finished picture.
    """

    name: str
    colour: str
    geometries: Sequence[BaseGeometry]
    labels: Sequence[str] = ()
    width_px: float = 2.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a north-up picture lies.

    Attributes:
        left: Western edge, in CRS units.
        top: Northern edge.
        step_x: CRS units per pixel towards the east.
        step_y: CRS units per pixel towards the south.
    """

    left: float
    top: float
    step_x: float
    step_y: float

    def to_pixels(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, 2) columns and rows, corners, of (N, 2) coordinates x and y."""
        corner, steps = np.array([self.left, self.top]), np.array([self.step_x, -self.step_y])
        pixels: NDArray[np.float64] = (coordinates - corner) / steps
        return pixels


def draw_outlines(picture: Image.Image, outlines: Sequence[Outlines], frame: Frame) -> Image.Image:
    """Return ``picture`` with the outlines on it, the last ones on top, and all labels above them.

    Outlines that carry labels get a pale edge, so that they stand out on any roof.

    Args:
        picture: RGB.
        outlines: What to draw.
        frame: Where ``picture`` lies.
    """
    width, height = picture.size
    canvas = picture.resize((width * _OVERSAMPLING, height * _OVERSAMPLING), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(canvas)
    for each in outlines:
        rings = [_path(ring, frame) for ring in _rings(each.geometries)]
        stroke = max(1, round(each.width_px * _OVERSAMPLING))
        if each.labels:
            for ring in rings:
                draw.line(ring, fill=_PAPER, width=stroke + 2 * _OVERSAMPLING, joint="curve")
        for ring in rings:
            draw.line(ring, fill=each.colour, width=stroke, joint="curve")
    font = _font(_text_px(width) * _OVERSAMPLING)
    for each in outlines:
        for label, geometry in zip(each.labels, each.geometries, strict=False):
            ((column, row),) = _path(_upper_right(geometry), frame)
            draw.text(
                (column, row),
                _sayable(label),
                _INK,
                font,
                anchor="lb",
                stroke_width=2 * _OVERSAMPLING,
                stroke_fill=_PAPER,
            )
    return canvas.resize((width, height), Image.Resampling.BOX)


def draw_legend(picture: Image.Image, outlines: Sequence[Outlines], metres_per_px: float) -> Image.Image:
    """Return ``picture`` with names, counts and a scale bar in its lower left corner.

    Args:
        picture: RGB.
        outlines: What the legend names, with the number of geometries of each; may be empty.
        metres_per_px: Metres on the ground per pixel of ``picture``.
    """
    text_px = _text_px(picture.width)
    font = _font(text_px)
    line_px, margin = round(text_px * 1.5), text_px
    bar_m = round_length_m(picture.width * _BAR_SHARE * metres_per_px)
    bar_px = bar_m / metres_per_px
    names = [_sayable(f"{each.name} ({len(each.geometries)})") for each in outlines]
    texts = max((font.getlength(name) for name in names), default=0.0) + 2 * text_px
    width = math.ceil(max(texts, bar_px + font.getlength(_metres(bar_m)) + text_px)) + 2 * margin
    height = line_px * (len(names) + 1) + margin
    top = picture.height - height - margin
    panel = Image.new("RGB", (width, height), _PAPER)
    shown = picture.copy()
    box = (margin, top, margin + width, top + height)
    shown.paste(Image.blend(picture.crop(box), panel, _PAPER_SHARE), box)
    draw = ImageDraw.Draw(shown)
    left = 2 * margin
    for number, (each, name) in enumerate(zip(outlines, names, strict=True)):
        middle = top + margin // 2 + line_px * number + line_px // 2
        swatch = (left, middle - text_px // 3, left + text_px, middle + text_px // 3)
        draw.rectangle(swatch, outline=each.colour, width=max(2, round(each.width_px)))
        draw.text((left + 2 * text_px, middle), name, _INK, font, anchor="lm")
    foot = top + margin // 2 + line_px * len(names) + line_px // 2
    tick = text_px // 3
    draw.line([(left, foot), (left + bar_px, foot)], fill=_INK, width=2)
    for end in (left, left + bar_px):
        draw.line([(end, foot - tick), (end, foot + tick)], fill=_INK, width=2)
    draw.text((left + bar_px + text_px // 2, foot), _metres(bar_m), _INK, font, anchor="lm")
    return shown


def round_length_m(longest_m: float) -> float:
    """Return the longest of 1, 2 or 5 times a power of ten metres that is at most ``longest_m``."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    return max(step * power for step in (1, 2, 5) if step * power <= longest_m)


def _metres(length_m: float) -> str:
    return f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"  # noqa: PLR2004


def _text_px(width: int) -> int:
    return min(24, max(11, width // 80))


@cache
def _face() -> str | None:
    for name in _FACES:
        try:
            ImageFont.truetype(name)
        except OSError:
            continue
        return name
    return None


def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    face = _face()
    return ImageFont.load_default(size=size_px) if face is None else ImageFont.truetype(face, size_px)


def _sayable(text: str) -> str:
    """Return ``text`` without accents where no font on this machine could draw them."""
    if _face() is not None:
        return text
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _upper_right(geometry: BaseGeometry) -> BaseGeometry:
    """Return the point of the outline nearest to the upper right corner of its bounding box."""
    _, _, right, top = shapely.bounds(geometry)
    nearest: BaseGeometry = shapely.get_point(
        shapely.shortest_line(shapely.boundary(geometry), shapely.Point(right, top)), 0
    )
    return nearest


def _rings(geometries: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    polygons = shapely.get_parts(np.asarray(geometries, dtype=object))
    return list(shapely.get_rings(polygons))


def _path(shape: BaseGeometry, frame: Frame) -> list[tuple[float, float]]:
    pixels = frame.to_pixels(shapely.get_coordinates(shape)) * _OVERSAMPLING
    return [(column, row) for column, row in pixels.tolist()]
