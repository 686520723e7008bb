"""However a run is cut, stopped or shared, the raster and the footprints are the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from torch import Tensor, nn

from vigibati.configs.errors import InputError, OutputError, SettingsError
from vigibati.datasets.grid import Window
from vigibati.datasets.ortho import open_ortho
from vigibati.inference import work
from vigibati.inference.checkpoint import Checkpoint, save_checkpoint
from vigibati.inference.merge import Segmentation, merge
from vigibati.inference.network import build_network
from vigibati.inference.segment import plan, segment
from vigibati.inference.segment_settings import Cut, SegmentSettings, Shard
from vigibati.inference.unit_files import UnitFiles
from vigibati.inference.vectorise import vectorise

_CUT = Cut(512, 512, 1024)
_Write = Callable[..., Path]


def _town(height: int, width: int, *, seed: int = 3) -> np.ndarray:
    """Bright rectangles on dark ground; many of them cross the borders of units."""
    rng = np.random.default_rng(seed)
    grey = rng.integers(30, 90, (height, width), dtype=np.uint8)
    for _ in range(height * width // 9000):
        row, col = rng.integers(0, height), rng.integers(0, width)
        tall, wide = rng.integers(15, 90, 2)
        grey[row : row + tall, col : col + wide] = rng.integers(160, 250)
    return np.stack([grey] * 3)


@pytest.fixture
def town(write_raster: _Write) -> Path:
    return write_raster("ortho.tif", _town(1700, 1500), tiled=True, blockxsize=256, blockysize=256)


def _run(path: Path, checkpoint: Checkpoint, out: Path, **options: object) -> Segmentation:
    settings = SegmentSettings(**{"device": "cpu", "traced": True, "cut": _CUT, **options})  # type: ignore[arg-type]
    with open_ortho([path], gsd_m=0.2) as ortho:
        return segment(ortho, checkpoint, out, settings)


@pytest.fixture
def whole(town: Path, stub: Callable[..., Checkpoint], tmp_path: Path) -> Segmentation:
    return _run(town, stub(reach=8), tmp_path / "whole.tif")


def _same(got: Segmentation, wanted: Segmentation) -> None:
    assert got.footprints is not None
    assert wanted.footprints is not None
    assert len(wanted.footprints) > 100
    assert_geodataframe_equal(got.footprints, wanted.footprints)
    assert got.report.failed == wanted.report.failed == ()


def test_tracing_on_the_way_is_vectorising_afterwards(whole: Segmentation, tmp_path: Path) -> None:
    assert whole.footprints is not None
    assert_geodataframe_equal(whole.footprints, vectorise(tmp_path / "whole.tif"))


@pytest.mark.parametrize("cut", [Cut(512, 512, 512), Cut(1024, 1024, 65_536), Cut(4096, 4096)])
def test_the_cut_does_not_show(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation, cut: Cut
) -> None:
    out = tmp_path / "cut.tif"
    _same(_run(town, stub(reach=8), out, cut=cut), whole)
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()


def test_shards_give_the_same_file(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation
) -> None:
    out = tmp_path / "shards.tif"
    for number in (3, 1):
        share = _run(town, stub(reach=8), out, shard=Shard(number, 3))
        assert not share.report.finished
        assert share.footprints is None
    with pytest.raises(InputError, match=r"3 of 8 units are not finished .*let every shard finish") as error:
        merge(out, traced=True)
    assert "the first is 2" in str(error.value)
    _run(town, stub(reach=8), out, shard=Shard(2, 3))
    _same(merge(out, traced=True), whole)
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()
    assert not (tmp_path / "shards.tif.run").exists()


def test_a_raster_that_is_finished_is_left_as_it_is(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation
) -> None:
    before = (tmp_path / "whole.tif").stat().st_mtime_ns
    again = _run(town, stub(reach=8), tmp_path / "whole.tif")
    _same(again, whole)
    assert again.report.megapixels_now == 0
    assert (tmp_path / "whole.tif").stat().st_mtime_ns == before


class _Stops(nn.Module):
    """Brightness, until the window that somebody interrupts."""

    def __init__(self, network: nn.Module, at: int, error: BaseException) -> None:
        super().__init__()
        self.network, self.at, self.error, self.seen = network, at, error, 0

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen += 1
        if self.seen == self.at:
            raise self.error
        logits: Tensor = self.network(pixels)
        return logits


@pytest.mark.parametrize("at", [2, 5, 9])
def test_an_interrupted_run_goes_on(
    town: Path, stub: Callable[..., Checkpoint], tmp_path: Path, whole: Segmentation, at: int
) -> None:
    out, calm = tmp_path / "again.tif", stub(reach=8)
    with pytest.raises(KeyboardInterrupt):
        _run(town, stub(_Stops(calm.network, at, KeyboardInterrupt())), out)
    assert not out.exists()
    with open_ortho([town], gsd_m=0.2) as ortho:
        planned = plan(ortho, calm, out, SegmentSettings(device="cpu", traced=True, cut=_CUT))
    done = _run(town, calm, out)
    _same(done, whole)
    assert done.report.megapixels_now < done.report.megapixels or planned.units_done == 0
    assert out.read_bytes() == (tmp_path / "whole.tif").read_bytes()
