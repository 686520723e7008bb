from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import shapely.affinity
from affine import Affine
from scipy.special import expit, logit

from vigibati.configs.contract import Calibration, ModelContract
from vigibati.configs.errors import OutputError
from vigibati.inference.segmentation.mosaic import Patch, mosaic
from vigibati.inference.vectorisation.vectorise import vectorise

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.5
SIDE = 1200
WEST = shapely.box(LEFT, TOP - SIDE * GSD_M, LEFT + 300, TOP)
EAST = shapely.box(LEFT + 300, TOP - SIDE * GSD_M, LEFT + SIDE * GSD_M, TOP)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, int], Path]:
    def make(name: str, value: int) -> Path:
        values = np.full((1, SIDE, SIDE), value, dtype=np.uint8)
        values[:, :10] = 255
        profile = {
            "driver": "GTiff",
            "count": 1,
            "height": SIDE,
            "width": SIDE,
            "dtype": "uint8",
            "nodata": 255,
            "crs": "EPSG:2154",
            "transform": Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP),
            "tiled": True,
            "blockxsize": 512,
            "blockysize": 512,
        }
        with rasterio.open(tmp_path / name, "w", **profile) as raster:
            raster.write(values)
            raster.descriptions = ("building",)
        return tmp_path / name

    return make


def test_each_pixel_comes_from_the_model_of_its_ground(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path
) -> None:
    out = tmp_path / "all.tif"
    mosaic([Patch(write("w.tif", 40), WEST), Patch(write("e.tif", 200), EAST)], contract(), out)
    with rasterio.open(out) as raster:
        values = raster.read(1)
        assert raster.descriptions == ("building",)
        assert raster.tags()["VIGIBATI_MODEL"] == "stub"
        assert json.loads(raster.tags()["VIGIBATI_THRESHOLDS"]) == {"building": 0.5}
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    assert set(np.unique(values[10:, :600])) == {40}
    assert set(np.unique(values[10:, 600:])) == {200}
    assert set(np.unique(values[:10])) == {255}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_ground_of_nobody_has_no_image(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path
) -> None:
    mosaic([Patch(write("w.tif", 40), WEST)], contract(), tmp_path / "all.tif")
    with rasterio.open(tmp_path / "all.tif") as raster:
        assert set(np.unique(raster.read(1)[:, 601:])) == {255}


@pytest.mark.parametrize("value", [0, 1, 60, 127, 200, 253, 254])
def test_the_temperature_divides_the_logits(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path, value: int
) -> None:
    cooled = Calibration(temperature=0.5, object_slope=2, object_offset=-1)
    whole = shapely.union_all([WEST, EAST])
    mosaic([Patch(write("w.tif", value), whole)], contract(calibrations=(cooled,)), tmp_path / "all.tif")
    with rasterio.open(tmp_path / "all.tif") as raster:
        got = raster.read(1)[600, 600]
        assert json.loads(raster.tags()["VIGIBATI_CALIBRATION"]) == {"building": [2.0, -1.0]}
    wanted = 254 * expit(2 * logit(value / 254)) if 0 < value < 254 else value
    assert got == round(wanted)


def test_vectorise_reads_it(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path
) -> None:
    cooled = Calibration(temperature=1, object_slope=1, object_offset=1)
    patches = [Patch(write("w.tif", 40), WEST), Patch(write("e.tif", 200), EAST)]
    mosaic(patches, contract(calibrations=(cooled,)), tmp_path / "all.tif")
    (house,) = vectorise(tmp_path / "all.tif").itertuples()
    assert house.area_m2 == pytest.approx(300 * 595)
    assert house.probability == pytest.approx(expit(logit(200 / 254) + 1), abs=0.01)


def test_a_place_that_cannot_be_written_is_told(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="is a folder"):
        mosaic([Patch(write("w.tif", 40), WEST)], contract(), tmp_path)


def test_no_sliver_between_grounds_is_left_without_an_image(
    write: Callable[[str, int], Path], contract: Callable[..., ModelContract], tmp_path: Path
) -> None:
    gap = shapely.affinity.translate(EAST, 0.3, 0)
    patches = [Patch(write("w.tif", 40), WEST), Patch(write("e.tif", 200), gap)]
    mosaic(patches, contract(), tmp_path / "all.tif")
    with rasterio.open(tmp_path / "all.tif") as raster:
        assert set(np.unique(raster.read(1)[10:, :1199])) == {40, 200}
