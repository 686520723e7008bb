from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS
from rasterio.features import rasterize
from scipy.stats import norm

from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE
from vigibati.datasets.chips.soft_labels import Evidence, soft_labels
from vigibati.datasets.grid import PixelGrid, Window

GRID = PixelGrid(CRS.from_epsg(2154), Affine(0.5, 0, 0, 0, -0.5, 50), 100, 100)
NONE: np.ndarray[Any, Any] = np.zeros(0, dtype=object)
WHOLE = Window(0, 0, 100, 100)


def evidence(*present: shapely.Geometry, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "present": np.array(present, dtype=object),
        "sigma_m": np.full(len(present), 0.5),
        "weight": np.ones(len(present)),
        "possible": NONE,
        "chance": np.zeros(0),
        "possible_weight": 0.2,
        "absent": NONE,
        "absent_weight": 2.0,
    }
    return Evidence(**{**values, **changes})


def test_a_wall_is_as_uncertain_as_its_record() -> None:
    target, weight = soft_labels(GRID, WHOLE, evidence(shapely.box(10, 10, 30, 30)))
    # Along the row through the middle the east wall lies at 30 m, between columns 59 and 60.
    centres = (np.arange(56, 64) + 0.5) * 0.5
    assert target[60, 56:64] / TARGET_SCALE == pytest.approx(norm.cdf((30 - centres) / 0.5), abs=0.003)
    assert target[60, 40] == TARGET_SCALE
    assert target[60, 90] == 0
    assert (weight == WEIGHT_SCALE).all()


def test_without_any_record_everything_is_ground() -> None:
    target, weight = soft_labels(GRID, WHOLE, evidence())
    assert not target.any()
    assert (weight == WEIGHT_SCALE).all()


@given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 40), st.integers(1, 40))
def test_a_certain_record_is_burnt_as_rasterio_burns_it(
    west: int, south: int, width: int, height: int
) -> None:
    house = shapely.box(west, south, west + width / 4, south + height / 4)
    target, _ = soft_labels(GRID, WHOLE, evidence(house, sigma_m=np.array([0.01])))
    burnt = rasterize([house], out_shape=(100, 100), transform=GRID.transform)
    assert np.array_equal(target >= TARGET_SCALE / 2, burnt > 0)


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_part_has_the_labels_of_the_whole(col: int, row: int) -> None:
    known = evidence(shapely.box(10, 10, 22, 18), shapely.box(30, 30, 33, 40), sigma_m=np.array([0.4, 0.8]))
    whole, _ = soft_labels(GRID, WHOLE, known)
    part, _ = soft_labels(GRID, Window(col, row, 40, 40), known)
    assert np.array_equal(part, whole[row : row + 40, col : col + 40])


def test_what_is_seen_and_not_recorded_takes_its_chance_and_counts_little() -> None:
    seen = np.array([shapely.box(35, 35, 45, 45), shapely.box(29, 10, 36, 30)], dtype=object)
    known = evidence(shapely.box(10, 10, 30, 30), possible=seen, chance=np.array([0.7, 0.1]))
    target, weight = soft_labels(GRID, WHOLE, known)
    assert (target[20, 80], weight[20, 80]) == (140, 10)
    # Beside the record within two deviations the record speaks, beyond it what is seen.
    assert weight[60, 61] == WEIGHT_SCALE
    assert (target[60, 64], weight[60, 64]) == (20, 10)


def test_the_likeliest_of_what_overlaps_stays() -> None:
    seen = np.array([shapely.box(10, 10, 20, 20), shapely.box(15, 15, 25, 25)], dtype=object)
    target, _ = soft_labels(GRID, WHOLE, evidence(possible=seen, chance=np.array([0.9, 0.2])))
    assert target[66, 34] == 180
    assert target[54, 46] == 40


def test_what_a_person_found_absent_overrides_record_and_model() -> None:
    ground = shapely.box(5, 5, 40, 40)
    known = evidence(
        shapely.box(10, 10, 30, 30),
        possible=np.array([shapely.box(32, 32, 38, 38)], dtype=object),
        chance=np.array([0.9]),
        absent=np.array([ground], dtype=object),
    )
    target, weight = soft_labels(GRID, WHOLE, known)
    inside = rasterize([ground], out_shape=(100, 100), transform=GRID.transform) > 0
    assert not target[inside].any()
    assert (weight[inside] == 2 * WEIGHT_SCALE).all()


def test_each_record_has_its_own_weight() -> None:
    known = evidence(shapely.box(5, 5, 15, 15), shapely.box(30, 30, 40, 40), weight=np.array([1.0, 0.2]))
    _, weight = soft_labels(GRID, WHOLE, known)
    assert (weight[80, 20], weight[30, 70]) == (WEIGHT_SCALE, 10)
