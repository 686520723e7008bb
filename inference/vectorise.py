"""From a raster of probabilities to footprints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.raster_checks import open_raster
from vigibati.inference.calibrated import object_probabilities
from vigibati.inference.components import Components, trace
from vigibati.inference.predictor import CERTAIN
from vigibati.inference.probability_raster import read_header, read_strips
from vigibati.inference.regularise import regularise, simplify

# Chimneys, dormers and noise; no courtyard is that small.
_MIN_HOLE_M2 = 2.0
# What is nowhere as wide as twice this is a wall, a kerb or the edge of a shadow.
_OPENING_M = 0.5
# Kinds without straight walls.
_FREE_FORMS = frozenset({"pool"})


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
    found: dict[str, Components] = {}
    with open_raster(probabilities) as dataset:
        header = read_header(probabilities, dataset, thresholds)
        total = dataset.count * dataset.width * dataset.height / 1e6
        with progress.stage("vectorise", total=total, unit="Mpx") as advance:
            for band, kind in enumerate(header.thresholds, start=1):
                found[kind] = Components.concatenate(trace(read_strips(header, dataset, band, advance)))
    return to_footprints(
        found,
        grid=header.grid,
        calibrations=header.calibrations,
        min_area_m2=min_area_m2,
        regular=regular,
    )


def to_footprints(
    found: Mapping[str, Components],
    *,
    grid: PixelGrid,
    calibrations: Mapping[str, tuple[float, float]],
    min_area_m2: float,
    regular: bool,
) -> gpd.GeoDataFrame:
    """Return footprints of components, as ``vectorise`` describes them.

    Args:
        found: The components of each class, in any order.
        grid: The pixels that they are traced in.
        calibrations: Slope and offset per class, of those that are calibrated.
        min_area_m2: Smallest area on the ground that is kept.
        regular: Whether buildings get straight walls; otherwise outlines are simplified only.
    """
    components = Components.concatenate(found.values())
    kinds = np.repeat(np.array(list(found), dtype=str), [len(part) for part in found.values()])
    order = np.lexsort((kinds, components.col, components.row))
    components, kinds = components.take(order), kinds[order]
    scale, transform = grid.ground_scale, grid.transform
    to_crs = np.array([transform.a, transform.e]), np.array([transform.c, transform.f])
    outlines = shapely.transform(components.outlines, lambda points: points * to_crs[0] + to_crs[1])
    traced = _without_small_holes(outlines, _MIN_HOLE_M2 / scale**2)
    outlines = simplify(traced, metres_per_unit=scale)
    eroded = shapely.buffer(outlines, -_OPENING_M / scale, join_style="mitre")
    kept = ~shapely.is_empty(eroded) & (shapely.area(outlines) * scale**2 >= min_area_m2)
    outlines, kinds, components = outlines[kept], kinds[kept], components.take(kept)
    if regular:
        straight = ~np.isin(kinds, list(_FREE_FORMS))
        outlines = regularise(traced[kept], straight=straight, metres_per_unit=scale)
    return gpd.GeoDataFrame(
        {
            "footprint_id": np.arange(1, len(kinds) + 1, dtype=np.int64),
            "kind": kinds,
            "probability": _probabilities(components, kinds, calibrations),
            "area_m2": shapely.area(outlines) * scale**2,
            "at_edge": components.at_edge,
        },
        geometry=outlines,
        crs=grid.crs,
    )


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


def _probabilities(
    components: Components, kinds: NDArray[np.str_], calibrations: Mapping[str, tuple[float, float]]
) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = components.total / components.pixels / CERTAIN
    for kind, (slope, offset) in calibrations.items():
        of_kind = kinds == kind
        probabilities[of_kind] = object_probabilities(probabilities[of_kind], slope=slope, offset=offset)
    return probabilities


def _without_small_holes(outlines: NDArray[np.object_], min_area: float) -> NDArray[np.object_]:
    holed = np.flatnonzero(shapely.get_num_interior_rings(outlines))
    rings, owner = shapely.get_rings(outlines[holed], return_index=True)
    filling: Any = shapely.polygons(rings)
    kept = shapely.area(filling) >= min_area
    kept[np.searchsorted(owner, np.arange(len(holed)))] = True
    filled = outlines.copy()
    if len(holed):
        filled[holed] = shapely.polygons(rings[kept], indices=owner[kept])
    return filled
