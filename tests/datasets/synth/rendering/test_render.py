from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from shapely.geometry import Point, box

from vigibati.datasets.synth.chips import plan_mask
from vigibati.datasets.synth.plan.commune import plan_commune
from vigibati.datasets.synth.plan.ground_plan import Bounds, Building, Field, GroundPlan, Pool
from vigibati.datasets.synth.rendering.acquisition import Look, vintage_look
from vigibati.datasets.synth.rendering.render import Scene, render

GSD_M = 0.2
WEST, SOUTH = 790_000.0, 6_280_000.0


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(plan_commune(seed=5, size_km=0.2), vintage_look(seed=5, year=2024), year=2024, gsd_m=GSD_M)


def whole(scene: Scene, rows: int) -> NDArray[np.uint8]:
    frame = scene.frame
    strips = [
        scene.pixels(dataclasses.replace(frame, row=row, height=min(rows, frame.height - row)))
        for row in range(0, frame.height, rows)
    ]
    return np.concatenate(strips)


def test_strips_do_not_show(scene: Scene) -> None:
    assert np.array_equal(whole(scene, 256), whole(scene, 512))


def test_any_window_is_a_piece_of_the_whole(scene: Scene) -> None:
    frame = dataclasses.replace(scene.frame, col=133, row=271, width=310, height=97)
    assert np.array_equal(scene.pixels(frame), whole(scene, 512)[271 : 271 + 97, 133 : 133 + 310])


def one_house(*, since: int = 1990) -> GroundPlan:
    outline = box(WEST + 20, SOUTH + 20, WEST + 36, SOUTH + 30)
    house = Building(outline, 6.0, "flat", "gravel", True, "recorded", since, detail=3)
    bounds = Bounds(WEST, SOUTH, WEST + 60, SOUTH + 50)
    return GroundPlan(bounds, 1, buildings=(house,), fields=(Field(bounds.polygon(), "meadow", 9),))


def mean_of(
    pixels: NDArray[np.uint8], west_m: float, south_m: float, east_m: float, north_m: float
) -> NDArray[np.float64]:
    rows = slice(round((50 - north_m) / GSD_M), round((50 - south_m) / GSD_M))
    cols = slice(round(west_m / GSD_M), round(east_m / GSD_M))
    return np.asarray(pixels[rows, cols].reshape(-1, 3).mean(axis=0))


@pytest.mark.parametrize(
    ("azimuth_deg", "dark", "bright"),
    [
        (180.0, (22, 31, 34, 33), (22, 17, 34, 19)),  # sun in the south: shadow to the north
        (90.0, (17, 22, 19, 28), (37, 22, 39, 28)),  # sun in the east: shadow to the west
        (270.0, (37, 22, 39, 28), (17, 22, 19, 28)),
    ],
)
def test_the_shadow_lies_away_from_the_sun(
    azimuth_deg: float, dark: tuple[float, ...], bright: tuple[float, ...]
) -> None:
    look = Look(sun_azimuth_deg=azimuth_deg, sun_elevation_deg=45.0)
    scene = Scene(one_house(), look, year=2024, gsd_m=GSD_M)
    pixels = scene.pixels(scene.frame)
    roof, meadow = mean_of(pixels, 23, 22, 33, 28), mean_of(pixels, 45, 35, 58, 48)
    assert np.abs(roof - meadow).max() > 25
    assert mean_of(pixels, *dark).mean() < 0.65 * mean_of(pixels, *bright).mean()


def test_shadow_is_as_long_as_the_sun_is_low() -> None:
    # A wall of 6 m casts 6 m at 45 degrees and 6 / tan(60) = 3.5 m at 60.
    for elevation_deg, end_m in ((45.0, 6.0), (60.0, 3.46)):
        look = Look(sun_azimuth_deg=180.0, sun_elevation_deg=elevation_deg, noise=0.0)
        scene = Scene(one_house(), look, year=2024, gsd_m=GSD_M)
        profile = scene.pixels(scene.frame)[:, 120:160].mean(axis=(1, 2))
        north = profile[round(8 / GSD_M) : round(20 / GSD_M)][::-1]  # from the wall northwards
        length_m = float(np.argmax(north > (north[:10].mean() + north[-10:].mean()) / 2)) * GSD_M
        assert length_m == pytest.approx(end_m, abs=0.6)


def test_a_young_house_is_missing_in_the_older_vintage() -> None:
    look = Look()
    before, after = (
        (made := Scene(one_house(since=2023), look, year=year, gsd_m=GSD_M)).pixels(made.frame)
        for year in (2021, 2024)
    )
    assert np.abs(mean_of(before, 23, 22, 33, 28) - mean_of(after, 23, 22, 33, 28)).max() > 25
    assert np.array_equal(before[:20], after[:20])


def test_mask_is_the_plan_seen_from_above() -> None:
    plan = dataclasses.replace(
        one_house(), pools=(Pool(Point(WEST + 50, SOUTH + 10).buffer(4), "recorded", 2000),)
    )
    mask = plan_mask(plan, Scene(plan, Look(), year=2024, gsd_m=GSD_M).frame, year=2024)
    assert (mask == 1).sum() * GSD_M**2 == pytest.approx(160, abs=0.5)
    assert (mask == 2).sum() * GSD_M**2 == pytest.approx(plan.pools[0].outline.area, rel=0.03)
    assert mask[round(25 / GSD_M), round(28 / GSD_M)] == 1
    assert mask[round(40 / GSD_M), round(50 / GSD_M)] == 2


def test_written_file_is_what_a_town_would_get(tmp_path: Path) -> None:
    out = tmp_path / "ortho.tif"
    plan = one_house()
    render(plan, out, year=2024)
    scene = Scene(plan, vintage_look(seed=plan.seed, year=2024), year=2024, gsd_m=GSD_M)
    with rasterio.open(out) as source:
        assert (source.width, source.height, source.count) == (300, 250, 3)
        assert source.crs.to_epsg() == 2154
        assert source.res == (GSD_M, GSD_M)
        assert (source.bounds.left, source.bounds.bottom) == (WEST, SOUTH)
        assert source.profile["compress"] == "jpeg"
        assert source.profile["photometric"] == "ycbcr"
        assert source.block_shapes[0] == (512, 512)
        difference = np.moveaxis(source.read(), 0, -1).astype(float) - scene.pixels(scene.frame)
    assert np.abs(difference).mean() < 6, "JPEG changes grey values a little, never the picture"
    assert list(tmp_path.iterdir()) == [out]
