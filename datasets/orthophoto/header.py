"""The header of an orthophoto file: which bands to read, where they lie, what is no image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rasterio.enums import ColorInterp, MaskFlags

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.orthophoto.raster_crs import read_crs
from vigibati.datasets.orthophoto.safe_open import open_raster

RGB = ("red", "green", "blue")
_COLOURS = {name: ColorInterp[name] for name in (*RGB, "nir")}


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


@dataclass(frozen=True, slots=True)
class BandRequest:
    """What is to be read of every file.

    Args:
        bands: Names among red, green, blue and nir, in the order of the values.
        band_order: Numbers of the bands that hold them, from 1, for files that do not say it, or say it
            wrongly; None = the files' own colour interpretation counts.
        scale: Stored values that become 0 and 255, the others linearly between and beyond clipped;
            None = only 8-bit values, as they are.

    Raises:
        SettingsError: A name is unknown, both lists differ in length, or the scale is none.
    """

    bands: tuple[str, ...] = RGB
    band_order: tuple[int, ...] | None = None
    scale: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.bands if name not in _COLOURS]
        if unknown or not self.bands:
            cause = f"'{', '.join(unknown)}' is no band"
            raise SettingsError("bands", cause, f"use {', '.join(_COLOURS)}")
        order = self.band_order
        if order is not None and (len(order) != len(self.bands) or min(order) < 1):
            cause = f"{', '.join(map(str, order))} does not say which bands are {', '.join(self.bands)}"
            cure = f"give {len(self.bands)} numbers from 1, such as {_numbers(self.bands)}"
            raise SettingsError("--bands", cause, cure)
        if self.scale is not None and not self.scale[0] < self.scale[1]:
            cause = f"{self.scale[0]:g} is not below {self.scale[1]:g}"
            raise SettingsError("--scale", cause, "give the value of black, then that of white")


def check_ortho_file(path: Path, *, crs: str | None, request: BandRequest | None) -> OrthoFile:
    """Check everything that the header of an orthophoto file tells.

    A mask beside the file (``name.tif.msk``) is honoured when it is a TIFF of the same size.

    Args:
        path: GeoTIFF or JPEG 2000.
        crs: CRS of a file that carries none.
        request: What is to be read of it; None = every band but alpha, as it is stored.

    Raises:
        RasterError: The file cannot be used.
    """
    with open_raster(path) as dataset:
        bands = _bands(path, dataset, request)
        scale = None if request is None else _scale(path, dataset, bands, request.scale)
        _check_north_up(path, dataset)
        wkt = dataset.crs.to_wkt() if dataset.crs else None
        grid = PixelGrid(
            read_crs(wkt, fallback=crs, path=path), dataset.transform, dataset.width, dataset.height
        )
        hidden = _hidden(path, dataset, bands, grid)
        block_px = dataset.block_shapes[bands[0] - 1]
        return OrthoFile(path, grid, dataset.driver, bands, block_px, hidden, scale)


def _bands(path: Path, dataset: Any, request: BandRequest | None) -> tuple[int, ...]:  # noqa: ANN401
    found = dataset.colorinterp
    if ColorInterp.palette in found:
        raise RasterError(path, "holds a palette, not colours", "expand it: gdal_translate -expand rgb")
    if request is None:
        bands = tuple(number for number, colour in enumerate(found, 1) if colour is not ColorInterp.alpha)
        if not bands:
            raise RasterError(path, "holds no band but alpha", "give the colour image")
        return bands
    if request.band_order is not None:
        if max(request.band_order) > dataset.count:
            cause = f"has {dataset.count} bands, --bands asks for number {max(request.band_order)}"
            raise RasterError(path, cause, "give numbers of bands that it has")
        return request.band_order
    if any(_COLOURS[name] not in found for name in request.bands):
        lacking = " or ".join(filter(None, [", ".join(request.bands[:-1]), request.bands[-1]]))
        names = ", ".join(colour.name for colour in found)
        cure = f"give the colour image; if only the names are lost: --bands {_numbers(request.bands)}"
        raise RasterError(path, f"lacks a {lacking} band (it has {names})", cure)
    return tuple(found.index(_COLOURS[name]) + 1 for name in request.bands)


def _numbers(bands: Sequence[str]) -> str:
    return ",".join(str(number) for number in range(1, len(bands) + 1))


def _scale(
    path: Path,
    dataset: Any,  # noqa: ANN401
    bands: tuple[int, ...],
    scale: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Return which of the stored values become 0 and 255; None where they are colours of 8 bits already."""
    kinds = sorted({dataset.dtypes[band - 1] for band in bands})
    if any(kind.startswith("complex") for kind in kinds):
        raise RasterError(path, "holds complex numbers, not colours", "give the colour image")
    if kinds == ["uint8"]:
        return None
    if scale is None:
        cause = f"holds {', '.join(kinds)} values, 8-bit colours are needed"
        raise RasterError(path, cause, "say which values are black and white: --scale LOW HIGH")
    return scale


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
    colours = dataset.colorinterp
    # Infrared is sometimes stored as if it were alpha: a band that is asked for is none.
    alpha = [n for n in range(1, dataset.count + 1) if colours[n - 1] is ColorInterp.alpha and n not in bands]
    if alpha:
        return Hidden(alpha=alpha[0])
    flags = [dataset.mask_flag_enums[band - 1] for band in bands]
    if all(MaskFlags.per_dataset in flag for flag in flags):
        return Hidden(inside=True)
    nodata = tuple(dataset.nodatavals[band - 1] for band in bands)
    return Hidden(nodata=None if None in nodata else nodata)
