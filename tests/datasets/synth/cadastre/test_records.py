from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import affinity
from shapely.geometry import Polygon, box

from vigibati.datasets.synth.cadastre.displacement import draw_displacement
from vigibati.datasets.synth.cadastre.records import OVERHANG_M, CadastralPlan, displace, draw_records
from vigibati.datasets.synth.plan.ground_plan import GroundPlan, Sheet
from vigibati.datasets.synth.truth import offset_table, planted_cases, write_truth

INSEE = "99007"
LEFT, RIGHT = "990070000A01", "99007000ZB01"
X, Y = 842_000.0, 6_519_000.0


def place(minx: float, miny: float, maxx: float, maxy: float) -> Polygon:
    return box(X + minx, Y + miny, X + maxx, Y + maxy)


def test_records_hold_what_is_recorded_and_stands_or_was_demolished(hamlet_records: CadastralPlan) -> None:
    buildings = hamlet_records.buildings
    # House, two of the terrace, two halves of the house on the limit, light shed, demolished.
    assert len(buildings) == 7
    assert buildings["durable"].sum() == 6
    assert buildings["sheet_id"].tolist().count(RIGHT) == 2
    assert len(hamlet_records.pools) == 1


def test_records_are_walls_except_where_roofs_meet(hamlet_records: CadastralPlan) -> None:
    geometry = hamlet_records.buildings.geometry
    first, second = (
        geometry[geometry.intersects(place(*spot))].iloc[0] for spot in ((42, 63, 44, 65), (50, 63, 52, 65))
    )
    o = OVERHANG_M
    assert first.symmetric_difference(place(40 + o, 60 + o, 47, 70 - o)).area < 1e-6
    assert second.symmetric_difference(place(47, 60 + o, 55 - o, 70 - o)).area < 1e-6


def test_records_are_cut_at_parcel_limits_without_loss(hamlet_records: CadastralPlan) -> None:
    whole = place(94 + OVERHANG_M, 30 + OVERHANG_M, 108 - OVERHANG_M, 39 - OVERHANG_M)
    halves = hamlet_records.buildings[hamlet_records.buildings.intersects(whole)]
    assert halves["sheet_id"].tolist() == [LEFT, RIGHT]
    assert halves.geometry.area.tolist() == pytest.approx([5.7 * 8.4, 7.7 * 8.4])


def test_a_wall_on_the_public_road_keeps_its_piece(hamlet: GroundPlan) -> None:
    house = replace(hamlet.buildings[0], outline=place(150, 76, 160, 86))
    on_road = replace(hamlet, buildings=(house,), demolished=())
    buildings = draw_records(on_road, insee=INSEE, year=2024).buildings
    assert buildings["sheet_id"].tolist() == [RIGHT, RIGHT]
    assert buildings.geometry.area.tolist() == pytest.approx([9.4 * 3.7, 9.4 * 5.7])


@given(
    angle=st.floats(0, 180),
    width_m=st.floats(2.5, 25),
    depth_m=st.floats(2.5, 25),
    x_m=st.floats(20, 60),
    y_m=st.floats(20, 50),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_no_recorded_building_is_lost(
    hamlet: GroundPlan, angle: float, width_m: float, depth_m: float, x_m: float, y_m: float
) -> None:
    outline = affinity.rotate(place(x_m, y_m, x_m + width_m, y_m + depth_m), angle)
    house = replace(hamlet.buildings[0], outline=outline)
    parcel = replace(hamlet.parcels[0], outline=place(0, 0, 100, 90))
    alone = replace(hamlet, buildings=(house,), parcels=(parcel,), demolished=())
    walls = draw_records(alone, insee=INSEE, year=2024).buildings.geometry
    expected_m2 = (width_m - 2 * OVERHANG_M) * (depth_m - 2 * OVERHANG_M)
    assert walls.area.sum() == pytest.approx(expected_m2, abs=0.01 * (width_m + depth_m))


def test_an_empty_commune_has_no_records(hamlet: GroundPlan) -> None:
    empty = replace(hamlet, buildings=(), pools=(), demolished=())
    cadastre = draw_records(empty, insee=INSEE, year=2024)
    assert (len(cadastre.buildings), len(cadastre.pools), len(cadastre.parcels)) == (0, 0, 4)
    assert len(planted_cases(empty, year=2024)) == 0


SMALL_SHEET = Sheet("A", place(0, 0, 1, 1))


@pytest.mark.parametrize(
    ("change", "insee", "message"),
    [
        ({}, "9907", "five characters"),
        ({"sheets": ()}, INSEE, "one for each section"),
        (
            {"sheets": (Sheet("A", place(0, 0, 1, 1)), Sheet("A", place(1, 0, 2, 1)))},
            INSEE,
            "one for each section",
        ),
        ({"sheets": (Sheet("A", place(0, 0, 1, 1)),)}, INSEE, r"without a sheet: \['ZB'\]"),
    ],
)
def test_plans_that_cannot_be_recorded_are_refused(
    hamlet: GroundPlan, change: dict[str, Any], insee: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        draw_records(replace(hamlet, **change), insee=insee, year=2024)


def test_planted_cases_have_the_kind_that_a_comparison_can_give(hamlet: GroundPlan) -> None:
    planted = planted_cases(hamlet, year=2024)
    assert list(zip(planted["kind"], planted["case_kind"], planted["area_m2"], strict=True)) == [
        ("extension", "extension", 20.0),
        ("undeclared_house", "new_building", 99.0),
        ("shed", "extension", 8.1),
        ("shed", "new_building", 20.0),
        ("pool", "pool", pytest.approx(28.1, abs=0.2)),
        ("demolished_record", "not_seen", 120.0),
    ]
    assert planted["truth_id"].is_unique
    assert planted["since"].tolist()[:5] == [2022, 2023, 2020, 2022, 2022]
    assert planted["since"].isna().tolist() == [False] * 5 + [True]


def test_what_is_not_built_yet_is_no_case(hamlet: GroundPlan) -> None:
    assert planted_cases(hamlet, year=2021)["kind"].tolist() == ["shed", "demolished_record"]


def test_truth_is_a_geopackage_1_2_with_three_layers(
    hamlet: GroundPlan, hamlet_records: CadastralPlan, tmp_path: Path
) -> None:
    displacement = draw_displacement(hamlet_records.sheets["sheet_id"], seed=11)
    offsets = offset_table(hamlet_records.sheets, displacement)
    path = tmp_path / "truth.gpkg"
    write_truth(hamlet, path, year=2024, offsets=offsets)
    assert sorted(pyogrio.list_layers(path)[:, 0]) == ["buildings", "offsets", "planted"]
    assert path.read_bytes()[60:64] == (10200).to_bytes(4, "big")  # user_version of the SQLite header
    buildings = gpd.read_file(path, layer="buildings")
    assert buildings["recorded"].tolist() == [True, False, True, True, True, True, False, False, False]
    assert buildings.geometry[4].equals(hamlet.buildings[4].outline)
    read = gpd.read_file(path, layer="offsets")
    assert read["dx_m"].tolist() == [shift.dx_m for shift in displacement.shifts]
    warp_m = np.hypot(read["mean_dx_m"] - read["dx_m"], read["mean_dy_m"] - read["dy_m"])
    assert ((warp_m > 0) & (warp_m < 0.5)).all()


@pytest.mark.parametrize("seed", range(8))
def test_displaced_layers_stay_valid_and_keep_their_areas(hamlet_records: CadastralPlan, seed: int) -> None:
    displacement = draw_displacement(hamlet_records.sheets["sheet_id"], seed=seed)
    drawn = displace(hamlet_records, displacement, seed=seed)
    for name, tolerance in (("sheets", 0.02), ("parcels", 0.02), ("pools", 0.02), ("buildings", 0.25)):
        true, moved = getattr(hamlet_records, name).geometry, getattr(drawn, name).geometry
        assert moved.is_valid.all()
        assert set(moved.geom_type) == {"Polygon"}
        assert np.abs(moved.area / true.area - 1).max() < tolerance
        assert not moved.geom_equals(true).any()
    first, second = drawn.parcels.geometry[:2]
    assert first.touches(second)
