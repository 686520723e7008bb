from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from vigibati.cadastre.benchmark.displaced_plan import Disorder, displace
from vigibati.cadastre.morphology import blocks_of
from vigibati.cadastre.overlap import as_array


@pytest.fixture(scope="session")
def blocks(village: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return village.assign(block=blocks_of(as_array(village), distance_m=0.1))


def corners(layer: gpd.GeoDataFrame) -> np.ndarray:
    return shapely.get_coordinates(as_array(layer))


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), shift_m=st.floats(0, 5), warp_m=st.floats(0, 2))
def test_records_are_where_the_known_field_puts_them(
    blocks: gpd.GeoDataFrame, seed: int, shift_m: float, warp_m: float
) -> None:
    disorder = Disorder(shift_m=shift_m, warp_m=warp_m, jitter_m=0, noise_m=0, split=0)
    moved = displace(blocks, seed=seed, disorder=disorder)
    assert moved.records["record_id"].tolist() == blocks["record_id"].tolist()
    for sheet, field in moved.fields.items():
        mine = (blocks["sheet_id"] == sheet).to_numpy()
        before, after = corners(blocks[mine]), corners(moved.records[mine])
        assert after == pytest.approx(before + field.at(before), abs=1e-6)
        assert np.hypot(*field.shift_m) == pytest.approx(shift_m)
        assert (np.abs(after - before - field.shift_m) <= warp_m + 1e-6).all()
    _, owner = shapely.get_coordinates(as_array(blocks), return_index=True)
    steps = corners(moved.records) - corners(blocks)
    mean = np.column_stack([np.bincount(owner, axis) / np.bincount(owner) for axis in steps.T])
    assert moved.moved_m == pytest.approx(mean, abs=1e-6)


def test_blocks_move_as_one(blocks: gpd.GeoDataFrame) -> None:
    disorder = Disorder(shift_m=0, warp_m=0, jitter_m=0.3, noise_m=0, split=0)
    moved = displace(blocks, seed=1, disorder=disorder)
    table = gpd.pd.DataFrame(moved.moved_m).groupby(blocks["block"].to_numpy())
    assert table.std().max(axis=None) < 1e-9
    assert table.first().std().to_numpy() == pytest.approx([0.3, 0.3], abs=0.08)


def test_shared_corners_stay_shared(blocks: gpd.GeoDataFrame) -> None:
    disorder = Disorder(shift_m=0, warp_m=0, jitter_m=0, noise_m=0.15, split=0)
    moved = displace(blocks, seed=1, disorder=disorder)
    distinct = [len(np.unique(corners(layer), axis=0)) for layer in (blocks, moved.records)]
    assert distinct[0] == distinct[1]
    assert moved.moved_m == pytest.approx(0)
    assert (corners(moved.records) - corners(blocks)).std() == pytest.approx(0.15, abs=0.02)


def test_everything_at_once_stays_valid_and_a_tenth_is_split(blocks: gpd.GeoDataFrame) -> None:
    moved = displace(blocks, seed=5, disorder=Disorder(shift_m=3))
    assert moved.records.is_valid.all()
    halves = moved.records[moved.records["record_id"].str.contains("/")]
    # Of the 64 houses; the sheds are too small.
    assert len(halves) == 2 * 6
    assert len(moved.records) == len(moved.moved_m) == 96 + 6
    assert set(halves["record_id"].str[-2:]) == {"/1", "/2"}


def test_only_the_shift_depends_on_the_shift(blocks: gpd.GeoDataFrame) -> None:
    here, there = (displace(blocks, seed=2, disorder=Disorder(shift_m=shift)) for shift in (0, 2))
    for sheet in ("north", "south"):
        mine = (there.records["sheet_id"] == sheet).to_numpy()
        steps = corners(there.records[mine]) - corners(here.records[mine])
        assert np.hypot(*steps.T) == pytest.approx(2)
