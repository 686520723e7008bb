"""From a raster of probabilities to footprints."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio.windows
import scipy.ndimage
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from shapely.geometry import Polygon

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.raster_checks import open_raster, shielded
from vigibati.inference.calibrated import object_probabilities
from vigibati.inference.components import Component, Strip, trace
from vigibati.inference.predictor import CERTAIN, NO_IMAGE
from vigibati.inference.regularise import regularise, simplify

_STRIP_ROWS = 512
# Chimneys, dormers and noise; no courtyard is that small.
_MIN_HOLE_M2 = 2.0
# What is nowhere as wide as twice this is a wall, a kerb or the edge of a shadow.
_OPENING_M = 0.5
# Kinds without straight walls.
_FREE_FORMS = frozenset({"pool"})
_CURE = "give the file that 'vigibati segment' wrote"


def vectorise(
    probabilities: Path,
    *,
    thresholds: Mapping[str, float] | None = None,
    min_area_m2: float = 4.0,
    regular: bool = True,
    progress: Progress = SILENT,
) -> gpd.GeoDataFrame:
    """Outline what a probability raster shows.

    Pixels whose probability reaches the threshold of their class are joined by their sides. Holes
    below 2 m² are filled; outlines are simplified by 0.3 m; what is below ``min_area_m2`` or
    nowhere 1 m wide is dropped. Buildings then get straight walls and right angles.

    Args:
        probabilities: Raster of ``segment``.
        thresholds: Probability per class, in place of those that the raster carries.
        min_area_m2: Smallest area on the ground that is kept.
        regular: Whether buildings get straight walls; otherwise outlines are simplified only.
        progress: Told of finished megapixels.

    Returns:
        Footprints in the raster's CRS, in reading order of their first pixel: ``footprint_id``
        from 1, ``kind`` (class name), ``probability`` (how often footprints of such a mean
        probability are real, where the raster is that of a calibrated model; else the mean over
        the pixels of the class itself, 0-1), ``area_m2`` (on the ground, of the outline),
        ``at_edge`` (within one pixel of the image's edge or of a place without image), geometry
        Polygon.

    Raises:
        RasterError: The file is no raster of probabilities, or is damaged.
        SettingsError: A threshold is of an unknown class, or not between 0 and 1.
    """
    found: list[tuple[str, Component]] = []
    with open_raster(probabilities) as dataset:
        source = _read_header(probabilities, dataset, thresholds)
        total = dataset.count * dataset.width * dataset.height / 1e6
        with progress.stage("vectorise", total=total, unit="Mpx") as advance:
            for band, (kind, threshold) in enumerate(source.thresholds.items(), start=1):
                strips = _strips(source, dataset, band, threshold, advance)
                found += ((kind, component) for component in trace(strips))
    found.sort(key=lambda item: (item[1].first, item[0]))
    return _to_footprints(found, source, min_area_m2, regular=regular)


def as_drawn(outlines: NDArray[np.object_], *, kind: str, metres_per_unit: float) -> NDArray[np.object_]:
    """Return outlines along pixel edges as footprints show them: without small holes and stairs.

    Args:
        outlines: (N,) polygons of one class.
        kind: The class.
        metres_per_unit: Metres on the ground per unit of their coordinates.
    """
    whole = _without_small_holes(outlines, _MIN_HOLE_M2 / metres_per_unit**2)
    flags = np.full(len(whole), kind not in _FREE_FORMS)
    return regularise(whole, straight=flags, metres_per_unit=metres_per_unit)


@dataclass(frozen=True, slots=True)
class _Source:
    path: Path
    grid: PixelGrid
    # In the order of the bands.
    thresholds: dict[str, float]
    # Slope and offset per class; none in a raster of a model that is not calibrated.
    calibrations: dict[str, tuple[float, float]]


def _read_header(path: Path, dataset: Any, given: Mapping[str, float] | None) -> _Source:  # noqa: ANN401
    names = dataset.descriptions
    if dataset.nodata != NO_IMAGE or None in names or set(dataset.dtypes) != {"uint8"} or not dataset.crs:
        raise RasterError(path, "is no raster of probabilities", _CURE)
    try:
        thresholds: dict[str, float] = json.loads(dataset.tags().get("VIGIBATI_THRESHOLDS", ""))
        own = {name: float(thresholds[name]) for name in names}
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise RasterError(path, "carries no thresholds of its classes", _CURE) from error
    calibrations = _read_calibrations(path, dataset.tags().get("VIGIBATI_CALIBRATION"), names)
    for name, value in (given or {}).items():
        if name not in own:
            raise SettingsError(
                f"threshold of '{name}'", f"{path} has no such class", f"use {', '.join(own)}"
            )
        if not 0 < value < 1:
            raise SettingsError(f"threshold of '{name}'", f"is {value}", "use a number between 0 and 1")
        own[name] = value
    crs = CRS.from_wkt(dataset.crs.to_wkt())
    return _Source(path, PixelGrid(crs, dataset.transform, dataset.width, dataset.height), own, calibrations)


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


def _strips(
    source: _Source,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    band: int,
    threshold: float,
    advance: Advance,
) -> Iterator[Strip]:
    for row in range(0, source.grid.height, _STRIP_ROWS):
        rows = min(_STRIP_ROWS, source.grid.height - row)
        values, edge = _read_strip(source, dataset, band, row, rows)
        # p >= threshold on the scale of the raster, without rounding the threshold to it.
        mask = (values >= threshold * CERTAIN) & (values != NO_IMAGE)
        yield Strip(row, mask, values, edge)
        advance(rows * source.grid.width / 1e6)


def _read_strip(
    source: _Source,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    band: int,
    row: int,
    rows: int,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read rows, and where they lie within one pixel of no-image or of the raster's end."""
    first, last = max(0, row - 1), min(source.grid.height, row + rows + 1)
    window = rasterio.windows.Window(0, first, source.grid.width, last - first)
    try:
        with shielded():
            values: NDArray[np.uint8] = dataset.read(band, window=window)
    except RasterioError as error:
        cause = f"is damaged at rows {first}-{last} ({error.__cause__ or error})"
        raise RasterError(source.path, cause, "run 'vigibati segment' again") from error
    around = np.pad(values, ((first - row + 1, row + rows + 1 - last), (1, 1)), constant_values=NO_IMAGE)
    near = scipy.ndimage.maximum_filter(around == NO_IMAGE, size=3)
    return around[1:-1, 1:-1], near[1:-1, 1:-1]


def _to_footprints(
    found: list[tuple[str, Component]], source: _Source, min_area_m2: float, *, regular: bool
) -> gpd.GeoDataFrame:
    scale, transform = source.grid.ground_scale, source.grid.transform
    outlines = np.array([component.outline for _, component in found], dtype=object)
    to_crs = np.array([transform.a, transform.e]), np.array([transform.c, transform.f])
    outlines = shapely.transform(outlines, lambda points: points * to_crs[0] + to_crs[1])
    traced = _without_small_holes(outlines, _MIN_HOLE_M2 / scale**2)
    outlines = simplify(traced, metres_per_unit=scale)
    eroded = shapely.buffer(outlines, -_OPENING_M / scale, join_style="mitre")
    kept = ~shapely.is_empty(eroded) & (shapely.area(outlines) * scale**2 >= min_area_m2)
    chosen = [item for item, keep in zip(found, kept, strict=True) if keep]
    outlines = outlines[kept]
    if regular:
        straight = np.array([kind not in _FREE_FORMS for kind, _ in chosen], dtype=bool)
        outlines = regularise(traced[kept], straight=straight, metres_per_unit=scale)
    return gpd.GeoDataFrame(
        {
            "footprint_id": np.arange(1, len(chosen) + 1, dtype=np.int64),
            "kind": np.array([kind for kind, _ in chosen], dtype=str),
            "probability": _probabilities(chosen, source.calibrations),
            "area_m2": shapely.area(outlines) * scale**2,
            "at_edge": np.array([item.at_edge for _, item in chosen], dtype=bool),
        },
        geometry=outlines,
        crs=source.grid.crs,
    )


def _probabilities(
    chosen: list[tuple[str, Component]], calibrations: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    kinds = np.array([kind for kind, _ in chosen], dtype=str)
    probabilities = np.array([item.total / item.pixels / CERTAIN for _, item in chosen], dtype=float)
    for kind, (slope, offset) in calibrations.items():
        of_kind = kinds == kind
        probabilities[of_kind] = object_probabilities(probabilities[of_kind], slope=slope, offset=offset)
    return probabilities


def _without_small_holes(outlines: NDArray[np.object_], min_area: float) -> NDArray[np.object_]:
    filled = outlines.copy()
    for position in np.flatnonzero(shapely.get_num_interior_rings(outlines)):
        outline = outlines[position]
        kept = [hole for hole in outline.interiors if Polygon(hole).area >= min_area]
        filled[position] = Polygon(outline.exterior, kept)
    return filled
