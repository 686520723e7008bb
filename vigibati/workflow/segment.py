"""From the files of an orthophoto to a probability raster, and to footprints in the same pass."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from vigibati.configs.paths import StrPath, StrPaths, as_path
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.energy import Energy, measure_energy
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.segmentation import merge as merging
from vigibati.inference.segmentation import segment as segmenting
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.inference.segmentation.settings import SegmentSettings, Shard
from vigibati.workflow.footprints import open_for, polygons_of
from vigibati.workflow.layer_files import check_layer_place, write_layer
from vigibati.workflow.options import ImageOptions, RunOptions


@dataclass(frozen=True, slots=True, eq=False)
class SegmentResult:
    """What came of `segment` or `merge`.

    Attributes:
        out: The probability raster; that of a shard is not there before all of them are merged.
        report: What was done.
        footprints: Outlines, as ``vectorise`` gives them, where they were asked for and the raster is there.
        energy: Electricity of this call; None where it was not measured.
    """

    out: Path
    report: SegmentReport
    footprints: gpd.GeoDataFrame | None
    energy: Energy | None


def segment(
    ortho: StrPaths,
    *,
    out: StrPath,
    footprints: StrPath | None = None,
    only: StrPath | None = None,
    checkpoint: StrPath | None = None,
    image: ImageOptions = ImageOptions(),
    run: RunOptions = RunOptions(),
    shard: Shard | None = None,
    progress: Progress = SILENT,
) -> SegmentResult:
    """Write the probability of every class for every pixel of an orthophoto.

    Finished parts are kept in the folder ``<out>.run`` until all are: the same call goes on where an
    earlier one ended, and a raster that it finished before is left as it is.

    Args:
        ortho: Files of one orthophoto, folders of such files, or lists of them.
        out: Cloud-optimised GeoTIFF to write, uint8, one band per class: 0-254 for probabilities 0-1, 255
            for no image.
        footprints: GeoPackage of footprints to write as well, traced in the same pass.
        only: Layer of polygons, such as parcels: what is farther than 20 m from all of them is skipped.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        image: How the files are read.
        run: Where the work is done, and what of an earlier call is taken.
        shard: Share of the work; ``merge`` puts the shards together. All of it when None.
        progress: Told of finished megapixels.

    Raises:
        InputError: Something given cannot be used; nothing was written.
    """
    out, layer = Path(out), as_path(footprints)
    if layer is not None:
        check_layer_place(layer, layer="footprints")
    traced = layer is not None
    with (
        _opened(ortho, only, checkpoint, image, run, shard, traced=traced) as (opened, model, settings),
        measure_energy() as energy,
    ):
        done = segmenting.segment(opened, model, out, settings, progress=progress)
    return _result(out, done, layer, energy.result)


def plan_segment(
    ortho: StrPaths,
    *,
    out: StrPath,
    footprints: StrPath | None = None,
    only: StrPath | None = None,
    checkpoint: StrPath | None = None,
    image: ImageOptions = ImageOptions(),
    run: RunOptions = RunOptions(),
    shard: Shard | None = None,
) -> segmenting.Plan:
    """Tell what ``segment`` would do with the same arguments, and how much of it is done; writes nothing.

    Raises:
        InputError: As ``segment``.
    """
    traced = footprints is not None
    with _opened(ortho, only, checkpoint, image, run, shard, traced=traced) as (opened, model, settings):
        return segmenting.plan(opened, model, Path(out), settings)


def merge(out: StrPath, *, footprints: StrPath | None = None, progress: Progress = SILENT) -> SegmentResult:
    """Put together what the shards of a segmentation finished.

    Args:
        out: Probability raster that the shards were begun for.
        footprints: GeoPackage of footprints to write as well, if the shards traced them; otherwise
            ``vectorise`` makes them.
        progress: Listener.

    Raises:
        InputError: There is no run for this raster, it is not finished, or it traced no footprints.
        OutputError: A file cannot be written.
    """
    out, layer = Path(out), as_path(footprints)
    if layer is not None:
        check_layer_place(layer, layer="footprints")
    return _result(out, merging.merge(out, traced=layer is not None, progress=progress), layer, None)


@contextmanager
def _opened(
    ortho: StrPaths,
    only: StrPath | None,
    checkpoint: StrPath | None,
    image: ImageOptions,
    run: RunOptions,
    shard: Shard | None,
    *,
    traced: bool,
) -> Iterator[tuple[Orthophoto, Checkpoint, SegmentSettings]]:
    opened, model, _ = open_for(ortho, checkpoint=checkpoint, image=image)
    with opened:
        settings = SegmentSettings(
            device=run.device,
            traced=traced,
            area=None if only is None else polygons_of(Path(only), crs=opened.grid.crs),
            shard=shard,
            dask=run.dask,
            restart=run.restart,
            retry_failed=run.retry_failed,
        )
        yield opened, model, settings


def _result(
    out: Path, done: merging.Segmentation, layer: Path | None, energy: Energy | None
) -> SegmentResult:
    if layer is not None and done.footprints is not None:
        write_layer(done.footprints, layer, layer="footprints")
    return SegmentResult(out, done.report, done.footprints, energy)
