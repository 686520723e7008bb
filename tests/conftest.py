from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from hypothesis import settings

from vigibati.configs.contract import ModelContract

if TYPE_CHECKING:
    from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
# No test is about time: a machine that does other things too is no failure.
settings.register_profile("timeless", deadline=None)
settings.load_profile("timeless")


def pytest_report_header() -> list[str]:
    versions = (
        f"rasterio {rasterio.__version__} with GDAL {rasterio.__gdal_version__}, "
        f"pyogrio {pyogrio.__version__} with GDAL {'.'.join(map(str, pyogrio.__gdal_version__))}, "
        f"PROJ {pyproj.proj_version_str}"
    )
    return [versions]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def room() -> Callable[[int], AbstractContextManager[None]]:
    """Limiter of how many bytes a file may have, which stops writers as a full disk does."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference imagery and records are not on this machine")
    return folder


@pytest.fixture(scope="session")
def contract() -> Callable[..., ModelContract]:
    """Maker of contracts; ``changes`` replace the defaults."""

    def make(**changes: Any) -> ModelContract:
        values: dict[str, Any] = {
            "name": "stub",
            "architecture": "linknet",
            "encoder": "mobilenet_v2",
            "bands": ("red", "green", "blue"),
            "mean": (0.0, 0.0, 0.0),
            "std": (1.0, 1.0, 1.0),
            "gsd_m": 0.2,
            "class_names": ("building",),
            "thresholds": (0.5,),
            "margin_px": 32,
            "sources": (),
            "data_sha256": "",
            "weights_sha256": "",
            "trained_with": "0",
            "recipe": "stub",
        }
        return ModelContract(**{**values, **changes})

    return make


@pytest.fixture(scope="session")
def pass_brightness() -> Callable[[nn.Module], dict[str, Tensor]]:
    """Setter of weights that pass the brightness of every second pixel on to the head of a U-Net."""

    def set_weights(network: nn.Module) -> dict[str, Tensor]:
        weights = network.state_dict()
        for name, tensor in weights.items():
            # Normalisation stays what it is before any training: it changes nothing.
            tensor.fill_(
                1.0 if name.endswith("running_var") or (tensor.ndim == 1 and "weight" in name) else 0.0
            )
        weights["encoder.features.0.0.weight"][0, :, 1, 1] = 1 / 3
        weights["encoder.features.1.conv.0.0.weight"][0, 0, 1, 1] = 1
        weights["encoder.features.1.conv.1.weight"][0, 0] = 1
        # The skip of the encoder follows the four channels from below.
        weights["decoder.blocks.3.conv1.0.weight"][0, 4, 1, 1] = 1
        for name in ("3.conv2", "4.conv1", "4.conv2"):
            weights[f"decoder.blocks.{name}.0.weight"][0, 0, 1, 1] = 1
        return weights

    return set_weights


@pytest.fixture(scope="session")
def checkpoint(
    contract: Callable[..., ModelContract],
    pass_brightness: Callable[[nn.Module], dict[str, Tensor]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A real checkpoint whose weights pass the brightness of every second pixel on to the logits."""
    # Loading torch takes longer than all tests of most rooms, which need none.
    import torch  # noqa: PLC0415

    from vigibati.inference.model.checkpoint import save_checkpoint  # noqa: PLC0415
    from vigibati.inference.model.network import build_network  # noqa: PLC0415

    network = build_network(
        architecture="unet", encoder="mobilenet_v2", decoder_channels=(4,) * 5, bands=3, classes=1
    )
    weights = pass_brightness(network)
    weights["segmentation_head.0.weight"][0, 0, 1, 1] = 20
    weights["segmentation_head.0.bias"][0] = -10
    made = contract(
        name="brightness",
        architecture="unet",
        decoder_channels=(4,) * 5,
        data_sha256="0" * 64,
        weights_sha256="0" * 64,
        recipe="by hand",
    )
    with torch.no_grad():
        return save_checkpoint(network, made, tmp_path_factory.mktemp("brightness")).folder


@pytest.fixture(scope="session")
def village() -> gpd.GeoDataFrame:
    """Sixty-four houses of 12 m by 9 m, 25 m apart in rows, each second one with a shed of 4 m by 3 m."""
    column, row = (axis.ravel() for axis in np.meshgrid(np.arange(8), np.arange(8)))
    west, south = 700_000 + 25.0 * column, 6_600_000 + 22.0 * row
    houses = shapely.box(west, south, west + 12, south + 9)
    sheds = shapely.box(west + 12, south, west + 16, south + 3)[::2]
    table = {
        "record_id": [f"h{number:02d}" for number in range(64)] + [f"s{number:02d}" for number in range(32)],
        "kind": ["durable"] * 64 + ["light"] * 32,
        "sheet_id": np.where(np.concatenate([row, row[::2]]) < 4, "south", "north"),
    }
    return gpd.GeoDataFrame(table, geometry=np.concatenate([houses, sheds]), crs=2154)
