"""Makes what all tools are given: rasters of a rendered commune, and the networks.

Usage: prepare.py FOLDER SIDE_PX, the side of the raster for the near-free network. The commune and
the rasters are kept when they are there already.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import models
import numpy as np
import rasterio
import rasterio.features
from affine import Affine
from numpy.typing import NDArray

from vigibati.datasets.synth.synthesise import synthesise

SEED = 7
"""Of the rendered commune."""
_SHIPPED_PX = 2048
_SMALL_PX = 1024
# What is no roof is darkened below the near-free network's brightness, roofs are lifted above it.
_DARKENED = 0.8
_LIFTED_FROM, _LIFTED_BY = 232.0, 0.09


def main() -> None:
    """Fill the folder."""
    folder, side = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "commune" / "truth.gpkg").is_file():
        synthesise(seed=SEED, size_km=1.0, out=folder / "commune")
    for name in ("near-free", "shipped"):
        models.export(name, folder)
    if not (folder / f"near-free-{side}.tif").is_file():
        _write_rasters(folder, side)


def _write_rasters(folder: Path, side: int) -> None:
    with rasterio.open(folder / "commune" / "ortho.tif") as dataset:
        pixels, profile = dataset.read(), dataset.profile
        roofs = gpd.read_file(folder / "commune" / "truth.gpkg", layer="buildings")
        roof = rasterio.features.rasterize(
            roofs.geometry, out_shape=dataset.shape, transform=dataset.transform
        ).astype(bool)
    near_free = _mirrored(_with_bright_roofs(pixels, roof), side)
    # From the middle, where the houses are.
    start = (pixels.shape[-1] - _SHIPPED_PX) // 2
    middle = slice(start, start + _SHIPPED_PX)
    moved = {**profile, "transform": profile["transform"] * Affine.translation(start, start)}
    _write(folder / "shipped.tif", pixels[:, middle, middle], moved)
    _write(folder / "small.tif", near_free[:, :_SMALL_PX, :_SMALL_PX], profile)
    _write(folder / "small-deflate.tif", near_free[:, :_SMALL_PX, :_SMALL_PX], profile, lossless=True)
    # Last: it tells that the others are there.
    _write(folder / f"near-free-{side}.tif", near_free, profile)


def _with_bright_roofs(pixels: NDArray[np.uint8], roof: NDArray[np.bool_]) -> NDArray[np.uint8]:
    bright = np.where(roof, _LIFTED_FROM + _LIFTED_BY * pixels, _DARKENED * pixels)
    return bright.round().clip(0, 255).astype(np.uint8)


def _mirrored(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    size = pixels.shape[-1]
    along = np.arange(side) % (2 * size)
    along = np.where(along < size, along, 2 * size - 1 - along)
    return pixels[:, along[:, None], along[None, :]]


def _write(path: Path, pixels: NDArray[np.uint8], like: dict[str, object], *, lossless: bool = False) -> None:
    coding = {"compress": "deflate"} if lossless else {"compress": "jpeg", "photometric": "ycbcr"}
    place = {key: like[key] for key in ("crs", "transform")}
    options = {"tiled": True, "blockxsize": 512, "blockysize": 512, "interleave": "pixel", **coding}
    if not lossless:
        options["jpeg_quality"] = 90
    bands, height, width = pixels.shape
    size = {"width": width, "height": height, "count": bands, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **size, **place, **options) as target:
        target.write(pixels)


if __name__ == "__main__":
    main()
