from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely
from shapely.geometry import Polygon, box

from vigibati.configs.errors import RecordsError, SettingsError
from vigibati.datasets.synth.plan.commune import plan_commune
from vigibati.datasets.synth.plan.from_polygons import plan_from_polygons
from vigibati.datasets.synth.plan.ground_plan import GroundPlan


@pytest.fixture(scope="module")
def plan() -> GroundPlan:
    return plan_commune(seed=7, size_km=1.0)


def overlaps(shapes: list[Polygon]) -> list[tuple[int, int, float]]:
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    return [
        (int(a), int(b), shapes[a].intersection(shapes[b]).area)
        for a, b in zip(first, second, strict=True)
        if a < b
    ]


def test_a_square_kilometre_has_the_announced_content(plan: GroundPlan) -> None:
    planted = Counter(building.planted for building in plan.buildings)
    total = len(plan.buildings)
    assert 350 <= total <= 650
    assert 0.04 <= planted["undeclared_house"] / total <= 0.08
    assert 0.03 <= planted["extension"] / total <= 0.07
    assert 0.03 <= planted["shed"] / total <= 0.07
    assert 5 <= len(plan.demolished) <= 20
    assert Counter(pool.planted for pool in plan.pools)["pool"] >= 4
    assert any(not building.durable and building.planted == "recorded" for building in plan.buildings)


def test_same_seed_same_plan_and_other_seed_other_plan() -> None:
    first, again, other = (plan_commune(seed=seed, size_km=0.3) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_everything_built_lies_inside_the_bounds(plan: GroundPlan) -> None:
    ground = plan.bounds.polygon()
    outlines = (
        [b.outline for b in plan.buildings]
        + [p.outline for p in plan.pools]
        + [p.outline for p in plan.parcels]
    )
    assert shapely.contains(ground, np.array(outlines, dtype=object)).all()
    assert all(outline.is_valid and outline.area > 0 for outline in outlines)


def test_buildings_touch_at_most(plan: GroundPlan) -> None:
    shared = overlaps([building.outline for building in plan.buildings])
    assert shared, "row houses share walls, so some outlines must touch"
    assert max(area for *_, area in shared) < 0.01


def test_extensions_are_attached_and_of_the_stated_size(plan: GroundPlan) -> None:
    recorded = shapely.union_all([b.outline for b in plan.buildings if b.planted == "recorded"])
    extensions = [building.outline for building in plan.buildings if building.planted == "extension"]
    for outline in extensions:
        assert outline.distance(recorded) < 0.01
        assert 12 <= outline.area <= 50
        assert not outline.buffer(-0.99).is_empty, "at least 2 m deep"


def test_half_of_what_was_planted_is_younger_than_the_older_vintage(plan: GroundPlan) -> None:
    planted = [building for building in plan.buildings if building.planted != "recorded"]
    young = sum(not building.stands(2021) for building in planted)
    assert all(building.stands(2024) for building in planted)
    assert 0.3 < young / len(planted) < 0.7


def test_pools_and_demolished_records_stand_clear_of_buildings(plan: GroundPlan) -> None:
    standing = shapely.union_all([building.outline for building in plan.buildings])
    assert all(pool.outline.distance(standing) > 0.5 for pool in plan.pools)
    # Something may have been built against the spot since, never on it.
    assert all(record.outline.intersection(standing).area < 0.01 for record in plan.demolished)


def test_parcels_do_not_overlap_and_hold_the_buildings(plan: GroundPlan) -> None:
    assert (
        max((area for *_, area in overlaps([parcel.outline for parcel in plan.parcels])), default=0.0) < 0.05
    )
    parcels = shapely.union_all([parcel.outline for parcel in plan.parcels])
    outside = [b for b in plan.buildings if b.outline.difference(parcels).area > 0.05]
    assert not outside
    assert len({(parcel.section, parcel.number) for parcel in plan.parcels}) == len(plan.parcels)


def test_sheets_and_zones_cover_the_commune_once(plan: GroundPlan) -> None:
    for parts in ([sheet.outline for sheet in plan.sheets], [zone.outline for zone in plan.zones]):
        ground = plan.bounds.polygon()
        assert ground.difference(shapely.union_all(parts)).area < 10
        assert sum(part.area for part in parts) == pytest.approx(ground.area, abs=10)
    assert {zone.typezone for zone in plan.zones} == {"U", "AUc", "A", "N"}


def test_size_out_of_range_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"between 0\.2 and 20"):
        plan_commune(seed=1, size_km=0.01)


def test_given_outlines_are_kept_and_surrounded() -> None:
    house, shed, pool = box(10, 10, 22, 19), box(26, 10, 29, 13), box(14, 24, 22, 28)
    parcels = [box(0, 0, 40, 40), box(48, 0, 140, 60)]
    plan = plan_from_polygons(
        buildings=[house, shed], durable=[True, False], pools=[pool], parcels=parcels, seed=1
    )
    assert [building.outline for building in plan.buildings] == [house, shed]
    assert [building.durable for building in plan.buildings] == [True, False]
    assert {building.planted for building in plan.buildings} == {"recorded"}
    assert any(
        field.crop == "asphalt" and field.outline.intersects(box(41, 5, 47, 35)) for field in plan.fields
    )
    assert not any(shapely.contains_xy(house, tree.x_m, tree.y_m) for tree in plan.trees)


def test_no_buildings_are_refused() -> None:
    with pytest.raises(RecordsError, match="at least one outline"):
        plan_from_polygons(buildings=[], durable=[], seed=1)
