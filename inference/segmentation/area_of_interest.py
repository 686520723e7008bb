"""Which parts of an image anybody wants to know of."""

from __future__ import annotations

from base64 import b64decode, b64encode

import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.datasets.grid import PixelGrid
from vigibati.inference.segmentation.tiling import Layout

# Cadastral plans lie a few metres beside the image at most.
_AROUND_M = 20.0


def area_mask(layout: Layout, grid: PixelGrid, area: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Return (rows, columns) of cores, True where one comes within 20 m of an area.

    Args:
        layout: How the grid is cut.
        grid: Where it lies.
        area: (N,) geometries in the CRS of the grid.
    """
    cores = [core for unit in layout.units for core in layout.cores(unit)]
    boxes = np.array([shapely.box(*grid.part(core).bounds) for core in cores], dtype=object)
    near = shapely.STRtree(boxes).query(area, predicate="dwithin", distance=_AROUND_M / grid.ground_scale)[1]
    mask = np.zeros(layout.cores_shape, dtype=np.bool_)
    for position in np.unique(near):
        mask[layout.core_index(cores[position])] = True
    return mask


def mask_to_text(mask: NDArray[np.bool_]) -> str:
    """Return a mask of cores as text, one bit each."""
    return b64encode(np.packbits(mask).tobytes()).decode("ascii")


def mask_from_text(text: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask of cores that ``mask_to_text`` wrote."""
    bits = np.unpackbits(np.frombuffer(b64decode(text), dtype=np.uint8), count=shape[0] * shape[1])
    return bits.reshape(shape).astype(np.bool_)
