"""A true plan taken apart on purpose: what is not recorded, what is half recorded, what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from vigibati.cadastre.benchmark.withholding import withhold
from vigibati.cadastre.morphology import blocks_of
from vigibati.cadastre.overlap import as_array, near_pairs

What = Literal["kept", "withheld", "cut", "demolished"]
"""``kept`` is recorded and stands; ``withheld`` and ``cut`` only stand, ``demolished`` is only recorded."""

CutForm = Literal["strip", "end"]
"""A ``strip`` runs along the long side of a building, an ``end`` is cut across it."""

_TOUCHING_M = 0.1
_STACKED = 0.1
_FEW = 4
_HOUSE_M2 = 40.0
_PIECE_M2 = 5.0
_LARGEST_PIECE = 0.4
_STRAIGHT = 0.2
_BEYOND_M = 1.0
_DEPTHS_M: dict[CutForm, tuple[float, float]] = {"strip": (0.8, 3.5), "end": (1.2, 6.0)}


@dataclass(frozen=True, slots=True)
class Shares:
    """Which parts of the buildings are changed.

    Attributes:
        withheld: Taken from the records, the same share of every size band.
        cut: Houses of which a part is taken from the records.
        demolished: Of the recorded buildings, taken from the ground; likewise stratified.
    """

    withheld: float = 0.20
    cut: float = 0.10
    demolished: float = 0.08


def spoil(
    records: gpd.GeoDataFrame, *, seed: int, bounds_m2: Sequence[float], shares: Shares | None = None
) -> gpd.GeoDataFrame:
    """Decide what of a true plan is recorded and what stands; nothing is moved yet.

    Pools are left out, and so is what is drawn on top of a smaller building. A sheet of fewer than
    four buildings stays as it is: without any record nobody could say that the cadastre speaks there.

    Args:
        records: True records with ``sheet_id``.
        seed: Of every draw.
        bounds_m2: Bounds of the size bands.
        shares: How much is changed.

    Returns:
        The pieces of the plan, which together are its buildings: the columns of the records,
        ``what`` (see `What`), ``form`` (see `CutForm`) and ``depth_m`` of what was cut off, ``block``
        (number of the connected block in the true plan).
    """
    shares = shares or Shares()
    truth = unstacked(records[records["kind"] != "pool"])
    truth = truth.assign(block=blocks_of(as_array(truth), distance_m=_TOUCHING_M))
    whole = truth.groupby("sheet_id")["sheet_id"].transform("size") < _FEW
    open_to_change = truth[~whole]
    draws = [int(value) for value in np.random.SeedSequence(seed).generate_state(3)]
    first = withhold(open_to_change, seed=draws[0], bounds_m2=bounds_m2, fraction=shares.withheld)
    second = withhold(first.kept, seed=draws[1], bounds_m2=bounds_m2, fraction=shares.demolished)
    rest, pieces = _extensions(
        second.kept, count=round(shares.cut * len(open_to_change)), chance=np.random.default_rng(draws[2])
    )
    parts: tuple[tuple[What, gpd.GeoDataFrame], ...] = (
        ("kept", truth[whole]),
        ("kept", rest),
        ("withheld", first.withheld),
        ("demolished", second.withheld),
        ("cut", pieces),
    )
    blank = {"form": "", "depth_m": np.nan}
    named = [
        part.assign(**{**blank, **part[list(set(blank) & set(part))], "what": what}) for what, part in parts
    ]
    return pd.concat([part for part in named if len(part) > 0], ignore_index=True)


def unstacked(records: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Drop what shares more than a tenth of its own area, or of the other's, with a smaller building."""
    outlines = as_array(records)
    area = shapely.area(outlines)
    order = np.lexsort((records["record_id"].to_numpy(dtype=object).astype(str), area))
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    pairs = near_pairs(outlines, outlines)
    smaller = rank[pairs.right] < rank[pairs.left]
    left, right = pairs.left[smaller], pairs.right[smaller]
    shared = shapely.area(shapely.intersection(outlines[left], outlines[right]))
    stacked = shared > _STACKED * area[right]
    below: dict[int, list[int]] = {}
    for upper, lower in zip(left[stacked], right[stacked], strict=True):
        below.setdefault(int(upper), []).append(int(lower))
    kept = np.ones(len(records), dtype=bool)
    for row in order:
        kept[row] = not any(kept[lower] for lower in below.get(int(row), ()))
    return records[kept]


def cut_off(
    building: shapely.Polygon, *, form: CutForm, depth_m: float, far: bool
) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Cut a building by a line parallel to a side of its smallest rectangle.

    Args:
        building: The outline.
        form: Which sides of the rectangle are meant, the long ones or the short ones.
        depth_m: Distance of the line from that side.
        far: Which of the two sides: the one away from the rectangle's first corner, or the other.

    Returns:
        What is left, and what is cut off; together they are the building.
    """
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(building))
    sides = sorted(corners[[1, 3]] - corners[0], key=lambda side: float(np.hypot(*side)), reverse=True)
    along, inward = sides if form == "strip" else sides[::-1]
    width = float(np.hypot(*inward))
    ahead, inward = along / np.hypot(*along), inward / width
    low, high = (width - depth_m, width + _BEYOND_M) if far else (-_BEYOND_M, depth_m)
    end = float(np.hypot(*along)) + _BEYOND_M
    ring = [
        corners[0] + u * ahead + v * inward
        for u, v in ((-_BEYOND_M, low), (end, low), (end, high), (-_BEYOND_M, high))
    ]
    slab = shapely.Polygon(ring)
    return shapely.difference(building, slab), shapely.intersection(building, slab)


def _extensions(
    houses: gpd.GeoDataFrame, *, count: int, chance: np.random.Generator
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return the houses without the parts that are cut off, and these parts, by turns strips and ends."""
    outlines = as_array(houses).copy()
    large = np.flatnonzero(shapely.area(outlines) >= _HOUSE_M2)
    cut: list[tuple[int, shapely.Geometry, CutForm, float]] = []
    for row in chance.permutation(large):
        if len(cut) == count:
            break
        form: CutForm = "strip" if len(cut) % 2 == 0 else "end"
        for depth_m, far in _attempts(form, chance):
            left, piece = cut_off(outlines[row], form=form, depth_m=depth_m, far=far)
            if _is_extension(outlines[row], left, piece, depth_m):
                outlines[row] = left
                cut.append((int(row), piece, form, depth_m))
                break
    rows = [row for row, _, _, _ in cut]
    pieces = houses.iloc[rows].set_geometry([piece for _, piece, _, _ in cut], crs=houses.crs)
    return houses.set_geometry(outlines, crs=houses.crs), pieces.assign(
        record_id=pieces["record_id"] + "/cut",
        form=[form for _, _, form, _ in cut],
        depth_m=[depth_m for _, _, _, depth_m in cut],
    )


def _attempts(form: CutForm, chance: np.random.Generator) -> Iterator[tuple[float, bool]]:
    depth_m, far = float(chance.uniform(*_DEPTHS_M[form])), bool(chance.random() < 0.5)  # noqa: PLR2004 -- a coin
    yield depth_m, far
    yield depth_m, not far


def _is_extension(
    house: shapely.Geometry, left: shapely.Geometry, piece: shapely.Geometry, depth_m: float
) -> bool:
    """Whether a cut gives a house and a straight piece of about the depth that was asked."""
    if not (isinstance(left, shapely.Polygon) and isinstance(piece, shapely.Polygon)):
        return False
    contact_m = shapely.length(shapely.intersection(shapely.boundary(left), shapely.boundary(piece)))
    deep = abs(piece.area - depth_m * contact_m) <= _STRAIGHT * depth_m * contact_m
    return bool(deep and _PIECE_M2 <= piece.area <= _LARGEST_PIECE * shapely.area(house))
