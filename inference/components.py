"""Connected components of a mask that arrives in strips, closed as soon as they are complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio.features
import scipy.ndimage
import shapely
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import Polygon


@dataclass(frozen=True, slots=True)
class Strip:
    """Full-width rows of one class, in order from the top without gaps.

    Attributes:
        row: First row.
        mask: (H, W), True where a pixel belongs to the class.
        values: (H, W), what is averaged over a component.
        edge: (H, W), True where a pixel lies at an edge of the image.
    """

    row: int
    mask: NDArray[np.bool_]
    values: NDArray[np.uint8]
    edge: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Component:
    """Pixels that hang together by their sides.

    Attributes:
        outline: Their outline along pixel edges in (column, row), without points on straight lines.
        first: Row and column of the first pixel in reading order.
        pixels: Number of pixels.
        total: Sum of their values.
        at_edge: Whether one of them lies at an edge of the image.
    """

    outline: Polygon
    first: tuple[int, int]
    pixels: int
    total: int
    at_edge: bool


@dataclass(slots=True)
class _Open:
    """A component that may go on in the next strip."""

    outlines: list[Polygon]
    first: tuple[int, int]
    pixels: int
    total: int
    at_edge: bool

    def swallow(self, other: _Open) -> None:
        self.outlines += other.outlines
        self.first = min(self.first, other.first)
        self.pixels += other.pixels
        self.total += other.total
        self.at_edge |= other.at_edge


def trace(strips: Iterable[Strip]) -> Iterator[Component]:
    """Trace the 4-connected components of a mask, with the same result for every height of strips.

    Memory holds one strip and the outlines of the components that reach its last row.

    Args:
        strips: The mask from its top to its bottom.

    Yields:
        Each component as soon as no later strip can add to it.
    """
    pending: dict[int, _Open] = {}
    # For every column of the last row seen: the key of its component, 0 for none.
    seam: NDArray[np.int64] | None = None
    for strip in strips:
        labels, pieces = _pieces(strip)
        if seam is None:
            seam = np.zeros(labels.shape[1], dtype=np.int64)
        parents = _join(seam, labels[0], pending, pieces)
        lasting = {parents[label] for label in np.unique(labels[-1]) if label}
        for key, piece in pieces.items():
            if key not in lasting:
                yield _closed(piece)
        pending = {key: pieces[key] for key in lasting}
        lookup = np.array([0, *(parents[label] for label in range(1, len(parents) + 1))], dtype=np.int64)
        seam = lookup[labels[-1]]
    for piece in pending.values():
        yield _closed(piece)


def _pieces(strip: Strip) -> tuple[NDArray[np.int32], dict[int, _Open]]:
    """Label a strip from 1 and describe every label."""
    labels = np.zeros(strip.mask.shape, dtype=np.int32)
    count = scipy.ndimage.label(strip.mask, output=labels)
    flat = labels.ravel()
    inside = np.flatnonzero(flat)
    pixels = np.bincount(flat[inside], minlength=count + 1)
    # Sums of integers below 2^53 are exact in the float64 that bincount weighs with.
    total = np.bincount(flat[inside], weights=strip.values.ravel()[inside], minlength=count + 1)
    edge = np.bincount(flat[inside], weights=strip.edge.ravel()[inside], minlength=count + 1)
    first = np.full(count + 1, flat.size, dtype=np.int64)
    np.minimum.at(first, flat[inside], inside)
    width = strip.mask.shape[1]
    pieces = {
        label: _Open(
            outlines=[],
            first=(strip.row + int(first[label]) // width, int(first[label]) % width),
            pixels=int(pixels[label]),
            total=int(total[label]),
            at_edge=bool(edge[label]),
        )
        for label in range(1, count + 1)
    }
    to_pixels = Affine.translation(0, strip.row)
    outlines = rasterio.features.shapes(labels, mask=strip.mask, connectivity=4, transform=to_pixels)
    for outline, label in outlines:
        shell, *holes = outline["coordinates"]
        pieces[int(label)].outlines.append(Polygon(shell, holes))
    return labels, pieces


def _join(
    seam: NDArray[np.int64], top: NDArray[np.int32], pending: dict[int, _Open], pieces: dict[int, _Open]
) -> dict[int, int]:
    """Merge the open components of the strips before into the pieces below them.

    Returns:
        For every label of the strip the label that its component goes by. ``pieces`` keeps
        these alone; open components that end at the seam become pieces of their own.
    """
    parents = {label: label for label in pieces}

    def root(label: int) -> int:
        while parents[label] != label:
            parents[label] = parents[parents[label]]
            label = parents[label]
        return label

    touching = (seam > 0) & (top > 0)
    below: dict[int, int] = {}
    for key, label in np.unique(np.stack([seam[touching], top[touching]], axis=1), axis=0).tolist():
        first = root(below.setdefault(key, label))
        second = root(label)
        if first != second:
            parents[max(first, second)] = min(first, second)
    for label in list(pieces):
        if root(label) != label:
            pieces[root(label)].swallow(pieces.pop(label))
    for key, component in pending.items():
        if key in below:
            pieces[root(below[key])].swallow(component)
        else:
            pieces[-key] = component
    return {label: root(label) for label in parents}


def _closed(piece: _Open) -> Component:
    # Whole numbers far below 2^53: the union is exact. Once every ring starts at a corner, a
    # tolerance of zero removes just the points that seams left on straight lines; only then do
    # the holes come into an order that seams have no part in.
    union = piece.outlines[0] if len(piece.outlines) == 1 else shapely.union_all(piece.outlines)
    outline: Any = shapely.normalize(shapely.simplify(shapely.normalize(union), 0))
    return Component(outline, piece.first, piece.pixels, piece.total, piece.at_edge)
