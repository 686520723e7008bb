"""Cases of a spoiled plan against its truth, with the detector's own errors kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.benchmark.case_scores import SHARE, hit
from vigibati.cadastre.benchmark.plan_scores_errors import (
    BESIDE_M,
    covered,
    described_cases,
    described_misses,
)
from vigibati.cadastre.benchmark.plan_scores_tally import LARGE_M2, Line, Tally
from vigibati.cadastre.benchmark.simulated_detector import Detections
from vigibati.cadastre.morphology import blocks_of, moved_by
from vigibati.cadastre.overlap import Geometries, as_array, near_pairs, shared_areas

_SEEN = 0.5
_DEPTHS_M = (1.2, 2.0)
_DEPTH_LABELS = ("<1.2 m", "1.2-2 m", ">=2 m")


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
    is_new, is_missing = np.isin(what, ("withheld", "cut")), what == "demolished"
    shown = np.zeros(len(pieces), dtype=bool)
    shown[is_new] = covered(roofs[is_new], as_array(detections.table)) >= _SEEN
    kind = cases["kind"].to_numpy(dtype=object)
    outlines, absent = as_array(cases), kind == "not_seen"
    found, same = np.zeros((2, len(pieces)), dtype=bool)
    found[is_new] = hit(roofs[is_new], outlines, ~absent)
    found[is_missing] = same[is_missing] = hit(roofs[is_missing], outlines, absent)
    expected = _expected(pieces, what, new_below)
    for name in ("new_building", "extension"):
        of = is_new & (expected == name)
        same[of] = hit(roofs[of], outlines, kind == name)
    group = np.full(len(pieces), -1)
    group[is_new] = blocks_of(as_array(pieces)[is_new], distance_m=BESIDE_M)
    solo = is_new & (np.bincount(group[is_new], minlength=1)[group] == 1)
    area = shapely.area(roofs)
    own, excused = _false(cases, absent, roofs, (is_new, is_missing), detections)
    missed = np.flatnonzero((shown | is_missing) & ~found & (area > LARGE_M2))
    return PlanScore(
        lines=tuple(_lines(pieces, shown, solo, group, Tally(area, found, same, bounds_m2))),
        not_detected=int((is_new & ~shown).sum()),
        own_false=_counted(kind[own]),
        detector_false=_counted(kind[excused]),
        misses=tuple(described_misses(pieces, roofs, missed, solo, cases, detections.table)),
        false_cases=tuple(described_cases(cases[own])),
    )


def _lines(
    pieces: gpd.GeoDataFrame,
    shown: NDArray[np.bool_],
    solo: NDArray[np.bool_],
    group: NDArray[np.intp],
    of: Tally,
) -> list[Line]:
    """Count what was found of each measure, by size or, of what was cut off, by depth."""
    what, form = pieces["what"].to_numpy(dtype=object), pieces["form"].to_numpy(dtype=object)
    lines = [
        *of.by_size("withheld", shown & (what == "withheld")),
        *of.by_size("solo", shown & solo & (what == "withheld")),
        *_groups(group, shown, of),
        *of.by_size("demolished", what == "demolished"),
    ]
    depth = np.searchsorted(_DEPTHS_M, pieces["depth_m"].to_numpy(dtype=float), side="right")
    for name, cut in (("extension", what == "cut"), ("strip", form == "strip"), ("end", form == "end")):
        for step, label in enumerate(_DEPTH_LABELS):
            lines += of.line(name, label, cut & shown & (depth == step))
    return lines


def _groups(group: NDArray[np.intp], shown: NDArray[np.bool_], of: Tally) -> list[Line]:
    """Count joined pieces as one, found when cases found pieces of at least half their area."""
    if not shown.any():
        return []
    number = group[shown]
    area: NDArray[np.float64] = np.bincount(number, of.area_m2[shown]).astype(np.float64)
    part = [np.bincount(number, of.area_m2[shown] * flag[shown]) for flag in (of.found, of.same)]
    real = area > 0
    found, same = (np.divide(each, area, out=np.zeros_like(area), where=real) >= _SEEN for each in part)
    return Tally(area, found, same, of.bounds_m2).by_size("groups", real)


def _expected(pieces: gpd.GeoDataFrame, what: NDArray[np.object_], new_below: float) -> NDArray[np.object_]:
    """Return the kind of case by the recorded share of the block that a piece makes in the image."""
    outlines, stands = as_array(pieces), what != "demolished"
    area = np.where(stands, shapely.area(outlines), 0.0)
    block = np.full(len(pieces), -1)
    block[stands] = blocks_of(outlines[stands], distance_m=BESIDE_M)
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
    outlines, (is_new, is_missing) = as_array(cases), changed
    right = np.where(absent, _on(outlines, roofs[is_missing]), _on(outlines, roofs[is_new]))
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
