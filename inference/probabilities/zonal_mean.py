"""How probable it is that something stands inside an outline, from a raster of probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio import features
from rasterio.windows import Window
from rasterio.windows import transform as transform_of

from vigibati.configs.errors import RasterError
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.inference.probabilities.raster import read_header

# A whole number of blocks of the raster, so that few are decoded twice.
_CELL_PX: Final = 2048
_LEAST_SHOWN: Final = 0.5


def zonal_mean(probabilities: Path, outlines: gpd.GeoSeries, kinds: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean probability of the pixels inside each outline.

    It is the mean over pixels, not the frequency of objects, which is calibrated on outlines that were
    drawn around what is probable. The raster is read in cells of 2048 pixels, of which each that holds
    an outline once. Where outlines of a kind overlap, each pixel counts for one of them.

    Args:
        probabilities: Raster that ``segment`` wrote.
        outlines: (N,) polygons in any CRS.
        kinds: (N,) name of the class whose band is looked at.

    Returns:
        (N,) 0-1; NaN where less than half of an outline has an image, or the model knows no such class.

    Raises:
        RasterError: The file is no raster of probabilities.
    """
    total, pixels = np.zeros(len(outlines)), np.zeros(len(outlines))
    of_kind = np.asarray(kinds, dtype=object)
    try:
        with rasterio.open(probabilities) as raster:
            header = read_header(probabilities, raster)
            shapes = outlines.to_crs(header.grid.crs).to_numpy()
            for band, name in enumerate(header.thresholds, start=1):
                _add_band(raster, band, shapes, np.flatnonzero(of_kind == name), total, pixels)
            size_m2 = abs(raster.transform.determinant)
    except rasterio.errors.RasterioIOError as error:
        raise RasterError(probabilities, f"cannot be read ({error})", "give an existing file") from error
    shown = pixels * size_m2 >= _LEAST_SHOWN * shapely.area(shapes)
    is_shown = shown & (pixels > 0)
    means: NDArray[np.float64] = np.divide(
        total, PROBABILITY_SCALE * pixels, out=np.full(len(shapes), np.nan), where=is_shown
    )
    return means


def _add_band(
    raster: Any,  # noqa: ANN401 - rasterio has no types
    band: int,
    outlines: NDArray[np.object_],
    rows: NDArray[np.intp],
    total: NDArray[np.float64],
    pixels: NDArray[np.float64],
) -> None:
    """Add the probabilities and the number of pixels with image inside the outlines ``rows``."""
    for window, members in _cells(raster, outlines, rows):
        values = raster.read(band, window=window)
        transform = transform_of(window, raster.transform)
        numbered = zip(outlines[members], range(1, len(members) + 1), strict=True)
        owner = features.rasterize(numbered, out_shape=values.shape, transform=transform, dtype="int32")
        inside = (owner > 0) & (values != NO_IMAGE)
        owned = owner[inside] - 1
        total[members] += np.bincount(owned, weights=values[inside], minlength=len(members))
        pixels[members] += np.bincount(owned, minlength=len(members))


def _cells(
    raster: Any,  # noqa: ANN401 - rasterio has no types
    outlines: NDArray[np.object_],
    rows: NDArray[np.intp],
) -> list[tuple[Window, NDArray[np.intp]]]:
    """Return the cells of the raster that hold outlines, with their numbers."""
    starts = [
        (top, left) for top in range(0, raster.height, _CELL_PX) for left in range(0, raster.width, _CELL_PX)
    ]
    windows = [
        Window(left, top, min(_CELL_PX, raster.width - left), min(_CELL_PX, raster.height - top))
        for top, left in starts
    ]
    boxes = shapely.box(*np.array([raster.window_bounds(window) for window in windows]).T)
    outline, cell = shapely.STRtree(boxes).query(outlines[rows])
    order = np.argsort(cell, kind="stable")
    used, first = np.unique(cell[order], return_index=True)
    groups = np.split(rows[outline[order]], first[1:]) if len(used) else []
    return [(windows[number], members) for number, members in zip(used.tolist(), groups, strict=True)]
