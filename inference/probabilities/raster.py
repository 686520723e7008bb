"""Rasters of probabilities, as segment writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.windows
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.progress import Advance
from vigibati.datasets.encoding import NO_IMAGE
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.orthophoto.safe_open import shielded
from vigibati.inference.probabilities.strip_masks import Strip, strip_of

_STRIP_ROWS = 512
_CURE = "give the file that 'vigibati segment' wrote"


@dataclass(frozen=True, slots=True)
class Header:
    """What a probability raster says of itself.

    Attributes:
        path: The file.
        grid: Its pixels on the ground.
        thresholds: Probability from which on a pixel belongs to a class, in the order of the bands.
        calibrations: Slope and offset per class; none in a raster of a model that is not calibrated.
    """

    path: Path
    grid: PixelGrid
    thresholds: dict[str, float]
    calibrations: dict[str, tuple[float, float]]


def read_header(
    path: Path,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    thresholds: Mapping[str, float] | None = None,
) -> Header:
    """Read what a probability raster says of itself.

    Args:
        path: The file.
        dataset: The same, open.
        thresholds: Probability per class, in place of those that the raster carries.

    Raises:
        RasterError: The file is no raster of probabilities.
        SettingsError: A threshold is of an unknown class, or not between 0 and 1.
    """
    names = dataset.descriptions
    if dataset.nodata != NO_IMAGE or None in names or set(dataset.dtypes) != {"uint8"} or not dataset.crs:
        raise RasterError(path, "is no raster of probabilities", _CURE)
    try:
        carried: dict[str, float] = json.loads(dataset.tags().get("VIGIBATI_THRESHOLDS", ""))
        own = {name: float(carried[name]) for name in names}
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RasterError(path, "carries no thresholds of its classes", _CURE) from error
    for name, value in own.items():
        if not 0 <= value <= 1:
            raise RasterError(path, f"carries the threshold {value} of '{name}'", _CURE)
    calibrations = _read_calibrations(path, dataset.tags().get("VIGIBATI_CALIBRATION"), names)
    for name, value in (thresholds or {}).items():
        if name not in own:
            raise SettingsError(
                f"threshold of '{name}'", f"{path} has no such class", f"use {', '.join(own)}"
            )
        if not 0 < value < 1:
            raise SettingsError(f"threshold of '{name}'", f"is {value}", "use a number between 0 and 1")
        own[name] = value
    crs = CRS.from_wkt(dataset.crs.to_wkt())
    return Header(path, PixelGrid(crs, dataset.transform, dataset.width, dataset.height), own, calibrations)


def _read_calibrations(path: Path, text: str | None, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    if text is None:
        return {}
    try:
        values = json.loads(text)
        pairs = {name: (float(values[name][0]), float(values[name][1])) for name in names}
    except (json.JSONDecodeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise RasterError(path, "carries a calibration that is not that of its classes", _CURE) from error
    for slope, offset in pairs.values():
        if not (0 < slope < math.inf and math.isfinite(offset)):
            cause = f"carries a calibration with the slope {slope} and the offset {offset}"
            raise RasterError(path, cause, _CURE)
    return pairs


def read_strips(
    header: Header,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    band: int,
    advance: Advance,
) -> Iterator[Strip]:
    """Read a band from the top, as ``trace`` takes it.

    Args:
        header: Of the raster.
        dataset: The same, open.
        band: From 1.
        advance: Told of the megapixels of each strip when the next one is asked for.

    Raises:
        RasterError: The file is damaged.
    """
    threshold = list(header.thresholds.values())[band - 1]
    for row in range(0, header.grid.height, _STRIP_ROWS):
        rows = min(_STRIP_ROWS, header.grid.height - row)
        yield strip_of(_read_around(header, dataset, band, row, rows), threshold=threshold, row=row)
        advance(rows * header.grid.width / 1e6)


def _read_around(
    header: Header,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    band: int,
    row: int,
    rows: int,
) -> NDArray[np.uint8]:
    """Read rows with one pixel around them, without image beyond the raster."""
    first, last = max(0, row - 1), min(header.grid.height, row + rows + 1)
    window = rasterio.windows.Window(0, first, header.grid.width, last - first)
    around = np.full((rows + 2, header.grid.width + 2), NO_IMAGE, dtype=np.uint8)
    try:
        with shielded():
            around[first - row + 1 : last - row + 1, 1:-1] = dataset.read(band, window=window)
    except RasterioError as error:
        cause = f"is damaged at rows {first}-{last} ({error.__cause__ or error})"
        raise RasterError(header.path, cause, "run 'vigibati segment' again") from error
    return around
