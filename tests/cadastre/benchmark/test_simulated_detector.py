from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from vigibati.cadastre.benchmark.altered_plan import Shares, spoil
from vigibati.cadastre.benchmark.simulated_detector import simulate
from vigibati.cadastre.overlap import as_array

BOUNDS = (5.0, 20.0, 40.0, 60.0)
NOTHING = Shares(withheld=0, cut=0, demolished=0)


def test_perfect_footprints_are_the_buildings_and_their_eaves(village: gpd.GeoDataFrame) -> None:
    pieces = spoil(village, seed=1, bounds_m2=BOUNDS, shares=NOTHING)
    found = simulate(pieces, quality="perfect", seed=1)
    # Eaves of 0.3 m on every side: 12.6 by 9.6; a shed sticks out of the house by 4 m, and is 3.6 m wide.
    alone, beside = 12.6 * 9.6, 12.6 * 9.6 + 4 * 3.6
    assert sorted(found.table.area) == pytest.approx([alone] * 32 + [beside] * 32)
    assert list(found.table.columns) == [
        "footprint_id",
        "kind",
        "probability",
        "area_m2",
        "at_edge",
        "geometry",
    ]
    assert found.table["footprint_id"].tolist() == list(range(1, 65))
    assert not found.lean_m.any()
    assert not found.missing.any()
    assert len(found.spurious) == 0


def test_what_was_demolished_is_not_found(village: gpd.GeoDataFrame) -> None:
    pieces = spoil(village, seed=1, bounds_m2=BOUNDS, shares=Shares(withheld=0, cut=0, demolished=0.2))
    found = as_array(simulate(pieces, quality="perfect", seed=1).table)
    gone = shapely.union_all(as_array(pieces[pieces["what"] == "demolished"]))
    stands = shapely.union_all(as_array(pieces[pieces["what"] == "kept"]))
    union = shapely.union_all(found)
    assert shapely.area(shapely.difference(stands, union)) < 1e-6
    assert shapely.area(shapely.intersection(gone, union)) < 0.1 * gone.area


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_realistic_footprints_are_whole_and_their_faults_are_told(
    village: gpd.GeoDataFrame, seed: int
) -> None:
    pieces = spoil(village, seed=seed, bounds_m2=BOUNDS)
    found = simulate(pieces, quality="realistic", seed=seed)
    outlines = as_array(found.table)
    assert found.table.is_valid.all()
    assert set(found.table.geom_type) == {"Polygon"}
    assert shapely.union_all(outlines).area == pytest.approx(found.table["area_m2"].sum())
    assert found.table["probability"].between(0.5, 1).all()
    # A twentieth of the 64 blocks, both ways.
    assert pieces.loc[found.missing, "block"].nunique() == len(found.spurious) == 3
    ground = shapely.union_all(as_array(pieces)[found.missing])
    assert shapely.area(shapely.intersection(ground, shapely.union_all(outlines))) == 0
    assert (shapely.distance(found.spurious, shapely.union_all(as_array(pieces))) > 5).all()
    reach = np.hypot(*found.lean_m.T)
    assert set(np.round(reach, 6)) <= {0.0, 0.2, 0.4, 0.6}
    assert not reach[(pieces["kind"] == "light").to_numpy()].any()
    again = simulate(pieces, quality="realistic", seed=seed)
    assert again.table.equals(found.table)


def test_what_was_cut_off_leans_like_its_house(village: gpd.GeoDataFrame) -> None:
    pieces = spoil(village, seed=4, bounds_m2=BOUNDS)
    lean = simulate(pieces, quality="realistic", seed=4).lean_m
    row = {name: number for number, name in enumerate(pieces["record_id"])}
    for number in np.flatnonzero(pieces["what"] == "cut"):
        assert lean[number].tolist() == lean[row[pieces["record_id"][number].removesuffix("/cut")]].tolist()
