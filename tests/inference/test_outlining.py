"""Footprints drawn while units are still at work: the same whenever they are heard of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from vigibati.datasets.ortho import open_ortho
from vigibati.inference.checkpoint import Checkpoint
from vigibati.inference.job import Job
from vigibati.inference.merge import merge
from vigibati.inference.outlining import Outlining
from vigibati.inference.run_folder import RunFolder
from vigibati.inference.segment import segment
from vigibati.inference.segment_settings import Cut, SegmentSettings, Shard
from vigibati.inference.unit_files import UnitFiles


@pytest.fixture
def run(write_raster: Callable[..., Path], stub: Callable[..., Checkpoint], tmp_path: Path) -> RunFolder:
    """Six units in three rows, segmented and not yet put together."""
    grey = np.random.default_rng(5).integers(30, 90, (1300, 900), dtype=np.uint8)
    for row in range(20, 1280, 70):
        for col in range(20, 880, 90):
            grey[row : row + 40, col : col + 60] = 220
    path = write_raster("ortho.tif", np.stack([grey] * 3), tiled=True, blockxsize=256, blockysize=256)
    settings = SegmentSettings(device="cpu", traced=True, cut=Cut(512, 512, 512), shard=Shard(1, 1))
    with open_ortho([path], gsd_m=0.2) as ortho:
        segment(ortho, stub(reach=8), tmp_path / "out.tif", settings)
    return RunFolder(tmp_path / "out.tif")


def _opened(run: RunFolder) -> tuple[Job, UnitFiles]:
    job = run.job()
    assert job is not None
    assert len(job.layout.units) == 6
    return job, run.files(job)


@pytest.mark.parametrize("told", [0, 3, 6])
def test_it_does_not_matter_when_units_are_told(run: RunFolder, told: int) -> None:
    job, files = _opened(run)
    units = [job.layout.units[number] for number in (4, 0, 5, 2, 1, 3)]
    with Outlining(job, files) as outlining:
        for unit in units[:told]:
            outlining.add(unit)
        table, seconds = outlining.finish(units)
    assert seconds > 0
    wanted = merge(run.out, traced=True).footprints
    assert wanted is not None
    assert len(wanted) > 100
    assert_geodataframe_equal(table, wanted)


def test_rows_are_drawn_beside_units_that_never_come(run: RunFolder) -> None:
    job, files = _opened(run)
    units = [unit for unit in job.layout.units if unit.number != 1]
    with Outlining(job, files) as outlining:
        table, _ = outlining.finish(units)
    lost = job.layout.units[1].window
    # Straight walls lie within a metre, five pixels, of what was traced.
    left, top = job.grid.transform @ (lost.col + 6, lost.row + 6)
    right, bottom = job.grid.transform @ (lost.col + lost.width - 6, lost.row + lost.height - 6)
    assert len(table) > 100
    assert not table.intersects(shapely.box(left, bottom, right, top)).any()


def test_leaving_early_waits_for_no_unit(run: RunFolder) -> None:
    job, files = _opened(run)
    with Outlining(job, files) as outlining:
        outlining.add(job.layout.units[0])


def test_a_context_that_is_not_entered(run: RunFolder) -> None:
    job, files = _opened(run)
    with pytest.raises(RuntimeError, match="enter its context"):
        Outlining(job, files).finish([])


def test_what_cannot_be_read_is_told_when_asked(run: RunFolder) -> None:
    job, files = _opened(run)
    files.table(job.layout.units[0]).unlink()
    with Outlining(job, files) as outlining, pytest.raises(FileNotFoundError):
        outlining.finish(job.layout.units)
