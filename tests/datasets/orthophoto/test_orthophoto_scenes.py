from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from vigibati.configs.errors import RasterError
from vigibati.datasets.grid import Window
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.orthophoto.strip_reader import StripReader

pytestmark = pytest.mark.shared


def test_languedoc_is_lambert_93_under_its_odd_name(shared_data: Path) -> None:
    path = shared_data / "scenes" / "languedoc" / "test_data_rgb.tif"
    with open_ortho([path], gsd_m=0.2) as ortho, rasterio.open(path) as file:
        assert file.crs.to_epsg() is None
        assert ortho.grid.crs.to_epsg() == 2154
        pixels = ortho.read(Window(0, 0, 252, 252))
        white = (file.read() == 255).all(axis=0)
    assert np.array_equal(pixels.valid, ~white)


def test_languedoc_patches_of_uneven_rows_join_without_a_seam(shared_data: Path) -> None:
    folder = shared_data / "scenes" / "languedoc"
    paths = sorted(folder.glob("vintage-rgb-*.tiff"))
    with open_ortho(paths, gsd_m=0.2) as ortho:
        assert (ortho.grid.width, ortho.grid.height) == (250, 497)
        assert ortho.read(Window(0, 0, 250, 497)).valid.all()


def test_nairobi_opens_at_its_ground_resolution_and_knows_its_black(shared_data: Path) -> None:
    path = shared_data / "scenes" / "nairobi" / "ortho.tif"
    with open_ortho([path]) as ortho:
        assert ortho.grid.gsd_m == pytest.approx(0.14925, abs=1e-4)
        assert not ortho.read(Window(0, 0, 512, 512)).valid.any()
        assert ortho.read(Window(7168, 0, 512, 512)).valid.all()
        assert ortho.read(Window(7000, 2000, 512, 128)).valid.mean() == pytest.approx(344 * 48 / (512 * 128))
    with open_ortho([path], gsd_m=0.2) as ortho:
        assert ortho.grid.gsd_m == pytest.approx(0.2)
        assert (ortho.grid.width, ortho.grid.height) == (6878, 3057)


def test_atlanta_is_too_coarse_for_twenty_centimetres(shared_data: Path) -> None:
    with pytest.raises(
        RasterError, match=r"has pixels of 0\.50 m, 0\.20 m are needed \(at most twice that\)"
    ):
        open_ortho([shared_data / "scenes" / "atlanta" / "ortho.tif"], gsd_m=0.2)


def test_strips_of_a_scene_hold_what_its_windows_hold(shared_data: Path) -> None:
    """Half of the image is black without a mask, and its pixels are resampled."""
    with (
        open_ortho([shared_data / "scenes" / "nairobi" / "ortho.tif"], gsd_m=0.2) as ortho,
        StripReader(ortho, threads=2) as reader,
    ):
        for row in range(1000, 2200, 300):
            window = Window(1500, row - 64, 3000, 428)
            got, wanted = reader.read(window), ortho.read(window)
            assert np.array_equal(got.values, wanted.values)
            assert np.array_equal(got.valid, wanted.valid)
        assert reader.blocks_decoded == reader.blocks_needed
        assert reader.damaged == []
