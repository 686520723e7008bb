from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

from vigibati.cadastre.benchmark.withholding import shift, withhold
from vigibati.cadastre.size_bands import size_bands
from vigibati.configs.errors import SettingsError

BOUNDS = (5.0, 20.0, 40.0, 60.0)


def records_of(areas: list[float], *, kind: str = "durable") -> gpd.GeoDataFrame:
    shapes = [box(10 * i, 0, 10 * i + 1, area) for i, area in enumerate(areas)]
    names = [f"{kind}{i:03d}" for i in range(len(areas))]
    return gpd.GeoDataFrame({"record_id": names, "kind": kind}, geometry=shapes, crs=2154)


@given(
    areas=st.lists(st.floats(1, 100), min_size=1, max_size=60),
    fraction=st.floats(0, 1),
    seed=st.integers(0, 99),
)
def test_every_band_loses_its_share(areas: list[float], fraction: float, seed: int) -> None:
    records = records_of(areas)
    result = withhold(records, fraction=fraction, seed=seed, bounds_m2=BOUNDS)
    assert len(result.withheld) == round(fraction * len(areas))
    assert sorted([*result.kept["record_id"], *result.withheld["record_id"]]) == sorted(records["record_id"])
    given_, taken = (np.array(size_bands(layer.area, BOUNDS)) for layer in (records, result.withheld))
    share = len(result.withheld) / len(areas)
    for band in set(given_):
        assert abs((taken == band).sum() - share * (given_ == band).sum()) < 1


def test_the_draw_depends_on_the_seed_and_not_on_the_order() -> None:
    records = records_of([float(area) for area in range(1, 80)])
    first = set(withhold(records, count=20, seed=4, bounds_m2=BOUNDS).withheld["record_id"])
    assert first == set(withhold(records[::-1], count=20, seed=4, bounds_m2=BOUNDS).withheld["record_id"])
    assert first != set(withhold(records, count=20, seed=5, bounds_m2=BOUNDS).withheld["record_id"])


def test_small_records_and_pools_are_never_taken() -> None:
    records = pd.concat([records_of([8, 30, 50, 70]), records_of([40, 45], kind="pool")])
    result = withhold(records, fraction=1.0, seed=0, bounds_m2=BOUNDS, min_area_m2=20)
    assert result.withheld["record_id"].tolist() == ["durable001", "durable002", "durable003"]
    assert result.kept["record_id"].tolist() == ["durable000", "pool000", "pool001"]


@pytest.mark.parametrize(
    "ask", [{}, {"fraction": 0.1, "count": 1}, {"count": 5}, {"fraction": -0.1}, {"count": -1}]
)
def test_impossible_requests_are_refused(ask: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match="withheld records"):
        withhold(records_of([10, 20, 30]), seed=0, bounds_m2=BOUNDS, **ask)


def test_what_stood_against_a_kept_record_is_expected_as_an_extension() -> None:
    records = records_of([10.0] * 3).set_geometry([box(0, 0, 5, 5), box(5.5, 0, 9, 5), box(20, 0, 25, 5)])
    for seed in range(10):
        result = withhold(records, count=2, seed=seed, bounds_m2=BOUNDS)
        beside = {"durable000", "durable001"} - set(result.withheld["record_id"])
        truth = result.as_truth().set_index("truth_id")["case_kind"]
        expected = {
            name: "extension" if beside and name != "durable002" else "new_building" for name in truth.index
        }
        assert truth.to_dict() == expected


def test_a_shift_moves_every_record_alike() -> None:
    records = records_of([10, 20])
    assert shift(records, dx_m=1.5, dy_m=-2).total_bounds.tolist() == [1.5, -2, 12.5, 18]
    assert records.total_bounds.tolist() == [0, 0, 11, 20]
