"""Cases of a spoiled plan against its truth, with the detector's own errors kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.bands import band_labels, size_bands
from vigibati.cadastre.pairing import Geometries, as_array, near_pairs, shared_areas, union_by_left
from vigibati.cadastre.scoring import SHARE, hit
from vigibati.cadastre.simulate import Detections, moved_by
from vigibati.cadastre.spoil import connected

_BESIDE_M = 0.6
_SEEN = 0.5
_LARGE_M2 = 40.0
_DEPTHS_M = (1.2, 2.0)
_DEPTH_LABELS = ("<1.2 m", "1.2-2 m", ">=2 m")


@dataclass(frozen=True, slots=True)
class Line:
    """How many changed pieces of one group were found.

    Attributes:
        measure: ``withheld``, ``solo`` (withheld, and no other unrecorded piece within 0.6 m),
            ``groups`` (unrecorded pieces that are joined by at most 0.6 m, as one), ``extension`` by
            depth, ``strip`` and ``end`` likewise, ``demolished``.
        band: Size band, ``>40`` pooled, or depth.
        count: Pieces that the detector shows by at least half; demolished ones: all.
        found: Those that cases cover enough, of any kind.
        same_kind: Those that cases of the expected kind cover enough.
    """

    measure: str
    band: str
    count: int
    found: int
    same_kind: int


@dataclass(frozen=True, slots=True)
class PlanScore:
    """Figures with their counts.

    Attributes:
        lines: What was found; groups without pieces are left out.
        not_detected: Unrecorded pieces that the detector does not show.
        own_false: Cases on nothing that was changed, which the detector does not excuse, by kind.
        detector_false: Cases on blobs and overlooked blocks, by kind.
        misses: Every piece above 40 m² that was not found, with what is around it.
        false_cases: Every false case of the comparison's own.
    """

    lines: tuple[Line, ...]
    not_detected: int
    own_false: dict[str, int]
    detector_false: dict[str, int]
    misses: tuple[dict[str, object], ...]
    false_cases: tuple[dict[str, object], ...]


def score_plan(
    cases: gpd.GeoDataFrame,
    pieces: gpd.GeoDataFrame,
    detections: Detections,
    *,
    bounds_m2: Sequence[float],
    new_below: float,
) -> PlanScore:
    """Compare cases with what was changed.

    A hit is that of `score_cases`: one case covers at least 25 % of a piece, or all together 40 %.
    What stands is looked for among all cases but ``not_seen``, what is gone among these alone.

    Args:
        cases: ``case_id``, ``kind``, polygons.
        pieces: From `spoil`.
        detections: From `simulate`, for these pieces.
        bounds_m2: Bounds of the size bands.
        new_below: Recorded share of a block under which ``new_building`` is the expected kind.
    """
    what, roofs = pieces["what"].to_numpy(dtype=object), moved_by(as_array(pieces), detections.lean_m)
    fresh, gone = np.isin(what, ("withheld", "cut")), what == "demolished"
    shown = np.zeros(len(pieces), dtype=bool)
    shown[fresh] = covered(roofs[fresh], as_array(detections.table)) >= _SEEN
    kind = cases["kind"].to_numpy(dtype=object)
    outlines, absent = as_array(cases), kind == "not_seen"
    found, same = np.zeros((2, len(pieces)), dtype=bool)
    found[fresh], found[gone] = hit(roofs[fresh], outlines, ~absent), hit(roofs[gone], outlines, absent)
    same[gone] = found[gone]
    expected = _expected(pieces, what, new_below)
    for name in ("new_building", "extension"):
        of = fresh & (expected == name)
        same[of] = hit(roofs[of], outlines, kind == name)
    group = np.full(len(pieces), -1)
    group[fresh] = connected(as_array(pieces)[fresh], distance_m=_BESIDE_M)
    solo = fresh & (np.bincount(group[fresh], minlength=1)[group] == 1)
    area = shapely.area(roofs)
    score = _Tally(area, found, same, bounds_m2)
    depth = np.searchsorted(_DEPTHS_M, pieces["depth_m"].to_numpy(dtype=float), side="right")
    form = pieces["form"].to_numpy(dtype=object)
    lines = [
        *score.by_size("withheld", shown & (what == "withheld")),
        *score.by_size("solo", shown & solo & (what == "withheld")),
        *_groups(group, shown, score),
        *score.by_size("demolished", gone),
    ]
    for name, of in (("extension", what == "cut"), ("strip", form == "strip"), ("end", form == "end")):
        for step, label in enumerate(_DEPTH_LABELS):
            lines += score.line(name, label, of & shown & (depth == step))
    own, excused = _false(cases, absent, roofs, (fresh, gone), detections)
    missed = np.flatnonzero((shown | gone) & ~found & (area > _LARGE_M2))
    return PlanScore(
        lines=tuple(lines),
        not_detected=int((fresh & ~shown).sum()),
        own_false=_counted(kind[own]),
        detector_false=_counted(kind[excused]),
        misses=tuple(_missed(pieces, roofs, missed, solo, cases, detections)),
        false_cases=tuple(_described(cases[own])),
    )


def covered(items: Geometries, outlines: Geometries) -> NDArray[np.float64]:
    """Return the share of each item that lies under outlines."""
    pairs = near_pairs(items, outlines)
    over = union_by_left(pairs, outlines, count=len(items))
    shares: NDArray[np.float64] = shapely.area(shapely.intersection(items, over)) / shapely.area(items)
    return shares


class _Tally:
    """Counts over pieces."""

    def __init__(
        self,
        area: NDArray[np.float64],
        found: NDArray[np.bool_],
        same: NDArray[np.bool_],
        bounds_m2: Sequence[float],
    ) -> None:
        self.area, self.found, self.same, self.bounds_m2 = area, found, same, bounds_m2

    def line(self, measure: str, band: str, of: NDArray[np.bool_]) -> list[Line]:
        counts = (int(of.sum()), int(self.found[of].sum()), int(self.same[of].sum()))
        return [Line(measure, band, *counts)] if counts[0] else []

    def by_size(self, measure: str, of: NDArray[np.bool_]) -> list[Line]:
        bands = np.asarray(size_bands(self.area, self.bounds_m2), dtype=object)
        single = [self.line(measure, band, of & (bands == band)) for band in band_labels(self.bounds_m2)]
        large = self.line(measure, f">{_LARGE_M2:g}", of & (self.area > _LARGE_M2))
        return [line for lines in (*single, large) for line in lines]


def _groups(group: NDArray[np.intp], shown: NDArray[np.bool_], of: _Tally) -> list[Line]:
    """Count joined pieces as one, found when cases found pieces of at least half their area."""
    if not shown.any():
        return []
    number = group[shown]
    area = np.bincount(number, of.area[shown])
    part = [np.bincount(number, of.area[shown] * flag[shown]) for flag in (of.found, of.same)]
    real = area > 0
    found, same = (np.divide(each, area, out=np.zeros_like(area), where=real) >= _SEEN for each in part)
    return _Tally(area, found, same, of.bounds_m2).by_size("groups", real)


def _expected(pieces: gpd.GeoDataFrame, what: NDArray[np.object_], new_below: float) -> NDArray[np.object_]:
    """Return the kind of case by the recorded share of the block that a piece makes in the image."""
    outlines, stands = as_array(pieces), what != "demolished"
    area = np.where(stands, shapely.area(outlines), 0.0)
    block = np.full(len(pieces), -1)
    block[stands] = connected(outlines[stands], distance_m=_BESIDE_M)
    size = np.bincount(block + 1, area)
    recorded = np.bincount(block + 1, area * (what == "kept"))
    share = recorded / np.maximum(size, 1e-9)
    return np.where(share[block + 1] < new_below, "new_building", "extension").astype(object)


def _false(
    cases: gpd.GeoDataFrame,
    absent: NDArray[np.bool_],
    roofs: Geometries,
    changed: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    detections: Detections,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which cases are the comparison's own errors, and which are the detector's."""
    outlines, (fresh, gone) = as_array(cases), changed
    right = np.where(absent, _on(outlines, roofs[gone]), _on(outlines, roofs[fresh]))
    excuse = np.where(absent, _on(outlines, roofs[detections.missing]), _on(outlines, detections.spurious))
    return ~right & ~excuse, ~right & excuse


def _on(outlines: Geometries, items: Geometries) -> NDArray[np.bool_]:
    """Return which outlines share a quarter of their own area, or of an item's."""
    pairs = near_pairs(outlines, items)
    shared = shared_areas(pairs, outlines, items)
    smaller = np.minimum(shapely.area(outlines)[pairs.left], shapely.area(items)[pairs.right])
    on = np.zeros(len(outlines), dtype=bool)
    on[pairs.left[shared >= SHARE * smaller]] = True
    return on


def _counted(kinds: NDArray[np.object_]) -> dict[str, int]:
    return {str(kind): int((kinds == kind).sum()) for kind in sorted(set(kinds))}


def _missed(
    pieces: gpd.GeoDataFrame,
    roofs: Geometries,
    rows: NDArray[np.intp],
    solo: NDArray[np.bool_],
    cases: gpd.GeoDataFrame,
    detections: Detections,
) -> list[dict[str, object]]:
    """Describe pieces that were not found: what shows them, what covers them, what they touch."""
    flagged = covered(roofs[rows], as_array(cases))
    shown = covered(roofs[rows], as_array(detections.table))
    outlines, others = as_array(pieces), as_array(pieces[pieces["what"] == "kept"])
    pairs = near_pairs(outlines[rows], others, distance_m=_BESIDE_M)
    around = union_by_left(pairs, others, count=len(rows))
    rims = shapely.boundary(outlines[rows])
    enclosed = shapely.length(shapely.intersection(rims, shapely.buffer(around, _BESIDE_M)))
    enclosed /= shapely.length(rims)
    return [
        _placed(roofs[row])
        | {
            "record_id": str(pieces["record_id"].iloc[row]),
            "what": str(pieces["what"].iloc[row]),
            "solo": bool(solo[row]),
            "depth_m": None if np.isnan(depth := pieces["depth_m"].iloc[row]) else round(float(depth), 2),
            "flagged_share": round(float(flagged[at]), 2),
            "shown_share": round(float(shown[at]), 2),
            "enclosed_share": round(float(enclosed[at]), 2),
        }
        for at, row in enumerate(rows)
    ]


def _described(cases: gpd.GeoDataFrame) -> list[dict[str, object]]:
    names = zip(cases["case_id"], cases["kind"], as_array(cases), strict=True)
    return [{"case_id": str(name), "kind": str(kind)} | _placed(outline) for name, kind, outline in names]


def _placed(outline: shapely.Geometry) -> dict[str, object]:
    point = outline.representative_point()
    return {"area_m2": round(outline.area, 1), "x_m": round(point.x, 1), "y_m": round(point.y, 1)}
