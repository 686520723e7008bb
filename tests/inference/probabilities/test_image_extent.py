from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vigibati.inference.probabilities.image_extent import imaged_area
from vigibati.inference.segmentation.cog import write_cog


def test_a_cell_counts_by_its_central_pixel_whatever_the_overviews_say(
    write_raster: Callable[..., Path], tmp_path: Path
) -> None:
    planes = np.full((1, 1024, 1024), 255, dtype=np.uint8)
    planes[:, :, 512:] = 7
    # One pixel in each cell of a column shows something: beside the middle here, in the middle there.
    planes[:, 9::16, 9] = planes[:, 8::16, 24] = 7
    write_cog(write_raster("planes.tif", planes, nodata=255), tmp_path / "cog.tif")
    for name in ("planes.tif", "cog.tif"):
        assert imaged_area(tmp_path / name).area == pytest.approx((512 + 16) * 1024 * 0.2**2)
