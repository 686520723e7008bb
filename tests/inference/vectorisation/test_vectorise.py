from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import box

from vigibati.configs.errors import RasterError, SettingsError
from vigibati.inference.probabilities import raster as module
from vigibati.inference.vectorisation.vectorise import vectorise

_Write = Callable[..., Path]


@pytest.fixture
def probabilities(write_raster: _Write) -> _Write:
    def write(
        *bands: np.ndarray,
        thresholds: dict[str, float] | None = None,
        calibration: object = None,
        **options: object,
    ) -> Path:
        names = ("building", "pool")[: len(bands)]
        path = write_raster("p.tif", np.stack(bands), **{"nodata": 255, **options})
        with rasterio.open(path, "r+") as file:
            for band, name in enumerate(names, start=1):
                file.set_band_description(band, name)
            chosen = dict.fromkeys(names, 0.5) if thresholds is None else thresholds
            file.update_tags(VIGIBATI_THRESHOLDS=json.dumps(chosen))
            if calibration is not None:
                file.update_tags(VIGIBATI_CALIBRATION=json.dumps(calibration))
        return path

    return write


def _field(height: int = 100, width: int = 120) -> np.ndarray:
    return np.full((height, width), 10, dtype=np.uint8)


def test_rectangles_come_back_in_place_and_in_order(probabilities: _Write) -> None:
    building, pool = _field(), _field()
    building[20:45, 60:110] = 254
    building[50:80, 10:30] = 127
    building[60:70, 10:30] = 254
    pool[10:40, 5:35] = 200
    found = vectorise(probabilities(building, pool))
    assert found.crs.to_epsg() == 2154
    assert found["footprint_id"].tolist() == [1, 2, 3]
    assert found["kind"].tolist() == ["pool", "building", "building"]
    assert found["area_m2"].tolist() == pytest.approx([36, 50, 24])
    assert found["probability"].tolist() == pytest.approx([200 / 254, 1, (2 * 0.5 + 1) / 3])
    assert found["at_edge"].tolist() == [False, False, False]
    x, y = 700000, 6600000
    assert found.geometry[1].normalize().equals_exact(box(x + 12, y - 9, x + 22, y - 4).normalize(), 1e-6)


def test_a_calibrated_model_gives_frequencies(probabilities: _Write) -> None:
    building, pool = _field(), _field()
    building[20:45, 60:110] = 254
    building[50:80, 10:30] = 200
    pool[10:40, 5:35] = 200
    path = probabilities(building, pool, calibration={"building": [2, -1.5], "pool": [1, 0]})
    found = vectorise(path)
    assert found["kind"].tolist() == ["pool", "building", "building"]
    logit = np.log(200 / 54)
    wanted = [200 / 254, 1 / (1 + np.exp(-(2 * np.log(507) - 1.5))), 1 / (1 + np.exp(-(2 * logit - 1.5)))]
    assert found["probability"].tolist() == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("calibration", "cause"),
    [
        ({"pool": [1, 0]}, "a calibration that is not that of its classes"),
        ({"building": [1]}, "a calibration that is not that of its classes"),
        ({"building": [0, 1]}, r"a calibration with the slope 0\.0 and the offset 1\.0"),
        ({"building": [1, float("nan")]}, "and the offset nan"),
    ],
)
def test_calibrations_are_checked(probabilities: _Write, calibration: object, cause: str) -> None:
    with pytest.raises(RasterError, match=cause):
        vectorise(probabilities(_field(), calibration=calibration))


def test_the_threshold_is_reached_not_passed(probabilities: _Write) -> None:
    building = _field()
    building[20:60, 20:60] = 127
    path = probabilities(building, thresholds={"building": 0.5})
    assert len(vectorise(path)) == 1
    assert len(vectorise(path, thresholds={"building": 0.502})) == 0
    assert len(vectorise(path, thresholds={"building": 0.03})) == 1


def test_edges_of_image_and_of_no_image_are_told(probabilities: _Write) -> None:
    building = _field(120, 160)
    building[:, 100:110] = 255
    for row, column in ((0, 20), (30, 1), (30, 89), (30, 88), (30, 50), (90, 140)):
        building[row : row + 20, column : column + 11] = np.minimum(
            building[row : row + 20, column : column + 11], 254
        )
    boxes = {"top": (0, 20), "second": (30, 1), "gap": (60, 80), "clear": (60, 40), "corner": (100, 140)}
    for row, column in boxes.values():
        building[row : row + 20, column : column + 20] = 250
    found = vectorise(probabilities(building)).set_index("footprint_id")
    # In reading order; the second keeps one column to the image's end, which is too near to tell.
    assert found["at_edge"].tolist() == [True, False, False, True, True]


def test_pixels_without_image_are_never_part_of_a_building(probabilities: _Write) -> None:
    building = np.full((60, 60), 254, dtype=np.uint8)
    building[:, 30:] = 255
    found = vectorise(probabilities(building))
    assert found["area_m2"].tolist() == pytest.approx([30 * 60 * 0.04])
    assert found["probability"].tolist() == [1.0]


def test_small_holes_are_filled_and_large_ones_kept(probabilities: _Write) -> None:
    building = _field()
    building[10:80, 10:80] = 254
    building[20:27, 20:27] = 0
    building[40:60, 40:60] = 0
    (outline,) = vectorise(probabilities(building)).geometry
    assert len(outline.interiors) == 1
    assert outline.area == pytest.approx((70 * 70 - 20 * 20) * 0.04)


def test_slivers_and_crumbs_are_dropped(probabilities: _Write) -> None:
    building = _field()
    building[5:9, 5:105] = 254  # 0.8 m wide, 16 m²
    building[20:26, 5:105] = 254  # 1.2 m wide
    building[40:49, 40:49] = 254  # 3.24 m²
    building[60:71, 60:71] = 254  # 4.84 m²
    path = probabilities(building)
    assert vectorise(path)["area_m2"].tolist() == pytest.approx([24, 4.84])
    assert vectorise(path, min_area_m2=3)["area_m2"].tolist() == pytest.approx([24, 3.24, 4.84])


def test_stairs_become_a_straight_wall(probabilities: _Write) -> None:
    rows, columns = np.indices((100, 120))
    building = np.where((rows > 10) & (columns > 10) & (rows + 2 * columns < 190), 254, 0).astype(np.uint8)
    (outline,) = vectorise(probabilities(building)).geometry
    assert outline.is_valid
    assert len(outline.exterior.coords) <= 6
    assert outline.area == pytest.approx((building > 0).sum() * 0.04, rel=0.02)


def test_web_mercator_areas_are_on_the_ground(probabilities: _Write) -> None:
    building = _field()
    building[20:70, 20:60] = 254
    transform = Affine(0.4, 0, 0, 0, -0.4, 8399738)  # at 60° north one unit is half a metre
    path = probabilities(building, crs="EPSG:3857", transform=transform)
    found = vectorise(path)
    assert found["area_m2"].tolist() == pytest.approx([50 * 40 * 0.04], rel=1e-3)
    assert found.geometry.area.tolist() == pytest.approx([50 * 40 * 0.16])


def test_nothing_found_keeps_the_columns(probabilities: _Write) -> None:
    found = vectorise(probabilities(np.full((30, 30), 255, dtype=np.uint8)))
    assert list(found.columns) == ["footprint_id", "kind", "probability", "area_m2", "at_edge", "geometry"]
    assert len(found) == 0
    assert found.crs.to_epsg() == 2154


def test_strips_do_not_show(probabilities: _Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    building = np.kron(rng.integers(0, 2, (20, 20)) * 254, np.ones((12, 12), dtype=int)).astype(np.uint8)
    building[50:90, 100:140] = 255
    path = probabilities(building)
    wanted = vectorise(path)
    assert len(wanted) > 20
    assert wanted["at_edge"].nunique() == 2
    for rows in (1, 17, 48, 100):
        monkeypatch.setattr(module, "_STRIP_ROWS", rows)
        found = vectorise(path)
        assert found.geometry.to_wkb().tolist() == wanted.geometry.to_wkb().tolist()
        assert found.drop(columns="geometry").equals(wanted.drop(columns="geometry"))


def test_other_rasters_are_refused(write_raster: _Write, probabilities: _Write, tmp_path: Path) -> None:
    plain = write_raster("ortho.tif", np.stack([_field()] * 3))
    with pytest.raises(RasterError, match=r"ortho\.tif: is no raster of probabilities; .*'vigibati segment'"):
        vectorise(plain)
    with pytest.raises(RasterError, match="carries no thresholds of its classes"):
        vectorise(probabilities(_field(), thresholds={"pool": 0.5}))
    with pytest.raises(RasterError, match=r"carries the threshold 1\.5 of 'building'"):
        vectorise(probabilities(_field(), thresholds={"building": 1.5}))
    text = tmp_path / "text.tif"
    text.write_text("hello", encoding="utf-8")
    with pytest.raises(RasterError, match="not a GeoTIFF"):
        vectorise(text)


@pytest.mark.parametrize(
    ("thresholds", "cause"),
    [
        ({"house": 0.5}, "threshold of 'house': .* has no such class; use building"),
        ({"building": 0.0}, r"is 0\.0; use a number between 0 and 1"),
        ({"building": float("nan")}, "is nan"),
    ],
)
def test_thresholds_are_checked(probabilities: _Write, thresholds: dict[str, float], cause: str) -> None:
    with pytest.raises(SettingsError, match=cause):
        vectorise(probabilities(_field()), thresholds=thresholds)
