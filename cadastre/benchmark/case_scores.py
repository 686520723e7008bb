"""Cases against a known truth: what was found, what was missed, what was invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.overlap import as_array, near_pairs, shared_areas, union_by_left
from vigibati.cadastre.size_bands import band_labels, size_bands

SHARE = 0.25
"""A case and an item belong together from this share of either on."""

_ALL_PARTS_SHARE = 0.40


@dataclass(frozen=True, slots=True)
class Recall:
    """How many truth items of one group were found.

    Attributes:
        kind: What was planted, such as ``shed``.
        size_band: Band of the truth item's area; ``all`` for the whole kind.
        count: Truth items.
        found: Those covered by a case of any kind.
        same_kind: Those covered by a case of the expected kind.
    """

    kind: str
    size_band: str
    count: int
    found: int
    same_kind: int


@dataclass(frozen=True, slots=True)
class Precision:
    """How many cases of one kind lie on a truth item of any kind, and how many were expected to."""

    kind: str
    count: int
    right: int
    expected: float


@dataclass(frozen=True, slots=True)
class Score:
    """Figures with their counts; shares are left to the reader, who sees what they stand on.

    Attributes:
        recall: Per kind and size band, and per kind, groups without truth left out.
        precision: Per kind of case, kinds without cases left out.
        false_cases: ``case_id`` of cases on no truth item.
        missed: ``truth_id`` of items that no case covers.
    """

    recall: tuple[Recall, ...]
    precision: tuple[Precision, ...]
    false_cases: tuple[str, ...]
    missed: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return plain lists, numbers and strings, fit for JSON."""
        return asdict(self)


def score_cases(cases: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, *, bounds_m2: Sequence[float]) -> Score:
    """Compare cases with what is known to be there.

    A truth item is found when one case covers at least 25 % of it, or all cases together at least
    40 %: small buildings are often found as one part with their neighbour, which best IoU would call
    a miss. A case is right when it shares at least 25 % of its own area, or of the truth item's.

    Args:
        cases: ``case_id``, ``kind``, ``p_case``, polygons.
        truth: ``truth_id``, ``kind`` (what was planted or withheld), ``case_kind`` (the kind of case
            that it should lead to), polygons in the same CRS.
        bounds_m2: Bounds of the size bands.
    """
    items, outlines = as_array(truth), as_array(cases)
    pairs = near_pairs(items, outlines)
    shared = shared_areas(pairs, items, outlines)
    of_truth = shared / shapely.area(items)[pairs.left]
    of_case = shared / shapely.area(outlines)[pairs.right]
    right = np.zeros(len(cases), dtype=bool)
    right[pairs.right[np.maximum(of_truth, of_case) >= SHARE]] = True
    kind, expected = (truth[name].to_numpy(dtype=object) for name in ("kind", "case_kind"))
    found = hit(items, outlines, np.ones(len(cases), dtype=bool))
    same = np.zeros(len(truth), dtype=bool)
    for name in sorted(set(expected)):
        alike = (cases["kind"] == name).to_numpy(dtype=bool)
        same |= (expected == name) & hit(items, outlines, alike)
    bands = np.asarray(size_bands(shapely.area(items), bounds_m2), dtype=object)
    case_kind, chance = cases["kind"].to_numpy(dtype=object), cases["p_case"].to_numpy(dtype=float)
    return Score(
        recall=tuple(
            Recall(name, band, int(of.sum()), int(found[of].sum()), int(same[of].sum()))
            for name in sorted(set(kind))
            for band in ("all", *band_labels(bounds_m2))
            if (of := (kind == name) & ((bands == band) | (band == "all"))).any()
        ),
        precision=tuple(
            Precision(
                name,
                int((case_kind == name).sum()),
                int(right[case_kind == name].sum()),
                round(float(chance[case_kind == name].sum()), 1),
            )
            for name in sorted(set(case_kind))
        ),
        false_cases=tuple(str(name) for name in cases["case_id"].to_numpy(dtype=object)[~right]),
        missed=tuple(str(name) for name in truth["truth_id"].to_numpy(dtype=object)[~found]),
    )


def hit(
    items: NDArray[np.object_], outlines: NDArray[np.object_], use: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which items the cases in ``use`` cover enough, alone or together."""
    chosen = outlines[use]
    pairs = near_pairs(items, chosen)
    alone = shared_areas(pairs, items, chosen) >= SHARE * shapely.area(items)[pairs.left]
    together = shapely.intersection(items, union_by_left(pairs, chosen, count=len(items)))
    found: NDArray[np.bool_] = shapely.area(together) >= _ALL_PARTS_SHARE * shapely.area(items)
    found[pairs.left[alone]] = True
    return found
