"""One orthophoto tile written anew as a cloud-optimised GeoTIFF, which is read many times faster."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import Window
from vigibati.datasets.orthophoto.atomic_raster import whole_raster
from vigibati.datasets.orthophoto.file_reader import FileReader
from vigibati.datasets.orthophoto.header import OrthoFile, check_ortho_file
from vigibati.datasets.orthophoto.safe_open import open_raster, shielded

_TAG = "VIGIBATI_SOURCE"
_BLOCK_PX = 512
# About this many pixels are held at once, whole rows of blocks.
_CHUNK_PX = 2**24
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


@dataclass(frozen=True, slots=True)
class Coding:
    """How pixels are stored.

    Attributes:
        quality: Quality of JPEG, for red, green and blue of 8 bits; from 75 on, what is wholly black
            stays so. None = nothing is lost, as it is for all other images.
        crs: CRS of tiles that carry none.
    """

    quality: int | None = 90
    crs: str | None = None


def fingerprint(source: Path, coding: Coding) -> str:
    """Return what a finished tile is recognised by: size and time of its source, and how it is stored.

    Raises:
        RasterError: The source cannot be read.
    """
    mask = source.with_name(f"{source.name}.msk")
    try:
        states = [path.stat() for path in (source, mask) if path == source or path.is_file()]
    except OSError as error:
        raise RasterError(source, f"cannot be read ({error.strerror})", "give an existing file") from error
    said = [f"{state.st_size} bytes of {state.st_mtime_ns} ns" for state in states]
    return ", ".join([source.name, *said, f"quality {coding.quality}", f"CRS {coding.crs}"])


def is_finished(target: Path, source: Path, coding: Coding) -> bool:
    """Tell whether a tile is there, is whole, and was made of this very source in this very way."""
    if not target.is_file():
        return False
    try:
        with open_raster(target) as dataset:
            found: str | None = dataset.tags().get(_TAG)
    except RasterError:
        return False
    return found == fingerprint(source, coding)


def transcode(source: Path, target: Path, coding: Coding) -> None:
    """Write a tile as a COG with blocks of 512 pixels and overviews, whole or not at all.

    It is stored as JPEG where `Coding` says so, otherwise with DEFLATE and a predictor. What is no image by
    a mask, alpha or nodata becomes a mask. A copy without compression lies beside it meanwhile.

    Args:
        source: GeoTIFF or JPEG 2000, read once.
        target: File to write.
        coding: How pixels are stored.

    Raises:
        RasterError: The source cannot be used, or a block of it is damaged.
        OutputError: The file cannot be written.
    """
    file = check_ortho_file(source, crs=coding.crs, request=None)
    with whole_raster(target) as part, TemporaryDirectory(prefix=".vigibati-", dir=target.parent) as work:
        stage = Path(work) / "stage.tif"
        lossy = _write_stage(stage, file, coding)
        options: dict[str, Any] = {"compress": "DEFLATE", "predictor": "YES"}
        if lossy:
            options = {"compress": "JPEG", "quality": coding.quality}
        with shielded():
            rasterio.shutil.copy(
                stage,
                part,
                driver="COG",
                blocksize=_BLOCK_PX,
                bigtiff="IF_SAFER",
                overview_resampling="average",
                **options,
            )


def _write_stage(stage: Path, file: OrthoFile, coding: Coding) -> bool:
    """Copy pixels and mask without compression; tell whether they may be stored as JPEG."""
    with open_raster(file.path) as dataset:
        colours = tuple(dataset.colorinterp[band - 1] for band in file.bands)
        kinds = {dataset.dtypes[band - 1] for band in file.bands}
        names = tuple(dataset.descriptions[band - 1] for band in file.bands)
    if len(kinds) > 1:
        raise RasterError(file.path, f"holds bands of {', '.join(sorted(kinds))}", "give bands of one kind")
    (kind,) = kinds
    colour_image = colours == _RGB and kind == "uint8"
    profile = {
        "driver": "GTiff",
        "width": file.grid.width,
        "height": file.grid.height,
        "count": len(file.bands),
        "dtype": kind,
        "crs": rasterio.CRS.from_wkt(file.grid.crs.to_wkt()),
        "transform": file.grid.transform,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "interleave": "pixel",
        "photometric": "rgb" if colour_image else "minisblack",
        "bigtiff": "IF_SAFER",
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(stage, "w", **profile) as staged:
        staged.update_tags(**{_TAG: fingerprint(file.path, coding)})
        if not colour_image:
            staged.colorinterp = colours
        staged.descriptions = names
        _copy_pixels(staged, file, kind)
    return colour_image and coding.quality is not None


def _copy_pixels(staged: Any, file: OrthoFile, kind: str) -> None:  # noqa: ANN401 - rasterio has no types
    width, height = file.grid.width, file.grid.height
    # Whole blocks of the source, so that none is decoded twice; where that is little, of the copy too.
    unit = math.lcm(file.block_px[0], _BLOCK_PX)
    unit = unit if unit * width <= 2 * _CHUNK_PX else file.block_px[0]
    step = unit * max(1, _CHUNK_PX // (unit * width))
    reader = FileReader(file)
    try:
        for row in range(0, height, step):
            rows = min(step, height - row)
            values = np.empty((len(file.bands), rows, width), dtype=kind)
            valid = np.ones((rows, width), dtype=np.bool_) if file.hidden else None
            reader.decode(Window(0, row, width, rows), values, valid)
            part = rasterio.windows.Window(0, row, width, rows)
            staged.write(values, window=part)
            if valid is not None:
                staged.write_mask(valid, window=part)
    finally:
        reader.close()
