from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from vigibati.cadastre.benchmark.altered_plan import CutForm, Shares, cut_off, spoil, unstacked
from vigibati.cadastre.readers import read_records

BOUNDS = (5.0, 20.0, 40.0, 60.0)


def check_partition(pieces: gpd.GeoDataFrame, truth: gpd.GeoDataFrame) -> None:
    """Nothing is lost and nothing invented: the pieces of a building are the building."""
    whole = pieces["record_id"].str.removesuffix("/cut")
    again = pieces.dissolve(by=whole).geometry
    assert sorted(again.index) == sorted(truth["record_id"])
    true = truth.set_index("record_id").geometry.loc[again.index]
    assert shapely.area(shapely.symmetric_difference(again.array, true.array)).max() < 1e-6
    assert pieces.area.groupby(whole).sum().to_numpy() == pytest.approx(again.area.to_numpy())
    assert pieces["record_id"].is_unique


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_the_pieces_are_the_plan(village: gpd.GeoDataFrame, seed: int) -> None:
    pieces = spoil(village, seed=seed, bounds_m2=BOUNDS)
    check_partition(pieces, village)
    # 19 of 96; then 8 % of the other 77; then a tenth of 96, of which half are strips.
    assert pieces["what"].value_counts().to_dict() == {"kept": 71, "withheld": 19, "cut": 10, "demolished": 6}
    assert pieces["form"].value_counts().to_dict() == {"": 96, "strip": 5, "end": 5}
    again = spoil(village, seed=seed, bounds_m2=BOUNDS)
    assert again.drop(columns="geometry").equals(pieces.drop(columns="geometry"))
    assert again.geometry.geom_equals_exact(pieces.geometry, 0).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_what_is_cut_off_has_the_depth_that_is_told(village: gpd.GeoDataFrame, seed: int) -> None:
    cut = spoil(village, seed=seed, bounds_m2=BOUNDS).query("what == 'cut'")
    along = np.where(cut["form"] == "strip", 12.0, 9.0)
    assert cut.area.to_numpy() == pytest.approx(along * cut["depth_m"])
    assert cut.area.between(5, 0.4 * 12 * 9).all()


@pytest.mark.shared
def test_the_pieces_of_a_real_sheet_are_the_sheet(shared_data: Path) -> None:
    records = read_records(shared_data / "cadastre" / "edigeo" / "edigeo-130290000A01.tar.bz2").records
    pieces = spoil(records, seed=1, bounds_m2=BOUNDS)
    check_partition(pieces, unstacked(records[records["kind"] != "pool"]))


@pytest.mark.parametrize(
    ("form", "far", "piece"),
    [
        ("strip", False, box(0, 0, 12, 2)),
        ("strip", True, box(0, 7, 12, 9)),
        ("end", False, box(0, 0, 2, 9)),
        ("end", True, box(10, 0, 12, 9)),
    ],
)
def test_a_cut_runs_along_or_across(form: CutForm, *, far: bool, piece: shapely.Polygon) -> None:
    house = box(0, 0, 12, 9)
    pieces = [cut_off(house, form=form, depth_m=2, far=side) for side in (far, not far)]
    # Which corner of the rectangle is the first is not ours to say.
    assert any(shapely.equals(cut, piece) for _, cut in pieces)
    for left, cut in pieces:
        assert shapely.equals(shapely.union(left, cut), house)
        assert left.area + cut.area == pytest.approx(house.area)


def test_pools_and_stacked_polygons_are_left_out(village: gpd.GeoDataFrame) -> None:
    porch = (
        village.iloc[[0]]
        .assign(record_id="porch")
        .set_geometry([box(700_000, 6_600_000, 700_003, 6_600_003)])
    )
    pool = village.iloc[[1]].assign(record_id="pool", kind="pool")
    pieces = spoil(
        pd.concat([village, porch, pool]),
        seed=1,
        bounds_m2=BOUNDS,
        shares=Shares(withheld=0, cut=0, demolished=0),
    )
    # The smaller one stays.
    assert set(pieces["record_id"]) == (set(village["record_id"]) | {"porch"}) - {"h00"}


def test_a_sheet_of_three_stays_whole(village: gpd.GeoDataFrame) -> None:
    few = village.assign(sheet_id=np.where(np.arange(96) < 3, "few", "many"))
    pieces = spoil(few, seed=3, bounds_m2=BOUNDS, shares=Shares(withheld=0.9))
    assert set(pieces.loc[pieces["sheet_id"] == "few", "what"]) == {"kept"}
    assert (pieces["what"] == "withheld").sum() == round(0.9 * 93)
