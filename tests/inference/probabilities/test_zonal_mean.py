from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray

from vigibati.configs.errors import RasterError
from vigibati.inference.probabilities import zonal_mean as module
from vigibati.inference.probabilities.zonal_mean import zonal_mean

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.5


def write(path: Path, values: NDArray[np.uint8], names: tuple[str, ...]) -> Path:
    profile = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": "uint8",
        "nodata": 255,
        "crs": "EPSG:2154",
        "transform": Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP),
    }
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(values)
        raster.descriptions = names
        raster.update_tags(VIGIBATI_THRESHOLDS=json.dumps(dict.fromkeys(names, 0.5)))
    return path


def place(column: int, row: int, width: int, height: int) -> shapely.Polygon:
    left, top = LEFT + column * GSD_M, TOP - row * GSD_M
    return shapely.box(left, top - height * GSD_M, left + width * GSD_M, top)


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    values = np.zeros((2, 40, 60), dtype=np.uint8)
    values[0, 4:8, 10:20] = 254
    values[0, 4:8, 20:30] = 127
    values[0, 20:40, 30:] = 255
    values[1, 10:20, 0:10] = 254
    return write(tmp_path / "p.tif", values, ("building", "pool"))


def test_a_worked_raster(raster: Path) -> None:
    outlines = gpd.GeoSeries(
        [place(10, 4, 8, 4), place(18, 4, 4, 4), place(0, 10, 10, 10), place(0, 10, 10, 10)], crs=2154
    )
    found = zonal_mean(raster, outlines, ["building", "building", "building", "pool"])
    assert found.tolist() == [1.0, 0.75, 0.0, 1.0]


def test_unknown_is_not_absent(raster: Path) -> None:
    # A third with image, two thirds, wholly outside the raster, half outside, and an unknown class.
    shapes = [place(25, 22, 15, 10), place(20, 22, 15, 10), place(90, 4, 5, 5), place(-5, 4, 8, 5)]
    found = zonal_mean(
        raster, gpd.GeoSeries([*shapes, place(0, 0, 5, 5)], crs=2154), ["building"] * 4 + ["tree"]
    )
    assert np.isnan(found).tolist() == [True, False, True, True, True]
    assert found[1] == 0


def test_outlines_in_another_crs_and_none_at_all(raster: Path) -> None:
    outlines = gpd.GeoSeries([place(10, 4, 10, 4)], crs=2154).to_crs(4326)
    assert zonal_mean(raster, outlines, ["building"])[0] == pytest.approx(1.0)
    assert zonal_mean(raster, outlines[:0], []).shape == (0,)


def test_the_cut_into_cells_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    path = write(tmp_path / "r.tif", rng.integers(0, 256, (1, 90, 110), dtype=np.uint8), ("building",))
    with rasterio.open(path) as file:
        values = file.read(1)
    # Apart from each other, at odd places.
    outlines = gpd.GeoSeries(
        [shapely.affinity.rotate(place(c, r, 9, 7), 20) for c in range(5, 95, 15) for r in range(5, 78, 14)],
        crs=2154,
    )
    whole = zonal_mean(path, outlines, ["building"] * len(outlines))
    monkeypatch.setattr(module, "_CELL_PX", 16)
    assert zonal_mean(path, outlines, ["building"] * len(outlines)) == pytest.approx(whole, nan_ok=True)
    # Pixel by pixel, for the first one.
    x, y = LEFT + (np.arange(110) + 0.5) * GSD_M, TOP - (np.arange(90) + 0.5) * GSD_M
    inside = shapely.contains_xy(outlines.iloc[0], *np.meshgrid(x, y)) & (values != 255)
    assert whole[0] == pytest.approx(values[inside].mean() / 254)


def test_an_image_is_no_raster_of_probabilities(tmp_path: Path) -> None:
    with rasterio.open(
        tmp_path / "x.tif", "w", driver="GTiff", count=1, height=4, width=4, dtype="uint8",
        transform=Affine(1, 0, 5, 0, -1, 5), crs=2154,
    ) as raster:  # fmt: skip
        raster.write(np.zeros((1, 4, 4), dtype=np.uint8))
    with pytest.raises(RasterError, match="is no raster of probabilities"):
        zonal_mean(tmp_path / "x.tif", gpd.GeoSeries([place(0, 0, 1, 1)], crs=2154), ["building"])
    with pytest.raises(RasterError, match="cannot be read"):
        zonal_mean(tmp_path / "none.tif", gpd.GeoSeries([place(0, 0, 1, 1)], crs=2154), ["building"])
