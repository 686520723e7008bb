from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from shapely import affinity, box

from vigibati.cadastre.cases.table import CASE_COLUMNS, listed_chance
from vigibati.cadastre.comparison.compare import Comparison, compare
from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.comparison.unexplained_parts import residue
from vigibati.cadastre.comparison.unseen_records import unseen
from vigibati.cadastre.morphology import opened
from vigibati.cadastre.registration.offsets import OFFSET_COLUMNS, Offsets
from vigibati.cadastre.registration.register import register
from vigibati.configs.errors import RecordsError
from vigibati.configs.rules import load_rules

RULES = load_rules()
EVERYWHERE = box(-1000, -1000, 1000, 1000)
Shape = shapely.Polygon | shapely.MultiPolygon


def records_of(*shapes: Shape, kind: str = "durable") -> gpd.GeoDataFrame:
    names = [f"{kind}{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame(
        {"record_id": names, "kind": kind, "sheet_id": "A"}, geometry=list(shapes), crs=2154
    )


def found(*shapes: Shape, kind: str = "building") -> gpd.GeoDataFrame:
    chance = np.linspace(0.9, 0.8, max(len(shapes), 1))[: len(shapes)]
    return gpd.GeoDataFrame({"probability": chance, "kind": kind}, geometry=list(shapes), crs=2154)


def offsets_of(*, dx: float = 0.0, dy: float = 0.0, tolerance: float = 0.7, overhang: float = 0.0) -> Offsets:
    row = ("A", dx, dy, 9, 0.1, tolerance, overhang, "sheet", EVERYWHERE)
    return Offsets(gpd.GeoDataFrame([row], columns=list(OFFSET_COLUMNS), geometry="geometry", crs=2154))


def run(
    footprints: gpd.GeoDataFrame, records: gpd.GeoDataFrame, offsets: Offsets | None = None
) -> Comparison:
    return compare(
        footprints, records, offsets or offsets_of(), rules=RULES, cover=EVERYWHERE, imaged=EVERYWHERE
    )


def test_a_recorded_house_is_no_case() -> None:
    result = run(found(box(0, 0, 10, 10)), records_of(box(0, 0, 10, 10)))
    assert len(result.cases) == 0
    assert tuple(result.cases.columns) == CASE_COLUMNS
    assert result.report.footprints_recorded == 1


def test_a_row_over_the_edge_of_the_cover_is_seen() -> None:
    # Most of the roof, its middle included, lies where the records do not speak.
    result = compare(
        found(box(-60, 0, 20, 10)),
        records_of(box(0, 0, 10, 10), box(10, 0, 20, 10)),
        offsets_of(),
        rules=RULES,
        cover=box(0, -50, 100, 50),
        imaged=EVERYWHERE,
    )
    assert result.report.footprints_outside_cover == 1
    assert result.report.cases["not_seen"] == 0


def test_a_house_beside_its_record_as_a_whole_is_no_extension() -> None:
    # 2 m aside: a strip of 2 m by 12 m sticks out, and as much is missing on the other side.
    recorded, leaning = box(0, 0, 10, 12), box(2, 0, 12, 12)
    assert len(run(found(leaning), records_of(recorded)).cases) == 0
    # As far aside, and a strip of 2 m longer: the far side is not missing as much as sticks out.
    longer = run(found(box(1, 0, 14, 12)), records_of(recorded)).cases
    assert longer["kind"].tolist() == ["extension"]
    # Farther than roofs lean.
    assert run(found(box(4.5, 0, 14.5, 12)), records_of(recorded)).cases["kind"].tolist() == ["extension"]


def test_a_row_beside_its_records_as_a_whole_is_no_extension() -> None:
    row = [box(8 * k, 0, 8 * k + 8, 10) for k in range(3)]
    assert len(run(found(box(0, 1.5, 24, 11.5)), records_of(*row)).cases) == 0
    gone = run(found(box(0, 1.5, 16, 11.5)), records_of(*row[:2])).cases
    assert len(gone) == 0
    with_a_shed = shapely.union(box(0, 1.5, 24, 11.5), box(10, 11.5, 14, 15))
    assert run(found(with_a_shed), records_of(*row)).cases["kind"].tolist() == ["extension"]


@given(st.floats(1.5, 3.9), st.floats(0, 2 * np.pi), st.floats(1.7, 4))
def test_what_sticks_out_without_a_loss_elsewhere_stays_an_extension(
    aside_m: float, angle: float, deep_m: float
) -> None:
    recorded = affinity.rotate(box(0, 0, 10, 12), angle, use_radians=True)
    leaning = affinity.translate(recorded, aside_m * np.cos(angle), aside_m * np.sin(angle))
    assert len(run(found(leaning), records_of(recorded)).cases) == 0
    deeper = affinity.rotate(box(0, 0, 10, 12 + deep_m), angle, origin=(5, 6), use_radians=True)
    assert run(found(deeper), records_of(recorded)).cases["kind"].tolist() == ["extension"]


def test_the_more_cases_of_a_kind_are_listed_the_less_each_is_likely() -> None:
    # Of 20 houses one in twenty is expected to have grown, and of the 20 records 0.4 to be gone.
    houses = [box(30 * k, 0, 30 * k + 10, 12) for k in range(20)]
    wider = [box(30 * k, 0, 30 * k + 10, 16) for k in range(20)]
    one = run(found(*houses[:19], wider[19]), records_of(*houses)).cases
    assert (one["kind"].tolist(), one["p_case"].tolist()) == (["extension"], one["p_building"].tolist())
    ten = run(found(*houses[:10], *wider[10:]), records_of(*houses)).cases
    assert (ten["p_case"] / ten["p_building"]).tolist() == pytest.approx([(0.05 * 20 + 1) / 11] * 10)
    unseen_one = run(found(*houses[:19]), records_of(*houses)).cases
    assert unseen_one["p_case"].tolist() == pytest.approx([(0.02 * 20 + 1) / 2])
    unseen_ten = run(found(*houses[:10]), records_of(*houses)).cases
    assert unseen_ten["p_case"].tolist() == pytest.approx([(0.02 * 20 + 1) / 11] * 10)


def test_records_not_seen_are_counted_by_size() -> None:
    sheds = [box(30 * k, 0, 30 * k + 3, 3) for k in range(10)]
    houses = [box(30 * k, 20, 30 * k + 10, 30) for k in range(10)]
    cases = run(found(*houses[:9]), records_of(*sheds, *houses)).cases
    likely = cases.groupby("size_band")["p_case"].first()
    assert likely.to_dict() == pytest.approx({"5-20": 1.2 / 11, ">60": 1.2 / 2})


@given(
    st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.5)
)
def test_a_chance_is_one_and_falls_with_the_number_listed(counts: tuple[int, int], share: float) -> None:
    listed, compared = counts
    few, more = listed_chance(np.array([listed, listed + 1]), np.array([compared] * 2), share=share)
    assert 0 < more <= few <= 1


def test_a_shifted_record_is_moved_before_it_is_compared() -> None:
    house, drawn = box(0, 0, 3, 3), box(3.5, 0, 6.5, 3)
    assert run(found(house), records_of(drawn)).cases["kind"].tolist() == ["new_building", "not_seen"]
    assert len(run(found(house), records_of(drawn), offsets_of(dx=-3.5)).cases) == 0


def test_eaves_are_taken_off_where_sharp_corners_would_cross() -> None:
    outline = shapely.Polygon(
        [
            (794557.9750448816, 6285169.086282503),
            (794559.6632630902, 6285167.0901403725),
            (794557.8171232176, 6285167.248806666),
            (794556.7605919215, 6285154.95568184),
            (794563.9219926493, 6285166.724124317),
            (794559.8056935961, 6285167.077899198),
        ]
    )
    overhang = 0.29700605876989783
    assert not shapely.buffer(outline, -overhang, join_style="mitre").is_valid
    beside = box(794550, 6285150, 794557.9, 6285170)
    left = residue(
        np.array([outline]), np.array([beside]), np.array([0.5]), np.array([overhang]), rules=RULES.cases
    )
    assert left.walls[0].is_valid
    assert left.walls[0].area == pytest.approx(outline.buffer(-overhang).area, rel=0.02)


def test_an_unrecorded_house_is_new_with_its_measures() -> None:
    result = run(found(box(200, 100, 210, 110)), records_of(box(0, 0, 10, 10)), offsets_of(dx=0.3, dy=0.4))
    case = result.cases[result.cases["kind"] == "new_building"].iloc[0]
    assert (case["area_m2"], case["area_low_m2"], case["area_high_m2"]) == (100, 72, 128)  # ± 40 m × 0.7 m
    assert (case["size_band"], case["covered"], case["p_building"]) == (">60", 0, 0.9)
    assert (case["offset_m"], case["tolerance_m"]) == (0.5, 0.7)
    assert case["case_id"] == "N-205-105"
    assert isinstance(case.geometry, shapely.MultiPolygon)


def test_the_unrecorded_house_of_a_row_is_an_extension_of_full_size() -> None:
    row = found(box(0, 0, 24, 10))
    for hidden in range(3):
        kept = [box(8 * place, 0, 8 * place + 8, 10) for place in range(3) if place != hidden]
        cases = run(row, records_of(*kept)).cases
        assert cases["kind"].tolist() == ["extension"]
        assert cases["area_m2"].iloc[0] == pytest.approx(80, abs=0.5)
        assert cases["covered"].iloc[0] == pytest.approx(2 / 3)


def test_an_extension_is_measured_up_to_the_wall() -> None:
    house, wing = box(0, 0, 10, 10), box(10, 0, 14, 5)
    cases = run(found(house | wing), records_of(house)).cases
    assert cases["kind"].tolist() == ["extension"]
    # Growing back with round corners may lose up to (1 - π/4) × 0.4² at each of the four corners.
    assert cases["area_m2"].iloc[0] == pytest.approx(20, abs=0.2)
    assert cases["size_band"].iloc[0] in {"5-20", "20-40"}
    assert cases["covered"].iloc[0] == pytest.approx(100 / 120)


def test_two_extensions_of_one_house_are_two_cases() -> None:
    house = box(0, 0, 10, 10)
    roof = house | box(10, 0, 14, 5) | box(-4, 5, 0, 10)
    assert run(found(roof), records_of(house)).cases["kind"].tolist() == ["extension", "extension"]


def test_a_shed_against_a_wall_is_found_although_the_tolerance_covers_a_part() -> None:
    cases = run(found(box(0, 0, 10, 10), box(10, 0, 13, 3)), records_of(box(0, 0, 10, 10))).cases
    assert cases["kind"].tolist() == ["new_building"]
    assert cases["area_m2"].tolist() == [9]


@pytest.mark.parametrize(
    ("strip_m", "kinds"),
    [(1.2, []), (1.4, ["extension"])],  # 0.7 m tolerance + 0.6 m opening = 1.3 m
)
def test_slivers_are_dropped_by_width_and_not_by_area(strip_m: float, kinds: list[str]) -> None:
    house = box(0, 0, 30, 10)
    cases = run(found(box(0, 0, 30, 10 + strip_m)), records_of(house)).cases
    assert cases["kind"].tolist() == kinds


def test_eaves_do_not_make_a_strip_wider() -> None:
    house = box(0, 0, 30, 10)
    roof = found(box(-0.4, -0.4, 30.4, 11.2 + 0.4))  # a strip of 1.2 m, and eaves of 0.4 m
    assert len(run(roof, records_of(house), offsets_of(overhang=0.4)).cases) == 0
    assert len(run(roof, records_of(house), offsets_of(overhang=0.0)).cases) == 1


def test_eaves_all_around_are_no_case() -> None:
    house = box(0, 0, 10, 10)
    assert len(run(found(house.buffer(0.65, join_style="mitre")), records_of(house)).cases) == 0


def test_records_are_compared_many_to_many() -> None:
    halves = records_of(box(0, 0, 5, 10), box(5, 0, 10, 10), box(20, 0, 40, 10))
    roofs = found(box(0, 0, 10, 10), box(20, 0, 29, 10), box(31, 0, 40, 10))
    assert len(run(roofs, halves).cases) == 0


def test_a_recorded_building_that_is_gone_is_not_seen_even_beside_eaves() -> None:
    house, shed = box(0, 0, 10, 10), box(10, 0, 14, 4)
    roof = found(house.buffer(0.3, join_style="mitre"))
    cases = run(roof, records_of(house, shed), offsets_of(overhang=0.3)).cases
    assert cases["kind"].tolist() == ["not_seen"]
    assert cases["area_m2"].tolist() == [16]
    assert cases["covered"].tolist() == pytest.approx([0], abs=1e-9)
    assert cases["p_building"].isna().all()


def test_poor_registration_hides_nothing_that_stands_a_little_apart() -> None:
    shed = records_of(box(0, 0, 4, 4))
    roof = found(box(4.5, 0, 8.5, 4))
    assert "not_seen" in set(run(roof, shed, offsets_of(tolerance=0.7)).cases["kind"])
    assert "not_seen" not in set(run(roof, shed, offsets_of(tolerance=3.0)).cases["kind"])


def test_small_records_and_records_off_the_image_are_not_reported() -> None:
    records = records_of(box(0, 0, 2, 2), box(95, 0, 105, 10), box(50, 0, 60, 10))
    result = compare(
        found(), records, offsets_of(), rules=RULES, cover=EVERYWHERE, imaged=box(-10, -10, 100, 100)
    )
    assert result.cases["area_m2"].tolist() == [100]
    assert result.cases.geometry.iloc[0].bounds == (50, 0, 60, 10)
    assert result.report.records_outside_image == 1


def test_outside_the_cover_is_unknown_and_counted() -> None:
    footprints = found(box(20, 0, 30, 10), box(200, 0, 210, 10))
    records = records_of(box(0, 0, 10, 10))
    result = compare(
        footprints, records, offsets_of(), rules=RULES, cover=box(-50, -50, 50, 50), imaged=EVERYWHERE
    )
    assert [shape.bounds for shape in result.cases[result.cases["kind"] == "new_building"].geometry] == [
        (20, 0, 30, 10)
    ]
    assert result.report.footprints_outside_cover == 1


def test_pools_are_compared_with_pools_only() -> None:
    records = pd.concat([records_of(box(0, 0, 10, 10)), records_of(box(0, 20, 8, 24), kind="pool")])
    footprints = pd.concat(
        [
            found(box(0, 0, 10, 10)),
            found(box(0.5, 20, 8.5, 24), box(50, 0, 58, 4), box(2, 2, 8, 6), kind="pool"),
        ]
    )
    result = run(footprints, records)
    assert result.cases["kind"].tolist() == ["pool", "pool"]
    assert sorted(result.cases["area_m2"]) == [24, 32]
    assert (result.report.pool_records, result.report.cases["pool"]) == (1, 2)


def test_cases_do_not_depend_on_the_order_of_the_input() -> None:
    footprints = found(*(box(20 * i, 5 * i, 20 * i + 6 + i, 5 * i + 7) for i in range(9)))
    records = records_of(box(0, 0, 6, 7), box(60, 15, 66, 22), box(300, 300, 320, 320))
    first = run(footprints, records).cases
    turned = run(footprints[::-1], records[::-1]).cases
    assert first.equals(turned)
    assert first["case_id"].is_unique


def test_layers_in_different_crs_are_refused() -> None:
    with pytest.raises(RecordsError, match="one CRS"):
        run(found(box(0, 0, 1, 1)), records_of(box(0, 0, 1, 1)).set_crs(2975, allow_override=True))


def terrace(seed: int) -> list[shapely.Polygon]:
    draw = np.random.default_rng(seed)
    houses: list[shapely.Polygon] = []
    for plot in range(20):
        x, y = np.array([plot % 5, plot // 5]) * 30.0 + draw.uniform(-4, 4, 2)
        depth, angle = draw.uniform(5, 12), draw.uniform(0, 90)
        widths = np.cumsum([0, *draw.uniform(3, 9, draw.integers(1, 4))])
        parts = [box(x + a, y, x + b, y + depth) for a, b in pairwise(widths)]
        houses += [affinity.rotate(part, angle, origin=(x, y)) for part in parts]
    return houses


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), dx=st.floats(-3, 3), dy=st.floats(-3, 3))
def test_a_complete_cadastre_gives_no_case_whatever_its_shift(seed: int, dx: float, dy: float) -> None:
    ground = terrace(seed)
    roofs = found(*shapely.get_parts(shapely.union_all(ground, grid_size=0.01)))
    records = records_of(*(affinity.translate(house, dx, dy) for house in ground))
    offsets = register(roofs, records, rules=RULES)
    cover = records_cover(records, parcels=None, sheets=None)
    assert len(compare(roofs, records, offsets, rules=RULES, cover=cover).cases) == 0


def ells(draw: np.random.Generator, count: int) -> np.ndarray:
    """Return boxes, some of which have a corner cut out, that overlap at random."""
    low = draw.uniform(0, 40, (count, 2))
    high = low + draw.uniform(0.5, 12, (count, 2))
    cut = low + (high - low) * draw.choice([0.3, 0.7, 1.0], (count, 2))
    return shapely.difference(shapely.box(*low.T, *high.T), shapely.box(*cut.T, *(high + 1).T))


def openings_m2(shape: shapely.Geometry) -> np.ndarray:
    """Areas that the opening of a shape may have: of itself, and with its points moved by a nanometre.

    Where a wall meets the chord of an arc, it turns by just half of an arc's step: the last digit of the
    coordinates decides whether GEOS rounds the corner with a chord more or less.
    """
    draw, moved = np.random.default_rng(0), [shape]
    for _ in range(200):
        parts = []
        for part in shapely.get_parts(shape):
            corners = shapely.get_coordinates(part.exterior)[:-1]
            parts.append(shapely.Polygon(corners + draw.uniform(-1e-9, 1e-9, corners.shape), part.interiors))
        moved.append(shapely.MultiPolygon(parts))
    return shapely.area(opened(np.array(moved), RULES.cases.opening_m))


@settings(max_examples=30)
@example(seed=585)
@example(seed=8380)
@given(seed=st.integers(0, 10_000))
def test_what_sticks_out_agrees_with_a_union_of_everything(seed: int) -> None:
    draw = np.random.default_rng(seed)
    footprints, records = ells(draw, 12), ells(draw, 15)
    tolerance = draw.choice([0.7, 2.0], 15)
    overhang = np.full(15, draw.choice([-0.2, 0.0, 0.4]))
    wide = shapely.union_all(shapely.buffer(records, tolerance, quad_segs=4))
    # Where no record is near, nothing is known of the eaves.
    near = shapely.distance(footprints, shapely.union_all(records)) <= tolerance.max()
    eaves = np.where(near, max(overhang[0], 0), 0)
    walls = shapely.buffer(footprints, -eaves, join_style="mitre")
    beyond = shapely.difference(walls, wide)
    seeds = opened(beyond, RULES.cases.opening_m)
    bare = shapely.difference(walls, shapely.union_all(records))
    got = residue(footprints, records, tolerance, overhang, rules=RULES.cases)
    assert got.rows.tolist() == np.flatnonzero(shapely.area(seeds) >= RULES.cases.seed_min_m2).tolist()
    apart = np.abs(shapely.area(got.seeds) - shapely.area(seeds[got.rows])) > 1e-6
    for seed_m2, shape in zip(shapely.area(got.seeds[apart]), beyond[got.rows[apart]], strict=True):
        assert np.abs(openings_m2(shape) - seed_m2).min() <= 1e-6
    assert shapely.area(got.bare) == pytest.approx(shapely.area(bare[got.rows]), abs=1e-6)
    share = shapely.area(bare[got.rows]) / shapely.area(walls[got.rows])
    assert got.covered == pytest.approx(1 - share, abs=1e-9)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), below=st.sampled_from([0.1, 0.5, 0.9]))
def test_what_is_not_seen_agrees_with_a_union_of_everything(seed: int, below: float) -> None:
    draw = np.random.default_rng(seed)
    footprints, shapes = ells(draw, 12), ells(draw, 15)
    tolerance, overhang = draw.choice([0.7, 2.0], 15), draw.choice([-0.2, 0.0, 0.4], 15)
    records = records_of(*shapes).assign(tolerance_m=tolerance, overhang_m=overhang)
    change = tolerance - 0.7 - np.maximum(overhang, 0)
    over = [shapely.union_all(shapely.buffer(footprints, each, quad_segs=4)) for each in change]
    share = shapely.area(shapely.intersection(shapes, over)) / shapely.area(shapes)
    rows, shares = unseen(records, footprints, floor_m=0.7, below=below)
    assert rows.tolist() == np.flatnonzero(share < below).tolist()
    assert shares == pytest.approx(share[rows], abs=1e-9)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_a_terrace_gives_the_same_cases_in_any_order(seed: int) -> None:
    draw = np.random.default_rng(seed)
    roofs, recorded = (draw.permutation(np.asarray(terrace(seed), dtype=object))[:25] for _ in range(2))
    footprints = found(*shapely.transform(roofs, lambda xy: xy + draw.normal(0, 0.3, xy.shape[1])))
    records = records_of(*recorded)
    order = [draw.permutation(len(table)) for table in (footprints, records)]
    first = run(footprints, records).cases
    turned = run(footprints.iloc[order[0]], records.iloc[order[1]]).cases
    assert first["case_id"].tolist() == turned["case_id"].tolist()
    for measure in ("area_m2", "covered", "tolerance_m", "offset_m"):
        assert first[measure].to_numpy() == pytest.approx(turned[measure].to_numpy(), abs=1e-6)


def test_cover_prefers_sheets_then_parcels_then_the_hull_of_the_records() -> None:
    records = records_of(box(0, 0, 1, 1), box(100, 0, 101, 1))
    parcels = gpd.GeoDataFrame(geometry=[box(0, 0, 40, 40), box(55, 0, 101, 40)], crs=2154)
    sheets = gpd.GeoDataFrame(geometry=[box(0, 0, 200, 200)], crs=2154)
    road, field, far = shapely.Point(47, 20), shapely.Point(50, -20), shapely.Point(150, 150)

    def covers(point: shapely.Point, **layers: gpd.GeoDataFrame | None) -> bool:
        chosen = {"parcels": None, "sheets": None} | layers
        return bool(records_cover(records, **chosen).covers(point))

    assert covers(far, sheets=sheets, parcels=parcels)
    # Of two communes one came without sheets.
    west = gpd.GeoDataFrame(geometry=[box(0, 0, 50, 200)], crs=2154)
    assert covers(shapely.Point(80, 20), sheets=west, parcels=parcels)
    assert not covers(shapely.Point(80, 60), sheets=west, parcels=parcels)
    assert covers(road, parcels=parcels)
    assert not covers(field, parcels=parcels, sheets=sheets[:0])
    assert covers(field)
    assert not covers(far)


def test_a_record_counted_to_the_wrong_sheet_at_a_border_takes_the_other_offset() -> None:
    rows = [
        ("W", 3.0, 0.0, 9, 0.1, 0.7, 0.0, "sheet", box(0, 0, 100, 100)),
        ("E", -3.0, 0.0, 9, 0.1, 0.7, 0.0, "sheet", box(170, 0, 300, 100)),
    ]
    offsets = Offsets(gpd.GeoDataFrame(rows, columns=list(OFFSET_COLUMNS), geometry="geometry", crs=2154))
    drawn_east, inland, gone = box(102, 10, 106, 14), box(50, 10, 54, 14), box(102, 50, 106, 54)
    records = records_of(drawn_east, inland, gone).assign(sheet_id="W")
    roofs = found(box(99, 10, 103, 14), box(47, 10, 51, 14))
    cases = run(roofs, records, offsets).cases
    # The first is explained by the other sheet; the second lies too far from it; the third nowhere.
    assert cases["kind"].tolist() == ["new_building", "not_seen", "not_seen"]
    assert cases.geometry.iloc[0].bounds == (47, 10, 51, 14)


def test_an_unsure_outline_beside_no_record_is_counted_not_listed() -> None:
    footprints = found(box(200, 0, 210, 10), box(300, 0, 310, 10)).assign(probability=[0.51, 0.49])
    result = run(footprints, records_of(box(0, 0, 10, 10)))
    assert result.cases.loc[result.cases["kind"] == "new_building", "p_building"].tolist() == [0.51]
    assert (result.report.cases["new_building"], result.report.footprints_unsure) == (1, 1)
    assert result.report.footprints_recorded == 0
