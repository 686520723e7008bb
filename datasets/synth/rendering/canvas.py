"""What is being painted: colour, height and slope of every pixel of a rectangle of ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of pixels, counted from the north-western corner of the whole picture.

    Args:
        west: Easting of the picture's western edge, in metres.
        north: Northing of the picture's northern edge, in metres.
        gsd_m: Size of a pixel.
        col: First column; may be negative.
        row: First row; may be negative.
        width: Number of columns.
        height: Number of rows.
    """

    west: float
    north: float
    gsd_m: float
    col: int
    row: int
    width: int
    height: int

    @property
    def transform(self) -> Affine:
        """Affine map from pixels of this frame to metres."""
        return Affine(
            self.gsd_m,
            0.0,
            self.west + self.col * self.gsd_m,
            0.0,
            -self.gsd_m,
            self.north - self.row * self.gsd_m,
        )

    def ground(self) -> Polygon:
        """Return the ground that the frame shows."""
        left, top = self.transform.c, self.transform.f
        right, bottom = left + self.width * self.gsd_m, top - self.height * self.gsd_m
        return Polygon([(left, bottom), (right, bottom), (right, top), (left, top)])

    def around(self, bounds: tuple[float, float, float, float], pad_m: float = 0.0) -> Frame:
        """Return the smallest frame on the same grid that holds the bounds and a margin."""
        left, bottom, right, top = bounds
        col = math.floor((left - pad_m - self.west) / self.gsd_m)
        row = math.floor((self.north - top - pad_m) / self.gsd_m)
        end_col = math.ceil((right + pad_m - self.west) / self.gsd_m)
        end_row = math.ceil((self.north - bottom + pad_m) / self.gsd_m)
        return Frame(
            self.west, self.north, self.gsd_m, col, row, max(1, end_col - col), max(1, end_row - row)
        )

    def grown(self, *, left: int, top: int, right: int, bottom: int) -> Frame:
        """Return the frame with a margin, in pixels, on each side."""
        return Frame(
            self.west,
            self.north,
            self.gsd_m,
            self.col - left,
            self.row - top,
            self.width + left + right,
            self.height + top + bottom,
        )

    def common(self, other: Frame) -> Frame | None:
        """Return the part that both frames hold, or None."""
        col, row = max(self.col, other.col), max(self.row, other.row)
        end_col = min(self.col + self.width, other.col + other.width)
        end_row = min(self.row + self.height, other.row + other.height)
        if end_col <= col or end_row <= row:
            return None
        return Frame(self.west, self.north, self.gsd_m, col, row, end_col - col, end_row - row)

    def slices_of(self, part: Frame) -> tuple[slice, slice]:
        """Return the rows and columns of this frame's arrays that hold ``part``."""
        top, left = part.row - self.row, part.col - self.col
        return slice(top, top + part.height), slice(left, left + part.width)

    def metres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return pixel centres in metres from the picture's corner, east (1, W) and north (H, 1)."""
        east = np.asarray((self.col + 0.5 + np.arange(self.width)) * self.gsd_m, dtype=np.float64)
        north = np.asarray(-(self.row + 0.5 + np.arange(self.height)) * self.gsd_m, dtype=np.float64)
        return east[None, :], north[:, None]

    def coverage(self, *geometries: BaseGeometry, oversample: int = 3) -> Plane:
        """Return the share of each pixel that lies inside any of the geometries, (H, W), 0-1."""
        shapes = [geometry for geometry in geometries if not geometry.is_empty]
        if not shapes:
            return np.zeros((self.height, self.width), dtype=np.float32)
        scale = self.transform @ Affine.scale(1 / oversample)
        fine = rasterize(
            shapes,
            out_shape=(self.height * oversample, self.width * oversample),
            transform=scale,
            dtype="uint8",
        )
        if oversample == 1:
            return np.asarray(fine, dtype=np.float32)
        steps = range(oversample)
        total = sum(fine[down::oversample, right::oversample] for down in steps for right in steps)
        return np.asarray(total, dtype=np.float32) / np.float32(oversample**2)


@dataclass(frozen=True, slots=True)
class Paint:
    """A patch to lay on the canvas.

    Args:
        frame: Where it lies.
        colour: Colour in full light, (H, W, 3), 0-255.
        alpha: How much it hides, (H, W), 0-1.
        height: Height above the ground in metres, (H, W), or None for flat on the ground.
        slope_east: Rise towards the east in m/m, (H, W), or None.
        slope_north: Rise towards the north in m/m, (H, W), or None.
        softness_m: Depth in its own shadow at which the sun is gone: large for foliage, which
            lets light through.
    """

    frame: Frame
    colour: Plane
    alpha: Plane
    height: Plane | None = None
    slope_east: Plane | None = None
    slope_north: Plane | None = None
    softness_m: float = 0.3


class Canvas:
    """Colour, height and slope planes of one frame, painted from the ground up."""

    def __init__(self, frame: Frame) -> None:
        shape = (frame.height, frame.width)
        self.frame = frame
        self.colour: Plane = np.zeros((*shape, 3), dtype=np.float32)
        self.height: Plane = np.zeros(shape, dtype=np.float32)
        self.slope_east: Plane = np.zeros(shape, dtype=np.float32)
        self.slope_north: Plane = np.zeros(shape, dtype=np.float32)
        self.softness_m: Plane = np.full(shape, 0.3, dtype=np.float32)

    def lay(self, paint: Paint, *, only_above: bool = False) -> None:
        """Blend a patch over what is there.

        Args:
            paint: The patch; the part outside the canvas is dropped.
            only_above: Hide only what is lower than the patch (a crown beside a tall wall).
        """
        part = self.frame.common(paint.frame)
        if part is None:
            return
        here, there = self.frame.slices_of(part), paint.frame.slices_of(part)
        alpha = paint.alpha[there]
        if only_above and paint.height is not None:
            alpha = alpha * (paint.height[there] > self.height[here])
        self.colour[here] += alpha[..., None] * (paint.colour[there] - self.colour[here])
        solid = alpha > 0.5  # noqa: PLR2004 - a pixel has one height: that of its larger part
        planes = (self.height, self.slope_east, self.slope_north)
        for plane, values in zip(planes, (paint.height, paint.slope_east, paint.slope_north), strict=True):
            plane[here][solid] = 0.0 if values is None else values[there][solid]
        self.softness_m[here][solid] = paint.softness_m
