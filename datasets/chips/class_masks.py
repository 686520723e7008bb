"""Outlines of several classes, and the mask that they make of a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from vigibati.configs.errors import InputError
from vigibati.datasets.grid import PixelGrid, Window, ground_of


@dataclass(frozen=True, slots=True, eq=False)
class ClassOutlines:
    """Outlines in the CRS of an image.

    Attributes:
        outlines: (N,) polygons.
        classes: (N,) index of the class of each, from 1.
        tree: Of the outlines.
    """

    outlines: NDArray[np.object_]
    classes: NDArray[np.uint8]
    tree: shapely.STRtree


def class_outlines(grid: PixelGrid, tables: Mapping[str, gpd.GeoDataFrame]) -> ClassOutlines:
    """Put the outlines of all classes together.

    Args:
        grid: Of the image.
        tables: Polygons by class; index 1 is the first class.

    Raises:
        InputError: Outlines are in another CRS than the image.
    """
    for name, table in tables.items():
        if table.crs != grid.crs:
            cause = f"outlines are in {table.crs}, the image is in {grid.crs.to_string()}"
            raise InputError(f"class '{name}'", cause, "bring them into the CRS of the image")
    outlines = np.concatenate([np.asarray(table.geometry.array, dtype=object) for table in tables.values()])
    counts = [len(table) for table in tables.values()]
    classes = np.repeat(np.arange(1, len(counts) + 1), counts).astype(np.uint8)
    return ClassOutlines(outlines, classes, shapely.STRtree(outlines))


def class_mask(grid: PixelGrid, window: Window, shapes: ClassOutlines) -> NDArray[np.uint8]:
    """Return the class of each pixel of a window, 0 = background, (H, W).

    A pixel is of a class where its centre lies in an outline; where classes overlap, the first one counts.
    """
    found = shapes.tree.query(ground_of(grid, [window])[0], predicate="intersects")
    size = (window.height, window.width)
    if not found.size:
        return np.zeros(size, dtype=np.uint8)
    # What is burnt last stays: the first class comes last.
    order = found[np.argsort(shapes.classes[found])[::-1]]
    corner = grid.transform @ Affine.translation(window.col, window.row)
    burnt = zip(shapes.outlines[order], shapes.classes[order].tolist(), strict=True)
    return np.asarray(rasterize(burnt, out_shape=size, transform=corner, dtype="uint8"))
