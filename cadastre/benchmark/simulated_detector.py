"""Footprints as a detector would have found them, made from a plan whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.morphology import moved_by, opened, with_eaves
from vigibati.cadastre.overlap import Geometries, as_array

Quality = Literal["perfect", "realistic"]

_OVERHANG_M: Final = 0.3
_OVERHANGS_M: Final = (0.0, 0.8)
_LEAN_M: Final = 0.6
_NOISE_M: Final = 0.25
_CORNER_M: Final = 0.4
_MISSING: Final = 0.05
_SPURIOUS: Final = 0.05
_BLOB_M2: Final = (8.0, 60.0)
_APART_M: Final = 5.0
_LOW_M2: Final = 20.0
_SMALLEST_M2: Final = 4.0
_HOLE_M2: Final = 2.0
_PROBABILITY: Final = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Made-up footprints, and what is wrong with them.

    Attributes:
        table: In the form that ``vectorise`` gives.
        lean_m: (pieces, 2) how far the roof of each piece lies from its walls.
        missing: (pieces,) whether the detector overlooked it with its whole block.
        spurious: Blobs where nothing stands.
    """

    table: gpd.GeoDataFrame
    lean_m: NDArray[np.float64]
    missing: NDArray[np.bool_]
    spurious: Geometries


def simulate(pieces: gpd.GeoDataFrame, *, quality: Quality, seed: int) -> Detections:
    """Draw what a detector finds of a plan.

    Perfect footprints are the union of what stands, with eaves of 0.3 m. Realistic ones have eaves of
    0 to 0.8 m by building, roofs that lean one way by up to 0.6 m with their height, vertices off by
    0.25 m, rounded corners, 5 % of the blocks overlooked, and as many blobs where nothing stands.

    Args:
        pieces: From `spoil`: ``what``, ``kind``, ``block``, polygons.
        quality: Perfect or realistic.
        seed: Of every draw.
    """
    stands = (pieces["what"] != "demolished").to_numpy()
    outlines = as_array(pieces)
    if quality == "perfect":
        blocks = shapely.get_parts(shapely.union_all(outlines[stands]))
        found = with_eaves(blocks, np.full(len(blocks), _OVERHANG_M))
        nothing = np.zeros(len(pieces), dtype=bool)
        return Detections(
            _table(shapely.union_all(found), np.ones(1), pieces.crs),
            np.zeros((len(pieces), 2)),
            nothing,
            np.empty(0, dtype=object),
        )
    chance = np.random.default_rng([seed, 1])
    missing = _missing(pieces["block"].to_numpy(dtype=np.intp), chance)
    lean_m = _leans(pieces, chance)
    overhang_m = chance.uniform(*_OVERHANGS_M, len(pieces))
    seen = stands & ~missing
    roofs = moved_by(outlines[seen], lean_m[seen])
    whole = shapely.get_parts(shapely.union_all(with_eaves(roofs, overhang_m[seen])))
    blobs = _blobs(outlines, round(_SPURIOUS * len(np.unique(pieces["block"]))), chance)
    shapes = shapely.union_all(_rough(np.concatenate([whole, blobs]), chance))
    return Detections(_table(shapes, chance.beta(19, 1, len(pieces)), pieces.crs), lean_m, missing, blobs)


def _missing(block: NDArray[np.intp], chance: np.random.Generator) -> NDArray[np.bool_]:
    """Choose blocks to overlook; never a quarter that holds more than a twentieth of all pieces."""
    size = np.bincount(block)
    small = np.flatnonzero((size > 0) & (size <= max(1.0, _MISSING * len(block))))
    lost = chance.choice(small, size=min(len(small), round(_MISSING * int((size > 0).sum()))), replace=False)
    return np.isin(block, lost)


def _leans(pieces: gpd.GeoDataFrame, chance: np.random.Generator) -> NDArray[np.float64]:
    """Draw a height class of 0 to 3 for each record; what is light or small is low."""
    name = pieces["record_id"].str.removesuffix("/cut").to_numpy(dtype=object).astype(str)
    number, of = np.unique(name, return_inverse=True)
    height = chance.integers(1, 4, len(number))[of]
    low = (pieces["kind"] == "light").to_numpy() | (shapely.area(as_array(pieces)) < _LOW_M2)
    # What was cut off stands as high as its house.
    height[low & (pieces["what"] != "cut").to_numpy()] = 0
    toward = chance.uniform(0, 2 * np.pi)
    leans: NDArray[np.float64] = np.outer(_LEAN_M * height / 3, (np.cos(toward), np.sin(toward)))
    return leans


def _blobs(outlines: Geometries, count: int, chance: np.random.Generator) -> Geometries:
    """Place roundish shapes between the buildings, at least 5 m away from any."""
    west, south, east, north = shapely.total_bounds(outlines)
    tree = shapely.STRtree(outlines)
    blobs: list[shapely.Geometry] = []
    while len(blobs) < count:
        area = chance.uniform(*_BLOB_M2)
        turn = np.sort(chance.uniform(0, 2 * np.pi, 9))
        reach = np.sqrt(area / np.pi) * chance.uniform(0.8, 1.2, 9)
        middle = chance.uniform((west, south), (east, north))
        ring = middle + reach[:, np.newaxis] * np.column_stack([np.cos(turn), np.sin(turn)])
        blob = shapely.convex_hull(shapely.MultiPoint(ring))
        if len(tree.query(blob, predicate="dwithin", distance=_APART_M)) == 0:
            blobs.append(blob)
    return np.array(blobs, dtype=object)


def _rough(outlines: Geometries, chance: np.random.Generator) -> Geometries:
    """Return outlines with vertices off by noise and rounded corners."""
    plain = shapely.simplify(outlines, 0.2)
    xy, owner = shapely.get_coordinates(plain, return_index=True)
    points, place = np.unique(np.column_stack([owner, xy]), axis=0, return_inverse=True)
    noisy = points[:, 1:] + chance.normal(0, _NOISE_M, (len(points), 2))
    rough = shapely.set_coordinates(plain.copy(), noisy[place.reshape(-1)])
    rough = shapely.make_valid(rough, method="structure", keep_collapsed=False)
    rounded = opened(rough, 2 * _CORNER_M)
    # What is too narrow to have its corners rounded stays as it is.
    narrow = shapely.area(rounded) < 0.8 * shapely.area(rough)
    rounded[narrow] = rough[narrow]
    return rounded


def _table(found: shapely.Geometry, probability: NDArray[np.float64], crs: object) -> gpd.GeoDataFrame:
    """Return footprints in reading order, without small holes and scraps, as ``vectorise`` would."""
    parts = shapely.get_parts(found)
    parts = np.array([_filled(part) for part in parts if part.area >= _SMALLEST_M2], dtype=object)
    bounds = shapely.bounds(parts)
    parts = parts[np.lexsort((bounds[:, 0], -bounds[:, 3]))]
    likely = _PROBABILITY if len(probability) == 1 else np.resize(probability, len(parts))
    return gpd.GeoDataFrame(
        {
            "footprint_id": np.arange(1, len(parts) + 1, dtype=np.int64),
            "kind": "building",
            "probability": likely,
            "area_m2": shapely.area(parts),
            "at_edge": False,
        },
        geometry=parts,
        crs=crs,
    )


def _filled(part: shapely.Polygon) -> shapely.Polygon:
    holes = [ring for ring in part.interiors if shapely.Polygon(ring).area >= _HOLE_M2]
    return shapely.Polygon(part.exterior, holes)
