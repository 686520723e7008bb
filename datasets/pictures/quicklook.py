"""Pictures for people: a whole orthophoto with its outlines, and the surroundings of one case."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vigibati.configs.atomic_files import check_writable, whole_file
from vigibati.configs.errors import OutputError, RasterError
from vigibati.datasets.grid import Window
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.datasets.pictures.drawing import Frame, Outlines, draw_legend, draw_outlines

__all__ = ["Outlines", "check_picture", "crop", "quicklook"]

_LOG: Final = logging.getLogger(__name__)
_NO_IMAGE_GREY: Final = 235
# Source pixels read at a time, about 30 MB with their mask and sums.
_BLOCK_PX: Final = 2_000_000
# Picture pixels; a block that cannot be read is halved down to this, to lose no more than it must.
_SMALLEST_PX: Final = 32


def check_picture(out: Path) -> None:
    """Make sure that a picture can stand at ``out``, before the work for it is done.

    Raises:
        OutputError: The name does not end in ``.png``, or the folder cannot be written to.
    """
    if out.suffix.lower() != ".png":
        raise OutputError(out, "is not the name of a PNG picture", "end the name in .png")
    check_writable(out)


def quicklook(ortho: Orthophoto, outlines: Sequence[Outlines], out: Path, *, size_px: int = 1600) -> None:
    """Draw a whole orthophoto, reduced, with outlines, legend and scale bar.

    Each pixel is the mean of the image pixels that it covers, read block by block, so that
    memory does not grow with the orthophoto. Places without image are light grey, and so are
    blocks that cannot be read: a picture for people must not fail where the result did not.

    Args:
        ortho: The image.
        outlines: What to draw, in the CRS of the image; the last ones on top.
        out: PNG to write.
        size_px: Longer side of the picture.

    Raises:
        OutputError: ``out`` cannot be written, or its name does not end in ``.png``.
    """
    grid = ortho.grid
    factor = size_px / max(grid.width, grid.height)
    kept = min(factor, 1.0)
    picture = _reduced(ortho, max(1, round(grid.width * kept)), max(1, round(grid.height * kept)))
    if factor > 1:
        whole = (round(grid.width * factor), round(grid.height * factor))
        picture = picture.resize(whole, Image.Resampling.BICUBIC)
    left, bottom, right, top = grid.bounds
    frame = Frame(left, top, (right - left) / picture.width, (top - bottom) / picture.height)
    drawn = draw_outlines(picture, outlines, frame)
    _save(draw_legend(drawn, outlines, grid.gsd_m * grid.width / picture.width), out)


def crop(
    ortho: Orthophoto,
    bounds: tuple[float, float, float, float],
    out: Path,
    *,
    outlines: Sequence[Outlines] = (),
    margin_m: float = 20.0,
) -> None:
    """Draw the surroundings of one place, pixel by pixel, with outlines and scale bar.

    Args:
        ortho: The image.
        bounds: What the crop shows: min x, min y, max x, max y in the CRS of the image.
        out: PNG to write.
        outlines: What to draw, in the CRS of the image; the last ones on top.
        margin_m: What is added on each side, in metres on the ground.

    Raises:
        OutputError: ``out`` cannot be written, or its name does not end in ``.png``.
        RasterError: A block of the image is damaged.
    """
    window = _window(ortho, bounds, margin_m)
    pixels = ortho.read(window)
    values = np.where(pixels.valid, pixels.values, _NO_IMAGE_GREY).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(values.transpose(1, 2, 0)))
    transform = ortho.grid.transform
    left, top = transform.c + transform.a * window.col, transform.f + transform.e * window.row
    drawn = draw_outlines(picture, outlines, Frame(left, top, transform.a, -transform.e))
    _save(draw_legend(drawn, (), ortho.grid.gsd_m), out)


def _window(ortho: Orthophoto, bounds: tuple[float, float, float, float], margin_m: float) -> Window:
    transform, margin_px = ortho.grid.transform, margin_m / ortho.grid.gsd_m
    left, bottom, right, top = bounds
    col = math.floor((left - transform.c) / transform.a - margin_px)
    row = math.floor((top - transform.f) / transform.e - margin_px)
    end_col = math.ceil((right - transform.c) / transform.a + margin_px)
    end_row = math.ceil((bottom - transform.f) / transform.e + margin_px)
    return Window(col, row, end_col - col, end_row - row)


def _reduced(ortho: Orthophoto, width: int, height: int) -> Image.Image:
    columns = np.linspace(0, ortho.grid.width, width + 1).astype(int)
    rows = np.linspace(0, ortho.grid.height, height + 1).astype(int)
    side = math.isqrt(_BLOCK_PX)
    step_x = max(1, side * width // ortho.grid.width)
    step_y = max(1, side * height // ortho.grid.height)
    picture = np.full((height, width, 3), _NO_IMAGE_GREY, dtype=np.uint8)
    for y in range(0, height, step_y):
        for x in range(0, width, step_x):
            block = _means_or_grey(ortho, columns[x : x + step_x + 1], rows[y : y + step_y + 1])
            picture[y : y + step_y, x : x + step_x] = block
    return Image.fromarray(picture)


def _means_or_grey(ortho: Orthophoto, columns: NDArray[np.int_], rows: NDArray[np.int_]) -> NDArray[np.uint8]:
    """Return what `_block_means` does, with grey where the image cannot be read."""
    try:
        return _block_means(ortho, columns, rows)
    except RasterError as error:
        across, down = len(columns) - 1, len(rows) - 1
        if max(across, down) <= _SMALLEST_PX:
            _LOG.info("left grey: %s", error)
            return np.full((down, across, 3), _NO_IMAGE_GREY, dtype=np.uint8)
    if across >= down:
        parts = (columns[: across // 2 + 1], columns[across // 2 :])
        return np.concatenate([_means_or_grey(ortho, part, rows) for part in parts], axis=1)
    parts = (rows[: down // 2 + 1], rows[down // 2 :])
    return np.concatenate([_means_or_grey(ortho, columns, part) for part in parts], axis=0)


def _block_means(ortho: Orthophoto, columns: NDArray[np.int_], rows: NDArray[np.int_]) -> NDArray[np.uint8]:
    """Return the mean colour between successive ``columns`` and ``rows``, (H, W, 3)."""
    window = Window(int(columns[0]), int(rows[0]), int(columns[-1] - columns[0]), int(rows[-1] - rows[0]))
    pixels = ortho.read(window)

    def summed(values: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.uint32]:
        down = np.add.reduceat(values, rows[:-1] - rows[0], axis=-2, dtype=np.uint32)
        across: NDArray[np.uint32] = np.add.reduceat(down, columns[:-1] - columns[0], axis=-1)
        return across

    seen = summed(pixels.valid)
    colours = summed(np.where(pixels.valid, pixels.values, np.uint8(0)))
    means = np.where(seen > 0, (colours + seen // 2) // np.maximum(seen, 1), _NO_IMAGE_GREY)
    return means.astype(np.uint8).transpose(1, 2, 0)


def _save(picture: Image.Image, out: Path) -> None:
    check_picture(out)
    with whole_file(out) as part:
        try:
            picture.save(part, format="PNG", optimize=True)
        except OSError as error:
            raise OutputError(
                out, f"could not be written ({error})", "free disk space or choose another place"
            ) from error
