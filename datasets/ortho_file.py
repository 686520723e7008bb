"""One orthophoto file: checked at its header, read as red, green, blue and a mask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasterio.enums import ColorInterp, MaskFlags

from vigibati.configs.errors import RasterError
from vigibati.datasets.file_reader import FileReader, Hidden
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.raster_checks import open_raster
from vigibati.datasets.raster_crs import read_crs


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
    """

    path: Path
    grid: PixelGrid
    driver: str
    bands: tuple[int, ...]
    block_px: tuple[int, int]
    hidden: Hidden

    @property
    def blocks(self) -> tuple[int, int]:
        """Number of rows and columns of blocks."""
        height, width = self.block_px
        return math.ceil(self.grid.height / height), math.ceil(self.grid.width / width)

    def open(self) -> FileReader:
        """Open the file for reading; close what is returned.

        Raises:
            RasterError: The file is no longer what it was.
        """
        return FileReader(self.path, self.driver, self.bands, self.hidden, self.grid, self.block_px)


def check_ortho_file(path: Path, *, crs: str | None) -> OrthoFile:
    """Check everything that the header of an orthophoto file tells.

    A mask beside the file (``name.tif.msk``) is honoured when it is a TIFF of the same size.

    Args:
        path: GeoTIFF or JPEG 2000.
        crs: CRS of a file that carries none.

    Raises:
        RasterError: The file cannot be used.
    """
    with open_raster(path) as dataset:
        bands = _colour_bands(path, dataset)
        _check_north_up(path, dataset)
        wkt = dataset.crs.to_wkt() if dataset.crs else None
        grid = PixelGrid(
            read_crs(wkt, fallback=crs, path=path), dataset.transform, dataset.width, dataset.height
        )
        hidden = _hidden(path, dataset, bands, grid)
        return OrthoFile(path, grid, dataset.driver, bands, dataset.block_shapes[bands[0] - 1], hidden)


def _colour_bands(path: Path, dataset: Any) -> tuple[int, ...]:  # noqa: ANN401
    found = dataset.colorinterp
    wanted = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if ColorInterp.palette in found:
        raise RasterError(path, "holds a palette, not colours", "expand it: gdal_translate -expand rgb")
    if any(colour not in found for colour in wanted):
        names = ", ".join(colour.name for colour in found)
        cure = "give the colour image; if only the names are lost: gdal_translate -colorinterp red,green,blue"
        raise RasterError(path, f"lacks a red, green or blue band (it has {names})", cure)
    bands = tuple(found.index(colour) + 1 for colour in wanted)
    kinds = sorted({dataset.dtypes[band - 1] for band in bands})
    if kinds != ["uint8"]:
        cause = f"holds {', '.join(kinds)} values, 8-bit colours are needed"
        raise RasterError(path, cause, "convert it: gdal_translate -scale -ot Byte")
    return bands


def _check_north_up(path: Path, dataset: Any) -> None:  # noqa: ANN401
    transform = dataset.transform
    if transform.is_identity:
        cure = "give the file with its georeference, or set it: gdal_translate -a_ullr"
        raise RasterError(path, "says nowhere where it lies on the ground", cure)
    if transform.b or transform.d:
        raise RasterError(path, "is rotated or sheared", "turn it north up: gdalwarp in.tif out.tif")
    if transform.a <= 0 or transform.e >= 0:
        raise RasterError(path, "is not stored north up", "turn it: gdalwarp in.tif out.tif")


def _hidden(path: Path, dataset: Any, bands: tuple[int, ...], grid: PixelGrid) -> Hidden:  # noqa: ANN401
    """Find out how a file says that a pixel is no image: what lies beside it, alpha, mask or nodata."""
    side = path.with_name(f"{path.name}.msk")
    if side.is_file():
        with open_raster(side) as mask:
            if (mask.width, mask.height) != (grid.width, grid.height) or mask.dtypes[0] != "uint8":
                cause = f"is no 8-bit mask of {grid.width} x {grid.height} pixels"
                raise RasterError(side, cause, "remove or remake it")
            return Hidden(side=side, side_driver=mask.driver)
    if ColorInterp.alpha in dataset.colorinterp:
        return Hidden(alpha=dataset.colorinterp.index(ColorInterp.alpha) + 1)
    flags = [dataset.mask_flag_enums[band - 1] for band in bands]
    if all(MaskFlags.per_dataset in flag for flag in flags):
        return Hidden(inside=True)
    nodata = tuple(dataset.nodatavals[band - 1] for band in bands)
    return Hidden(nodata=None if None in nodata else nodata)
