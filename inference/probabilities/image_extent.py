"""Where the image says anything at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio import features
from rasterio.enums import Resampling
from rasterio.transform import from_bounds

from vigibati.datasets.encoding import NO_IMAGE

_CELL_PX = 16


def imaged_area(probabilities: Path) -> shapely.Geometry:
    """Return the ground that a probability raster covers with image, in its CRS.

    The raster is looked at in cells of 16 pixels: a cell counts by its central pixel. No image is
    not the same as no building, so nothing may be concluded outside this area.

    Args:
        probabilities: Probability raster; 255 = no image.
    """
    # An overview is a mean over what is known, which one pixel of a cell is enough for.
    with rasterio.open(probabilities, OVERVIEW_LEVEL="NONE") as raster:
        shape = (-(-raster.height // _CELL_PX), -(-raster.width // _CELL_PX))
        cells = raster.read(1, out_shape=shape, resampling=Resampling.nearest)
        # The cells divide the raster evenly, so their size is not a whole number of pixels.
        to_ground = from_bounds(*raster.bounds, width=shape[1], height=shape[0])
    valid = cells != NO_IMAGE
    outlines = features.shapes(valid.astype(np.uint8), mask=valid, transform=to_ground)
    return shapely.union_all([shapely.geometry.shape(outline) for outline, _ in outlines])
