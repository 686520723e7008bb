from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from torch import Tensor, nn

from vigibati.configs.contract import ModelContract
from vigibati.inference.model.checkpoint import Checkpoint


class Brightness(nn.Module):
    """Logits from the mean of 0-1 colours in a square around each pixel: sees ``reach`` pixels far."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        side, options = 2 * reach + 1, {"stride": 1, "count_include_pad": False}
        self.pool = nn.Sequential(
            nn.AvgPool2d((1, side), padding=(0, reach), **options),
            nn.AvgPool2d((side, 1), padding=(reach, 0), **options),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        grey = self.pool(pixels.mean(dim=1, keepdim=True))
        return 20 * (grey - 0.5)


@pytest.fixture
def stub(tmp_path: Path, contract: Callable[..., ModelContract]) -> Callable[..., Checkpoint]:
    def make(network: nn.Module | None = None, *, reach: int = 0, **changes: Any) -> Checkpoint:
        return Checkpoint(tmp_path / "stub", contract(**changes), network or Brightness(reach))

    return make


@pytest.fixture
def write_raster(tmp_path: Path) -> Callable[..., Path]:
    def write(name: str, values: np.ndarray, **options: Any) -> Path:
        profile = {
            "driver": "GTiff",
            "count": len(values),
            "height": values.shape[1],
            "width": values.shape[2],
            "dtype": values.dtype,
            "crs": "EPSG:2154",
            "transform": Affine(0.2, 0, 700000, 0, -0.2, 6600000),
        }
        with rasterio.open(tmp_path / name, "w", **{**profile, **options}) as file:
            file.write(values)
        return tmp_path / name

    return write
