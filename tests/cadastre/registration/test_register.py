from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rasterio import features
from scipy.interpolate import RegularGridInterpolator
from shapely import affinity, ops

from vigibati.cadastre.registration.arrows import ARROW_COLUMNS
from vigibati.cadastre.registration.offsets import OFFSET_COLUMNS, Offsets
from vigibati.cadastre.registration.offsets_io import read_offsets, write_offsets
from vigibati.cadastre.registration.register import register
from vigibati.cadastre.registration.wall_matching import WallMatcher
from vigibati.cadastre.registration.wall_points import outer_walls, wall_points
from vigibati.cadastre.registration.warp import Warp
from vigibati.configs.errors import RecordsError
from vigibati.configs.rules import load_rules

RULES = load_rules()
EAST, NORTH = 896_000.0, 6_281_000.0


def village(seed: int, *, houses: int = 30, east: float = EAST) -> list[shapely.Polygon]:
    """Houses of 3-14 m on a 25 m grid, each moved and turned at random; every third has a shed."""
    draw = np.random.default_rng(seed)
    plots = []
    for index in range(houses):
        x, y = np.array([index % 6, index // 6]) * 25.0 + draw.uniform(-5, 5, 2) + (east, NORTH)
        width, depth = draw.uniform(4, 14, 2)
        house = shapely.box(x, y, x + width, y + depth)
        if index % 3 == 0:
            house = house.union(shapely.box(x - 3, y, x, y + 3))
        plots.append(affinity.rotate(house, draw.uniform(0, 90)))
    return plots


def as_records(
    polygons: list[shapely.Polygon], *, sheet: str | None = "A", kind: str = "durable"
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"record_id": [f"{sheet}{i}" for i in range(len(polygons))], "kind": kind, "sheet_id": sheet},
        geometry=polygons,
        crs=2154,
    )


def as_footprints(polygons: list[shapely.Polygon], *, overhang_m: float = 0.3) -> gpd.GeoDataFrame:
    roofs = [polygon.buffer(overhang_m, join_style="mitre") for polygon in polygons]
    return gpd.GeoDataFrame({"kind": ["building"] * len(roofs), "probability": 0.9}, geometry=roofs, crs=2154)


def moved(layer: gpd.GeoDataFrame, dx: float, dy: float) -> gpd.GeoDataFrame:
    return layer.set_geometry(layer.geometry.translate(dx, dy))


@settings(max_examples=15)
@given(
    angle=st.floats(0, 6.28), length=st.floats(0, 3), seed=st.integers(0, 10_000), overhang=st.floats(0, 0.8)
)
def test_a_random_shift_is_recovered(angle: float, length: float, seed: int, overhang: float) -> None:
    ground = village(seed)
    dx, dy = length * np.cos(angle), length * np.sin(angle)
    kept = [house for index, house in enumerate(ground) if index % 5]
    offsets = register(
        as_footprints(ground, overhang_m=overhang), moved(as_records(kept), dx, dy), rules=RULES
    )
    row = offsets.table.iloc[0]
    assert np.hypot(row["dx_m"] + dx, row["dy_m"] + dy) < 0.2
    assert row["overhang_m"] == pytest.approx(overhang, abs=0.1)
    assert row["method"] == "sheet"


def test_each_sheet_has_its_own_shift_even_where_they_point_apart() -> None:
    west, east = village(1), village(2, east=EAST + 300)
    records = pd.concat(
        [moved(as_records(west, sheet="W"), -3.0, 0.5), moved(as_records(east, sheet="E"), 2.8, -1.0)],
        ignore_index=True,
    )
    table = register(as_footprints(west + east), records, rules=RULES).table.set_index("sheet_id")
    assert table.loc["W", ["dx_m", "dy_m"]].tolist() == pytest.approx([3.0, -0.5], abs=0.05)
    assert table.loc["E", ["dx_m", "dy_m"]].tolist() == pytest.approx([-2.8, 1.0], abs=0.05)


def test_a_sheet_with_little_support_takes_the_shift_of_the_others() -> None:
    ground, lonely = village(3), village(4, houses=2, east=EAST + 400)
    records = pd.concat(
        [moved(as_records(ground, sheet="A"), 1.5, 0.7), moved(as_records(lonely, sheet="B"), 1.5, 0.7)],
        ignore_index=True,
    )
    table = register(as_footprints(ground + lonely), records, rules=RULES).table.set_index("sheet_id")
    assert table["method"].tolist() == ["sheet", "global"]
    assert table.loc["B", ["dx_m", "dy_m"]].tolist() == table.loc["A", ["dx_m", "dy_m"]].tolist()
    assert table.loc["B", "tolerance_m"] == RULES.registration.fallback_tolerance_m
    assert table.loc["B", "support"] == 2


def test_two_blocks_that_agree_vouch_for_each_other() -> None:
    many = as_records(village(4))
    # A wall of each is hidden by what was built on to it, so that three agree.
    far = [shapely.box(x, NORTH, x + 12, NORTH + 9) for x in (EAST + 400, EAST + 440)]
    grown = [ops.unary_union([house, affinity.translate(house, 0, 5)]) for house in far]
    roofs = as_footprints([*many.geometry, *grown])
    for drawn, aside_m in ((far, (0, 0)), (far[:1], (2.0, -1.5))):
        few = moved(as_records(drawn, sheet="B"), 2.0, -1.5)
        offsets = register(roofs, pd.concat([many, few], ignore_index=True), rules=RULES)
        placed = offsets.apply(few)
        left_m = np.array([[p.x, p.y] for p in placed.centroid]) - [
            [h.centroid.x, h.centroid.y] for h in drawn
        ]
        assert left_m == pytest.approx(np.tile(aside_m, (len(drawn), 1)), abs=0.2)


def test_without_any_match_nothing_moves_and_the_tolerance_says_so() -> None:
    far = as_records(village(5, east=EAST + 5000))
    row = register(as_footprints(village(5)), far, rules=RULES).table.iloc[0]
    assert (row["dx_m"], row["dy_m"], row["method"], row["support"]) == (0.0, 0.0, "none", 0)
    assert row["tolerance_m"] == RULES.registration.unregistered_tolerance_m
    assert row["residual_m"] is None or np.isnan(row["residual_m"])


def test_no_footprint_at_all_is_no_support() -> None:
    nothing = as_footprints(village(6))[:0]
    assert register(nothing, as_records(village(6)), rules=RULES).table["method"].tolist() == ["none"]


def test_pools_take_no_part() -> None:
    ground = village(7)
    records = pd.concat(
        [moved(as_records(ground), 1.0, 0.0), moved(as_records(ground, kind="pool"), 2.0, 2.0)],
        ignore_index=True,
    )
    footprints = pd.concat(
        [as_footprints(ground), as_footprints(ground).assign(kind="pool")], ignore_index=True
    )
    row = register(footprints, records, rules=RULES).table.iloc[0]
    assert (row["dx_m"], row["dy_m"]) == pytest.approx((-1.0, 0.0), abs=0.02)


def test_a_terrace_drawn_house_by_house_is_one_block() -> None:
    rows = [
        shapely.box(
            EAST + 6 * house, NORTH + 40 * row, EAST + 6 * house + 6, NORTH + 40 * row + 10 + house % 2
        )
        for row in range(6)
        for house in range(8)
    ]
    roofs = list(shapely.get_parts(shapely.union_all(rows)))
    row = register(as_footprints(roofs), moved(as_records(rows), 1.2, -2.0), rules=RULES).table.iloc[0]
    assert (row["dx_m"], row["dy_m"]) == pytest.approx((-1.2, 2.0), abs=0.1)
    assert row["support"] == 6


def test_pixel_stairs_do_not_bend_the_result() -> None:
    ground = village(8)
    west, south, east, north = shapely.total_bounds(ground)
    grid = Affine(0.2, 0, west - 5, 0, -0.2, north + 5)
    shape = (int((north - south + 10) / 0.2), int((east - west + 10) / 0.2))
    mask = features.rasterize(ground, out_shape=shape, transform=grid, dtype="uint8")
    stairs = [
        shapely.geometry.shape(found) for found, value in features.shapes(mask, transform=grid) if value == 1
    ]
    row = register(
        as_footprints(stairs, overhang_m=0.0), moved(as_records(ground), 1.5, -0.9), rules=RULES
    ).table.iloc[0]
    assert (row["dx_m"], row["dy_m"]) == pytest.approx((-1.5, 0.9), abs=0.1)


def test_same_input_same_result_whatever_the_order_of_records() -> None:
    ground = village(9)
    records = moved(as_records(ground), 0.8, 1.1)
    first = register(as_footprints(ground), records, rules=RULES).table
    again = register(as_footprints(ground), records, rules=RULES).table
    turned = register(as_footprints(ground), records[::-1], rules=RULES).table
    assert first.equals(again)
    assert first["dx_m"].iloc[0] == pytest.approx(turned["dx_m"].iloc[0], abs=1e-6)


@pytest.mark.parametrize("crs", [None, 4326, 2975])
def test_layers_in_different_or_geographic_crs_are_refused(crs: int | None) -> None:
    records = as_records(village(1)).set_crs(crs, allow_override=True)
    with pytest.raises(RecordsError, match="projected CRS"):
        register(as_footprints(village(1)), records, rules=RULES)


def offsets_of(rows: list[tuple[str, float, float, shapely.Geometry]]) -> Offsets:
    values = [(*row[:3], 9, 0.1, 0.7, 0.3, "sheet", row[3]) for row in rows]
    return Offsets(gpd.GeoDataFrame(values, columns=list(OFFSET_COLUMNS), geometry="geometry", crs=2154))


def test_offsets_move_each_record_by_its_sheet_and_rings_stay_closed() -> None:
    offsets = offsets_of(
        [("A", 3.0, 4.0, shapely.box(0, 0, 9, 9)), ("", -1.0, 0.0, shapely.box(50, 0, 60, 9))]
    )
    ring = shapely.Polygon(shapely.box(0, 0, 9, 9).exterior, [shapely.box(2, 2, 4, 4).exterior])
    records = as_records([ring, shapely.box(50, 0, 51, 1)]).assign(sheet_id=["A", None])
    result = offsets.apply(records)
    assert result.geometry.iloc[0].equals(affinity.translate(ring, 3, 4))
    assert result.geometry.iloc[1].equals(shapely.box(49, 0, 50, 1))
    assert result["offset_m"].tolist() == [5.0, 1.0]
    assert result["tolerance_m"].tolist() == [0.7, 0.7]
    assert records.geometry.iloc[0].equals(ring)


def test_parcels_follow_the_nearest_sheet() -> None:
    offsets = offsets_of(
        [("A", 3.0, 4.0, shapely.box(0, 0, 9, 9)), ("B", -1.0, 0.0, shapely.box(50, 0, 60, 9))]
    )
    parcels = gpd.GeoDataFrame(
        {"parcel_id": ["b", "a"]}, geometry=[shapely.box(44, 0, 48, 1), shapely.box(12, 0, 13, 1)]
    )
    result = offsets.apply(parcels.set_crs(2154))
    assert result.geometry.iloc[0].bounds == (43, 0, 47, 1)
    assert result.geometry.iloc[1].bounds == (15, 4, 16, 5)


def test_a_sheet_without_a_building_follows_the_nearest_one() -> None:
    offsets = offsets_of(
        [("A", 3.0, 4.0, shapely.box(0, 0, 9, 9)), ("B", -1.0, 0.0, shapely.box(50, 0, 60, 9))]
    )
    sheets = gpd.GeoDataFrame(
        {"sheet_id": ["bare", "B"]}, geometry=[shapely.box(20, 0, 25, 5), shapely.box(0, 0, 2, 2)]
    )
    moved = offsets.apply(sheets.set_crs(2154), nearest_if_unknown=True)
    assert [each.bounds for each in moved.geometry] == [(23, 4, 28, 9), (-1, 0, 1, 2)]


def test_offsets_refuse_strange_sheets_crs_and_columns() -> None:
    offsets = offsets_of([("A", 0.0, 0.0, shapely.box(0, 0, 1, 1))])
    with pytest.raises(RecordsError, match="no sheet 'B'"):
        offsets.apply(as_records([shapely.box(0, 0, 1, 1)], sheet="B"))
    with pytest.raises(RecordsError, match="EPSG:2975"):
        offsets.apply(as_records([shapely.box(0, 0, 1, 1)]).set_crs(2975, allow_override=True))
    with pytest.raises(RecordsError, match="tolerance_m"):
        Offsets(offsets.table.drop(columns="tolerance_m"))


def bent(layer: gpd.GeoDataFrame, size_m: float) -> gpd.GeoDataFrame:
    def bend(xy: np.ndarray) -> np.ndarray:
        phase = 2 * np.pi * (xy - (EAST, NORTH)) / 500
        return xy + size_m * np.column_stack([np.sin(phase[:, 1]), np.sin(phase[:, 0] + 1)])

    return layer.set_geometry(layer.geometry.transform(bend))


def town(seed: int) -> list[shapely.Polygon]:
    """Four villages: 300 m × 250 m in all."""
    places = [(EAST + dx, NORTH + dy) for dx in (0, 150) for dy in (0, 125)]
    return [
        affinity.translate(house, east - EAST, north - NORTH)
        for place, (east, north) in enumerate(places)
        for house in village(seed + place)
    ]


def test_a_bent_sheet_is_straightened() -> None:
    ground = town(20)
    drawn = moved(bent(as_records(ground), 0.5), 2.0, -1.0)
    offsets = register(as_footprints(ground), drawn, rules=RULES)
    left = offsets.apply(drawn).geometry.centroid.distance(as_records(ground).geometry.centroid)
    one_shift = (
        Offsets(offsets.table).apply(drawn).geometry.centroid.distance(as_records(ground).geometry.centroid)
    )
    assert np.median(left) < 0.1
    assert left.max() < 0.3
    assert np.median(one_shift) > 2 * np.median(left)


def test_a_bent_sheet_keeps_its_rings_closed_and_its_neighbours_joined() -> None:
    ground = town(30)
    halves = [
        part for house in ground for part in shapely.get_parts(ops.split(house, middle_of(house))).tolist()
    ]
    drawn = moved(bent(as_records(halves), 0.5), 1.0, 1.0)
    straight = register(as_footprints(ground), drawn, rules=RULES).apply(drawn)
    assert straight.geometry.is_valid.all()
    # Each half goes to its own roof: where that is one roof they may part by centimetres.
    first, second = straight.geometry[::2].array, straight.geometry[1::2].array
    assert shapely.distance(first, second).max() < 0.05
    shared_m = shapely.length(shapely.intersection(drawn.geometry[::2].array, drawn.geometry[1::2].array))
    overlap_m = shapely.area(shapely.intersection(first, second)) / shared_m
    assert np.quantile(overlap_m, 0.95) < 0.01
    assert overlap_m.max() < 0.15


def jolted(layer: gpd.GeoDataFrame, size_m: float, *, seed: int) -> gpd.GeoDataFrame:
    """Move every house on its own, as drawn one by one."""
    steps = np.random.default_rng(seed).uniform(-size_m, size_m, (len(layer), 2))
    houses = [
        affinity.translate(house, *step) for house, step in zip(layer.geometry, steps.tolist(), strict=True)
    ]
    return layer.set_geometry(houses, crs=layer.crs)


def test_each_block_gets_a_shift_of_its_own() -> None:
    ground = as_records(town(50))
    drawn = jolted(moved(bent(ground, 0.5), 2.0, -1.0), 0.5, seed=1)
    offsets = register(as_footprints(town(50)), drawn, rules=RULES)
    left = offsets.apply(drawn).geometry.centroid.distance(ground.geometry.centroid)
    smooth = Offsets(offsets.table, offsets.warps).apply(drawn).geometry.centroid
    assert np.median(left) < 0.12
    assert np.quantile(left, 0.95) < 0.3
    assert np.median(smooth.distance(ground.geometry.centroid)) > 2 * np.median(left)
    assert set(offsets.arrows["method"]) == {"block"}


def leaning_houses(seed: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, np.ndarray]:
    """Houses with a shed at their back: records, footprints of which houses lean by 0.5 m, who leans."""
    draw, records, roofs = np.random.default_rng(seed), [], []
    for index in range(40):
        x, y = np.array([index % 8, index // 8]) * 30.0 + draw.uniform(-5, 5, 2) + (EAST, NORTH)
        width, depth = draw.uniform(7, 14, 2)
        house, shed = shapely.box(x, y, x + width, y + depth), shapely.box(x, y + depth, x + 4, y + depth + 3)
        turn = {"angle": float(draw.uniform(0, 90)), "origin": (x, y)}
        pair = [affinity.rotate(each, **turn) for each in (house, shed)]
        records += pair
        roofs.append(affinity.translate(pair[0], 0.4, 0.3).union(pair[1]))
    return as_records(records), as_footprints(roofs), np.arange(len(records)) % 2 == 0


def test_leaning_roofs_do_not_draw_their_sheds_along() -> None:
    drawn, footprints, leans = leaning_houses(54)
    placed = register(footprints, moved(drawn, 2.0, -1.0), rules=RULES).apply(moved(drawn, 2.0, -1.0))
    roofs = np.column_stack([drawn.centroid.x, drawn.centroid.y]) + np.outer(leans, (0.4, 0.3))
    off_m = np.hypot(*(np.column_stack([placed.centroid.x, placed.centroid.y]) - roofs).T)
    # One shift for both would leave each 0.25 m off.
    assert np.median(off_m[leans]) < 0.1
    assert np.median(off_m[~leans]) < 0.1


def test_a_shed_that_is_gone_does_not_settle_on_a_house_that_nobody_recorded() -> None:
    ground = village(55)
    house = shapely.box(EAST, NORTH + 135, EAST + 15, NORTH + 145)
    beside = shapely.box(EAST + 4, NORTH + 145, EAST + 10, NORTH + 147)
    drawn = moved(as_records([*ground, beside]), 1.0, 0.5)
    placed = register(as_footprints([*ground, house]), drawn, rules=RULES).apply(drawn)
    assert placed.geometry.iloc[-1].centroid.distance(beside.centroid) < 0.3


def test_a_wall_between_two_records_is_no_outer_wall() -> None:
    pair = np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 2, 16, 6), shapely.box(10.5, 8, 12, 9)])
    walls = wall_points(pair, spacing_m=2.0, min_edge_m=1.0, simplify_m=0.0)
    # The third stands as near, but in another block.
    outer = outer_walls(pair, walls, np.array([0, 0, 1]))
    assert {tuple(xy) for xy in walls.xy[~outer].tolist()} == {(10.0, 3.0), (10.0, 5.0)}


def test_arrows_lead_from_where_a_record_is_drawn_to_where_it_is_moved() -> None:
    ground = as_records(village(51))
    drawn = jolted(moved(ground, 2.0, -1.0), 0.3, seed=2)
    offsets = register(as_footprints(village(51)), drawn, rules=RULES)
    ends = shapely.get_coordinates(offsets.arrows.geometry).reshape(-1, 2, 2)
    boxes = [drawn.geometry.bounds.to_numpy(), offsets.apply(drawn).geometry.bounds.to_numpy()]
    for end, bounds in zip((0, 1), boxes, strict=True):
        middle = (bounds[:, :2] + bounds[:, 2:]) / 2
        # The field bends a house by less than 5 cm between its middle and its corners.
        assert np.sort(ends[:, end, 0]) == pytest.approx(np.sort(middle[:, 0]), abs=0.05)
    assert tuple(offsets.arrows.columns) == ARROW_COLUMNS
    assert (offsets.arrows["support"] >= 3).all()


def test_the_records_of_a_block_stay_joined_and_their_order_does_not_matter() -> None:
    halves = [part for house in village(52) for part in shapely.get_parts(ops.split(house, middle_of(house)))]
    drawn = moved(as_records(halves), 1.0, 1.0)
    footprints = as_footprints(village(52))
    straight = register(footprints, drawn, rules=RULES).apply(drawn)
    turned = register(footprints[::-1], drawn[::-1], rules=RULES).apply(drawn)
    assert shapely.hausdorff_distance(straight.geometry.array, turned.geometry.array).max() < 1e-6
    assert straight["tolerance_m"].to_numpy() == pytest.approx(turned["tolerance_m"].to_numpy(), abs=1e-6)
    overlaps = straight.geometry.area.sum() - shapely.union_all(straight.geometry).area
    assert overlaps == pytest.approx(0, abs=0.01)


def test_a_block_that_is_gone_goes_with_its_sheet() -> None:
    ground = village(53)
    drawn = moved(as_records(ground), 1.0, 0.5)
    offsets = register(as_footprints(ground[1:]), drawn, rules=RULES)
    gone = offsets.arrows.iloc[0]
    assert gone["method"] == "sheet"
    assert (gone["own_dx_m"], gone["own_dy_m"]) == pytest.approx((0, 0), abs=0.001)
    assert gone["tolerance_m"] == offsets.table["tolerance_m"].iloc[0]


def middle_of(house: shapely.Polygon) -> shapely.LineString:
    x, y = house.centroid.coords[0]
    return shapely.LineString([(x - 50, y - 10), (x + 50, y + 10)])


def test_offsets_come_back_from_their_file(tmp_path: Path) -> None:
    ground = town(40)
    drawn = moved(bent(as_records(ground), 0.4), 1.0, 0.5)
    offsets = register(as_footprints(ground), drawn, rules=RULES)
    write_offsets(offsets, tmp_path / "offsets.gpkg")
    again = read_offsets(tmp_path / "offsets.gpkg")
    assert again.table.crs == offsets.table.crs
    assert again.apply(drawn).geometry.geom_equals_exact(offsets.apply(drawn).geometry, 1e-9).all()
    assert again.apply(drawn)["tolerance_m"].tolist() == offsets.apply(drawn)["tolerance_m"].tolist()


def test_offsets_without_warp_come_back_too(tmp_path: Path) -> None:
    offsets = offsets_of([("A", 3.0, 4.0, shapely.box(0, 0, 9, 9))])
    write_offsets(offsets, tmp_path / "offsets.gpkg")
    again = read_offsets(tmp_path / "offsets.gpkg")
    assert again.warps == {}
    assert again.table["dx_m"].tolist() == [3.0]


def test_another_file_is_refused_as_offsets(tmp_path: Path) -> None:
    as_records(village(1)).to_file(tmp_path / "records.gpkg", layer="records")
    for name, cause in (("records.gpkg", "holds no offsets"), ("absent.gpkg", "there is no such file")):
        with pytest.raises(RecordsError, match=cause):
            read_offsets(tmp_path / name)


@given(
    values=arrays(np.float64, (3, 4, 2), elements=st.floats(-2, 2)),
    place=arrays(np.float64, (20, 2), elements=st.floats(-300, 500)),
)
def test_a_warp_agrees_with_scipy_inside_and_holds_its_edge_outside(
    values: np.ndarray, place: np.ndarray
) -> None:
    warp = Warp(100.0, -50.0, 50.0, values)
    grid = RegularGridInterpolator(
        (100 + 50 * np.arange(4), -50 + 50 * np.arange(3)), values.transpose(1, 0, 2)
    )
    inside = np.clip(place, (100, -50), (250, 50))
    assert warp.at(place) == pytest.approx(grid(inside), abs=1e-9)
    nodes = warp.nodes()[::-1]
    assert np.array_equal(Warp.from_nodes(nodes, cell_m=50.0).values_m, values)


def test_walls_that_would_all_stand_far_behind_lose_against_fewer_that_fit() -> None:
    """A hall around nothing fits each wall of a house at 1.8 m; the house itself shows three of its four."""
    record = shapely.box(0, 0, 10, 8)
    house = shapely.box(-0.3, -0.3, 15, 8.3)
    hall = shapely.box(28.2, -1.8, 41.8, 9.8)
    found = wall_points(np.array([house, hall]), spacing_m=0.5, min_edge_m=1.0, simplify_m=0.1)
    matcher = WallMatcher(found, normals_cosine=RULES.registration.normals_cosine)
    drawn = wall_points(np.array([record]), spacing_m=3.0, min_edge_m=1.0, simplify_m=0.1)
    here, there = (
        matcher.scored(drawn, np.array([x, 0.0]), np.zeros((1, 2)), overhang_m)
        for x, overhang_m in ((0.0, 0.3), (30.0, 1.8))
    )
    assert here.residual_m == pytest.approx(there.residual_m, abs=1e-6)
    assert here.score > there.score
