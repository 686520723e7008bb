"""Farms and industrial sites."""

from __future__ import annotations

import cmath
import math

import numpy as np

from vigibati.datasets.synth.plan.gardens import add_trap, add_trees
from vigibati.datasets.synth.plan.ground_plan import Building, Car, Field, Material, Roof, Trap, TrapKind
from vigibati.datasets.synth.plan.lots import Yard, chance, detail, rectangle, year_built


def fill_works(yard: Yard, rng: np.random.Generator) -> None:
    """Build a farm or an industrial site: large roofs around a yard, stores and sheets."""
    lot = yard.lot
    angle = cmath.phase(lot.along) + rng.normal(0, 0.1)
    hall = lot.kind == "hall"
    yard.fields.append(Field(lot.outline, "meadow", detail(rng)))
    kind: TrapKind = "parking" if hall else "patio"
    yard.traps.append(Trap(lot.outline.buffer(-2.5), kind, detail(rng)))
    for size in ((34, 24), (16, 12)) if hall else ((24, 12), (18, 10), (13, 9), (9, 6)):
        scale = rng.uniform(0.8, 1.2)
        shape = rectangle(size[0] * scale, size[1] * scale, angle + rng.choice([0, math.pi / 2]))
        spot = yard.place(shape, rng, gap_m=2.5, border_m=2.0)
        if spot is None:
            continue
        metal = hall or chance(rng, 0.45)
        roof: Roof = "flat" if hall and chance(rng, 0.5) else "gable"
        material: Material = "metal" if metal else "tile"
        if roof == "flat":
            material = str(rng.choice(["gravel", "metal", "concrete"]))  # type: ignore[assignment]
        yard.buildings.append(
            Building(
                spot,
                rng.uniform(4, 7.5),
                roof,
                material,
                True,
                "recorded",
                year_built(rng),
                None,
                detail(rng),
            )
        )
    traps: tuple[TrapKind, ...] = (
        ("pallets", "tarpaulin") if hall else ("silage", "tarpaulin", "greenhouse", "pallets")
    )
    for trap in traps:
        add_trap(yard, trap, rectangle(rng.uniform(3, 9), rng.uniform(2.5, 6), angle), rng)
    for _ in range(9 if hall else 3):
        spot = yard.place(rectangle(4.6, 2.2, angle), rng, gap_m=0.5, border_m=3)
        if spot is not None:
            yard.cars.append(Car(spot.centroid.x, spot.centroid.y, float(angle), detail(rng)))
    add_trees(yard, 3, rng)
