"""Geometry as it comes from the world, made fit for comparison; nothing is mended in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from vigibati.cadastre.parallel import in_parts

_EXAMPLES: Final = 20
_POLYGON: Final = 3
_MULTIPOLYGON: Final = 6
_COLLECTION: Final = 7
_DEGREES: Final = np.array([180.0, 90.0]) + 1e-6
_FARTHEST: Final = 1e8
"""No projected coordinate lies farther out: half the girth of the earth is 2e7 m, or 6.6e7 ft."""

_MIN_AREA_M2: Final = 0.01

# Nothing on the ground differs.
_HARMLESS: Final = ("flattened", "apart")
_WORDS: Final = {
    "flattened": "heights dropped",
    "collection": "geometry collections reduced to their polygons",
    "mended": "invalid outlines mended",
    "empty": "without geometry, dropped",
    "not_polygon": "not polygons, dropped",
    "coordinates": "with impossible coordinates, dropped",
    "no_area": "without area (under 1 dm²), dropped",
    "repeated": "exact repetitions, dropped",
    "apart": "of several parts, each part taken by itself",
    "left_out": "ruins, or no building by their own words, left out",
}


@dataclass(frozen=True, slots=True)
class Repairs:
    """How many polygons were mended or dropped, by reason, with the ids of the first ones.

    Attributes:
        counts: Number by reason: "flattened", "collection", "mended" and "apart" were kept;
            "empty", "not_polygon", "coordinates", "no_area", "repeated" and "left_out"
            were dropped.
        examples: Up to 20 ids by reason.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __add__(self, other: Repairs) -> Repairs:
        reasons = [reason for reason in _WORDS if reason in self.counts or reason in other.counts]
        return Repairs(
            {reason: self.counts.get(reason, 0) + other.counts.get(reason, 0) for reason in reasons},
            {
                reason: (self.examples.get(reason, ()) + other.examples.get(reason, ()))[:_EXAMPLES]
                for reason in reasons
            },
        )

    @property
    def altered(self) -> int:
        """How many outlines differ from the source on the ground, or are gone."""
        return sum(count for reason, count in self.counts.items() if reason not in _HARMLESS)

    def describe(self) -> str:
        """Return one sentence part per reason, such as "2 invalid outlines mended (a, b)"."""
        return "; ".join(self.lines())

    def lines(self) -> list[str]:
        """Return the parts of :meth:`describe`, one a reason."""
        lines = []
        for reason, count in self.counts.items():
            named = self.examples[reason]
            more = f" and {count - len(named)} more" if count > len(named) else ""
            lines.append(f"{count} {_WORDS[reason]} ({', '.join(named)}{more})")
        return lines


def repair_polygons(
    frame: gpd.GeoDataFrame, *, ids: str, crs: pyproj.CRS
) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Reproject polygons and make them valid, two-dimensional and finite.

    Bow-ties and the like go through ``make_valid(method="structure")``, which keeps the
    area that rings enclose; a raw ``buffer(0)`` would lose half of a bow-tie.

    Args:
        frame: Any geometry in any CRS.
        ids: Column with the ids that the report names.
        crs: CRS to bring it to.

    Returns:
        The polygons that could be kept, as Polygon or MultiPolygon in ``crs``, with the
        index of ``frame``, and what was done.
    """
    notes = Repairs()

    def keep(kept: NDArray[np.bool_], reason: str) -> None:
        nonlocal frame, notes
        if not kept.all():
            notes += noted(frame[ids][~kept], reason)
            frame = frame[kept]

    geometry = frame.geometry.array
    keep(~(frame.geometry.isna() | geometry.is_empty).to_numpy(), "empty")
    collections = shapely.get_type_id(frame.geometry.array) == _COLLECTION
    notes += noted(frame[ids][collections], "collection")
    if collections.any():
        frame = frame.set_geometry(_only_polygons(frame.geometry.array, collections), crs=frame.crs)
    keep(np.isin(shapely.get_type_id(frame.geometry.array), (_POLYGON, _MULTIPOLYGON)), "not_polygon")
    keep(_possible(frame), "coordinates")
    high = shapely.has_z(frame.geometry.array) | shapely.has_m(frame.geometry.array)
    if high.any():
        notes += noted(frame[ids][high], "flattened")
        frame = frame.set_geometry(shapely.force_2d(frame.geometry.array), crs=frame.crs)
    if frame.crs != crs:
        frame = frame.to_crs(crs)
        keep(_possible(frame), "coordinates")
    shapes = np.asarray(frame.geometry.array)
    invalid = ~in_parts(lambda rows: shapely.is_valid(shapes[rows]), len(shapes))
    if invalid.any():
        notes += noted(frame[ids][invalid], "mended")
        outlines = np.array(frame.geometry.array)
        outlines[invalid] = shapely.make_valid(outlines[invalid], method="structure", keep_collapsed=False)
        frame = frame.set_geometry(_only_polygons(outlines, invalid), crs=crs)
    keep(shapely.area(frame.geometry.array) >= _MIN_AREA_M2, "no_area")
    return frame, notes


def take_apart(frame: gpd.GeoDataFrame, *, ids: str) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Make a row of each part, so that every building is registered and compared by itself.

    Args:
        frame: Polygons and multipolygons.
        ids: Column with the ids; parts of one row become ``id#1``, ``id#2``…

    Returns:
        Polygons, numbered anew, and what was taken apart.
    """
    several = shapely.get_num_geometries(frame.geometry.array) > 1
    if not several.any():
        return frame, Repairs()
    parts = frame.explode(ignore_index=False, index_parts=True)
    row, part = (parts.index.get_level_values(level) for level in (0, 1))
    named = parts[ids] + "#" + pd.Series(part + 1, index=parts.index).astype(str)
    parts[ids] = parts[ids].where(~np.asarray(several)[row], named)
    return parts.reset_index(drop=True), noted(frame[ids][several], "apart")


def drop_repeated(frame: gpd.GeoDataFrame, *, ids: str) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Drop every outline that is drawn a second time with exactly the same corners.

    Args:
        frame: Valid polygons.
        ids: Column with the ids that the report names.

    Returns:
        The first of each outline, with the index of ``frame``, and what was dropped.
    """
    shapes = gpd.GeoSeries(shapely.normalize(np.array(frame.geometry.array)))
    repeated = shapes.to_wkb().duplicated().to_numpy()
    return frame[~repeated], noted(frame[ids][repeated], "repeated")


def noted(ids: pd.Series[str], reason: str) -> Repairs:
    """Return the report of one reason for which the polygons with these ids were changed or dropped."""
    if ids.empty:
        return Repairs()
    return Repairs({reason: len(ids)}, {reason: tuple(str(value) for value in ids.iloc[:_EXAMPLES])})


def _only_polygons(shapes: NDArray[np.object_], where: NDArray[np.bool_]) -> NDArray[np.object_]:
    cut = np.array(shapes)
    cut[where] = [_polygons_of(shape) for shape in cut[where]]
    return cut


def _polygons_of(shape: BaseGeometry) -> BaseGeometry:
    """Return all polygons inside a nested collection; the shape itself if it holds none."""
    parts = np.array([shape])
    while (nested := shapely.get_type_id(parts) >= _MULTIPOLYGON).any():
        parts = np.concatenate([parts[~nested], shapely.get_parts(parts[nested])])
    polygons = parts[shapely.get_type_id(parts) == _POLYGON]
    if len(polygons) == 0:
        return shape
    single: BaseGeometry = polygons[0]
    return single if len(polygons) == 1 else shapely.MultiPolygon(list(polygons))


def _possible(frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Whether all coordinates are finite and on the globe."""
    points, owners = shapely.get_coordinates(frame.geometry.array, return_index=True)
    bad = ~np.isfinite(points).all(axis=1)
    limit = _DEGREES if frame.crs is not None and frame.crs.is_geographic else _FARTHEST
    bad |= (np.abs(points) > limit).any(axis=1)
    possible: NDArray[np.bool_] = np.bincount(owners[bad], minlength=len(frame)) == 0
    return possible
