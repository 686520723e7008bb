"""Hide some records on purpose, to measure how many of them are found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.overlap import as_array, near_pairs
from vigibati.cadastre.size_bands import band_index
from vigibati.configs.errors import SettingsError

_BESIDE_M = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Withheld:
    """Records split in two, each in the order in which they were given."""

    kept: gpd.GeoDataFrame
    withheld: gpd.GeoDataFrame

    def as_truth(self) -> gpd.GeoDataFrame:
        """Return the withheld records as `score_cases` reads them.

        What stands within 0.6 m of a kept record makes one block with it in the image, and is
        expected as an extension; everything else as a new building.
        """
        hidden, kept = as_array(self.withheld), as_array(self.kept[self.kept["kind"] != "pool"])
        beside = np.isin(np.arange(len(hidden)), near_pairs(hidden, kept, distance_m=_BESIDE_M).left)
        return gpd.GeoDataFrame(
            {
                "truth_id": self.withheld["record_id"].to_numpy(),
                "kind": "withheld",
                "case_kind": np.where(beside, "extension", "new_building"),
            },
            geometry=hidden,
            crs=self.withheld.crs,
        )


def withhold(
    records: gpd.GeoDataFrame,
    *,
    seed: int,
    bounds_m2: Sequence[float],
    fraction: float | None = None,
    count: int | None = None,
    min_area_m2: float = 0.0,
) -> Withheld:
    """Take records away at random, the same share from every size band.

    The share of a band is rounded by largest remainder, so that the total is exact. The draw depends
    on the seed, the identifiers and the areas, not on the order of the records. Pools are never taken.

    Args:
        records: Canonical records.
        seed: Of the draw.
        bounds_m2: Bounds of the size bands.
        fraction: Share of the eligible records, 0-1; either this or ``count``.
        count: Number of records.
        min_area_m2: Smaller records are never taken.

    Raises:
        SettingsError: Neither or both of ``fraction`` and ``count``, or more than there are.
    """
    area = records.geometry.area.to_numpy(dtype=float)
    eligible = np.flatnonzero((area >= min_area_m2) & (records["kind"] != "pool").to_numpy())
    total = _total(len(eligible), fraction, count)
    eligible = eligible[np.argsort(records["record_id"].to_numpy(dtype=object)[eligible], kind="stable")]
    band = band_index(area[eligible], bounds_m2)
    draw = np.random.default_rng(seed)
    chosen = [
        draw.choice(eligible[band == step], size=share, replace=False)
        for step, share in enumerate(_shares(np.bincount(band, minlength=len(bounds_m2) + 1), total))
    ]
    hidden = np.zeros(len(records), dtype=bool)
    hidden[np.concatenate(chosen)] = True
    return Withheld(kept=records[~hidden], withheld=records[hidden])


def shift(records: gpd.GeoDataFrame, *, dx_m: float, dy_m: float) -> gpd.GeoDataFrame:
    """Return the records moved by a known amount, as a badly placed cadastre is."""
    return records.set_geometry(records.geometry.translate(dx_m, dy_m))


def _total(eligible: int, fraction: float | None, count: int | None) -> int:
    if (fraction is None) == (count is None):
        raise SettingsError("withheld records", "need a fraction or a count, not both", "give one of them")
    total = count if count is not None else round((fraction or 0.0) * eligible)
    if not 0 <= total <= eligible or (fraction is not None and fraction < 0):
        asked = fraction if count is None else count
        raise SettingsError(
            "withheld records", f"{asked} asked of {eligible}", "ask for a part of what there is"
        )
    return total


def _shares(sizes: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    """Split ``total`` over groups in proportion to their sizes, by largest remainder."""
    exact = sizes * (total / max(int(sizes.sum()), 1))
    # A group never gets more than it has: exact <= size, and only a fraction is rounded up.
    shares: NDArray[np.intp] = np.floor(exact).astype(np.intp)
    first = np.argsort(-(exact - shares), kind="stable")[: total - int(shares.sum())]
    shares[first] += 1
    return shares
