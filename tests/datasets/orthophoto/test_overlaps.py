from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.orthophoto.overlaps import HiddenFile, hidden_files


def write(path: Path, *, left: float, side: int) -> Path:
    place = Affine(0.2, 0, left, 0, -0.2, 6_600_000)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=3,
        dtype="uint8",
        width=side,
        height=side,
        crs="EPSG:2154",
        transform=place,
    ) as file:
        file.write(np.full((3, side, side), 90, dtype=np.uint8))
    return path


def test_a_file_that_another_covers_is_hidden_unless_it_lies_above(tmp_path: Path) -> None:
    new = write(tmp_path / "2023.tif", left=700_000, side=40)
    old = write(tmp_path / "2020.tif", left=700_000, side=40)
    beside = write(tmp_path / "beside.tif", left=700_004, side=40)
    small = write(tmp_path / "small.tif", left=700_000, side=10)
    with open_ortho([new, old, beside, small]) as ortho:
        assert hidden_files(ortho) == [HiddenFile(old, new), HiddenFile(small, new)]
    with open_ortho([small, beside, new]) as ortho:
        assert hidden_files(ortho) == []
