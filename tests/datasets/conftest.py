from __future__ import annotations

import pytest
from shapely.geometry import Point, Polygon, box

from vigibati.datasets.synth.cadastre.records import CadastralPlan, draw_records
from vigibati.datasets.synth.plan.ground_plan import (
    Bounds,
    Building,
    BuildingPlanting,
    DemolishedRecord,
    GroundPlan,
    Parcel,
    Pool,
    Sheet,
    Zone,
)

X, Y = 842_000.0, 6_519_000.0


def _place(minx: float, miny: float, maxx: float, maxy: float) -> Polygon:
    return box(X + minx, Y + miny, X + maxx, Y + maxy)


def _roof(
    outline: Polygon,
    planted: BuildingPlanting = "recorded",
    *,
    durable: bool = True,
    since: int = 1975,
    until: int | None = None,
) -> Building:
    return Building(outline, 4.5, "gable", "tile", durable, planted, since, until)


@pytest.fixture
def hamlet() -> GroundPlan:
    buildings = (
        _roof(_place(10, 10, 20, 18)),
        _roof(_place(20, 12, 24, 17), "extension", since=2022),
        _roof(_place(40, 60, 47, 70)),
        _roof(_place(47, 60, 55, 70)),  # terrace with the one before
        _roof(_place(94, 30, 108, 39)),  # crosses the limit between the sheets
        _roof(_place(60, 10, 64, 13), durable=False, since=2016),
        _roof(_place(30, 30, 41, 39), "undeclared_house", since=2023),
        _roof(_place(64.3, 10, 67, 13), "shed", since=2020),  # 0.3 m from the light record
        _roof(_place(130, 70, 134, 75), "shed", since=2022),
        _roof(_place(150, 20, 160, 32), until=2022),  # gone before the image
        _roof(_place(170, 20, 180, 32), "undeclared_house", since=2025),  # not built yet
    )
    return GroundPlan(
        bounds=Bounds(X, Y, X + 200, Y + 90),
        seed=11,
        buildings=buildings,
        pools=(
            Pool(_place(12, 24, 20, 28), "recorded", 2005),
            Pool(Point(X + 120, Y + 40).buffer(3), "pool", 2022),
        ),
        parcels=(
            Parcel(_place(0, 0, 100, 45), "A", 1),
            Parcel(_place(0, 45, 100, 90), "A", 12),
            Parcel(_place(100, 0, 200, 50), "ZB", 1),
            Parcel(_place(100, 50, 200, 80), "ZB", 2),
        ),
        sheets=(Sheet("A", _place(0, 0, 100, 90)), Sheet("ZB", _place(100, 0, 200, 90))),
        zones=(
            Zone(_place(0, 0, 100, 90), "U", "Ub"),
            Zone(_place(100, 0, 150, 90), "AUc", "1AU"),
            Zone(_place(150, 0, 200, 90), "N", "Np"),
        ),
        demolished=(DemolishedRecord(_place(150, 20, 160, 32)),),
    )


@pytest.fixture
def hamlet_records(hamlet: GroundPlan) -> CadastralPlan:
    return draw_records(hamlet, insee="99007", year=2024)
