"""What is known of one orthophoto file once its header was checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from vigibati.datasets.grid import PixelGrid


@dataclass(frozen=True, slots=True)
class Hidden:
    """How a file says that a pixel is no image; one way at most.

    Attributes:
        side: TIFF beside the file whose first band is the mask, 0 = no image.
        side_driver: GDAL driver of that file.
        alpha: Number of the alpha band, 0 = no image.
        inside: The file holds a mask of its own.
        nodata: One value a band; a pixel that has it in all of them is no image.
    """

    side: Path | None = None
    side_driver: str = "GTiff"
    alpha: int | None = None
    inside: bool = False
    nodata: tuple[float, ...] | None = None

    def __bool__(self) -> bool:
        return bool(self.side or self.alpha or self.inside or self.nodata)


@dataclass(frozen=True, slots=True)
class OrthoFile:
    """A file whose header holds; nothing of it stays open.

    Attributes:
        path: File.
        grid: Its own pixels.
        driver: GDAL driver that its first bytes call for.
        bands: Numbers of the bands to read, from 1, in the order of the values.
        block_px: Rows and columns of what is decoded at once.
        hidden: How the file says that a pixel is no image.
        scale: Stored values that become 0 and 255; None where 8-bit values are read as they are.
    """

    path: Path
    grid: PixelGrid
    driver: str
    bands: tuple[int, ...]
    block_px: tuple[int, int]
    hidden: Hidden
    scale: tuple[float, float] | None = None

    @property
    def blocks(self) -> tuple[int, int]:
        """Number of rows and columns of blocks."""
        height, width = self.block_px
        return math.ceil(self.grid.height / height), math.ceil(self.grid.width / width)
