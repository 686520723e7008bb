"""The one grid of pixels that several orthophoto files are brought onto."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
from affine import Affine
from pyproj import CRS

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.orthophoto.header import OrthoFile
from vigibati.datasets.orthophoto.placement import ALIGNED_PX

_LOG = logging.getLogger(__name__)

# Within a tenth of its own pixel size a model needs no resampling; beyond twice it, an image
# holds too little of what the model was trained to see.
_SAME_GSD = 0.1
_COARSEST = 2.0


def common_grid(files: Sequence[OrthoFile], *, gsd_m: float | None) -> PixelGrid:
    """Stretch the grid of the first file over all of them.

    Args:
        files: Files, one at least.
        gsd_m: Metres on the ground per pixel that are wanted; None keeps the first file's.

    Raises:
        RasterError: Files differ in CRS, or pixels are over twice ``gsd_m``.
    """
    _check_one_crs(files)
    first = files[0].grid
    target = first.gsd_m if gsd_m is None else gsd_m
    for file in files:
        native = _pixel_sides_m(file.grid)
        if max(native) > _COARSEST * target:
            cause = f"has pixels of {max(native):.2f} m, {target:.2f} m are needed (at most twice that)"
            raise RasterError(file.path, cause, "use a finer orthophoto, or a model made for such pixels")
    sides = _pixel_sides_m(first)
    if all(abs(side / target - 1) <= _SAME_GSD for side in sides):
        a, e = first.transform.a, first.transform.e
    else:
        a = target / first.ground_scale
        e = -a
        _LOG.info("%s: resampled from %.3f m to %.3f m", files[0].path.name, first.gsd_m, target)
    return _stretched(first.crs, Affine(a, 0, first.transform.c, 0, e, first.transform.f), files)


def _check_one_crs(files: Sequence[OrthoFile]) -> None:
    groups: dict[str, list[str]] = {}
    for file in files:
        authority = file.grid.crs.to_authority()
        name = ":".join(authority) if authority else file.grid.crs.name
        groups.setdefault(name, []).append(file.path.name)
    if len(groups) > 1:
        listed = ", ".join(f"{name} ({', '.join(names)})" for name, names in groups.items())
        raise RasterError("orthophotos", f"differ in CRS: {listed}", "bring them into one: gdalwarp -t_srs")


def _stretched(crs: CRS, transform: Affine, files: Sequence[OrthoFile]) -> PixelGrid:
    corners = np.array([file.grid.bounds for file in files])
    left, bottom = corners[:, :2].min(axis=0)
    right, top = corners[:, 2:].max(axis=0)
    # A file that ends a hair's breadth after a pixel does not need one more.
    first_col = math.floor((left - transform.c) / transform.a + ALIGNED_PX)
    first_row = math.floor((top - transform.f) / transform.e + ALIGNED_PX)
    last_col = math.ceil((right - transform.c) / transform.a - ALIGNED_PX)
    last_row = math.ceil((bottom - transform.f) / transform.e - ALIGNED_PX)
    x, y = transform.c + transform.a * first_col, transform.f + transform.e * first_row
    moved = Affine(transform.a, 0, x, 0, transform.e, y)
    return PixelGrid(crs, moved, max(1, last_col - first_col), max(1, last_row - first_row))


def _pixel_sides_m(grid: PixelGrid) -> tuple[float, float]:
    scale = grid.ground_scale
    return grid.transform.a * scale, -grid.transform.e * scale
