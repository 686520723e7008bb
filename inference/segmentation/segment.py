"""From an orthophoto to a raster of probabilities, in constant memory, to be stopped and gone on with."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from vigibati.configs.cores import usable_cores
from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.cog import check_raster_place, read_counts
from vigibati.inference.segmentation.dask_dispatch import dispatch
from vigibati.inference.segmentation.merge import Segmentation, merge
from vigibati.inference.segmentation.report import Effort, count, effort_on, pixels_of, report_of
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.run_spec import RunSpec, new_run_spec
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.worker import is_done, work_on, worker_context
from vigibati.inference.vectorisation.vectorise import vectorise


@dataclass(frozen=True, slots=True)
class Plan:
    """What a segmentation would do.

    Attributes:
        files: Of the orthophoto.
        megapixels: Size of the raster, or of the shard.
        area_km2: Its ground.
        gap_share: Share of the whole raster that no file covers, 0-1.
        skipped_share: Share of the windows that nobody wants to know of, 0-1.
        units: To be finished, of the raster or of the shard.
        units_done: Those that are finished already.
        device: Where the network would run.
        run: Folder in which finished units are kept.
        finished: Whether the raster is there already.
    """

    files: int
    megapixels: float
    area_km2: float
    gap_share: float
    skipped_share: float
    units: int
    units_done: int
    device: str
    run: Path
    finished: bool


def plan(ortho: Orthophoto, checkpoint: Checkpoint, out: Path, settings: SegmentSettings) -> Plan:
    """Tell what ``segment`` would do, and how much of it is done; writes nothing.

    Raises:
        InputError: As ``segment``.
    """
    spec = new_run_spec(ortho, checkpoint, Predictor(checkpoint, Device.choose(settings.device)), settings)
    run, units = RunFolder(out), _share(spec, settings)
    files, states = run.files(spec), run.states()
    area_mask = spec.area_mask
    finished = not settings.restart and not run.path.exists() and read_counts(out, run=spec.run) is not None
    done = [unit for unit in units if finished or is_done(unit, files, states)]
    return Plan(
        files=len(ortho.paths),
        megapixels=pixels_of(units) / 1e6,
        area_km2=pixels_of(units) * spec.grid.gsd_m**2 / 1e6,
        gap_share=spec.gap_share,
        skipped_share=0.0 if area_mask is None else float(1 - area_mask.mean()),
        units=len(units),
        units_done=0 if settings.restart else len(done),
        device=spec.engine,
        run=run.path,
        finished=finished,
    )


def segment(
    ortho: Orthophoto,
    checkpoint: Checkpoint,
    out: Path,
    settings: SegmentSettings | None = None,
    *,
    progress: Progress = SILENT,
) -> Segmentation:
    """Write the probability of every class for every pixel of an orthophoto.

    The image is read from top to bottom, every block of its files once. Each window goes through the
    network with the margin of the contract on every side and only its core is kept, so that the
    result does not depend on how the work is cut, as long as the network sees no further than its
    margin. Beyond the grid the image is mirrored.

    Finished units are kept in the folder ``<out>.run`` until all are: the same call goes on where an
    earlier one ended, however that was stopped. A raster that the same call finished before is left
    as it is.

    Args:
        ortho: Orthophoto at the resolution of the contract, with its bands.
        checkpoint: Network and contract.
        out: Cloud-optimised GeoTIFF on the grid of ``ortho``, uint8, one band per class: 0-254 for
            probabilities 0-1, 255 for no image; the tags ``VIGIBATI_MODEL`` and
            ``VIGIBATI_THRESHOLDS`` say by which model and from which probability on. That of a
            calibrated model has ``VIGIBATI_CALIBRATION`` too: for each class the slope and the
            offset that turn the mean over an object into a frequency.
        settings: How it is done.
        progress: Told of finished megapixels.

    Raises:
        CheckpointError: The network does not fit the contract or gives something else than numbers.
        RasterError: The orthophoto was opened at another resolution or with other bands, or nothing of
            it can be read.
        SettingsError: An earlier call was begun with other inputs or settings.
        DeviceError: The device is not there.
        OutputError: The file cannot be written.
    """
    settings = settings or SegmentSettings()
    check_raster_place(out)
    if settings.shard is not None and settings.restart:
        cause = "would throw away what other shards did"
        raise SettingsError("--restart", cause, f"remove {RunFolder(out).path} yourself")
    started = time.perf_counter()
    predictor = Predictor(checkpoint, Device.choose(settings.device))
    spec = new_run_spec(ortho, checkpoint, predictor, settings)
    run, units = RunFolder(out), _share(spec, settings)
    if not settings.restart and (earlier := _finished_earlier(run, spec)) is not None:
        return earlier
    run.enter(spec, restart=settings.restart)
    files, states = run.files(spec), run.states()
    todo = [unit for unit in units if not is_done(unit, files, states)]
    with _cleared_if_empty(run, settings):
        _finish(todo, units, run, spec, ortho, predictor, settings, progress=progress)
        states = run.states()
        counts = count(units, states)
        if counts.failed and counts.no_image_px + counts.skipped_px == counts.pixels:
            raise RasterError(
                "orthophoto", f"nothing of it can be read ({counts.failed[0]})", "replace the file"
            )
    if settings.shard is not None:
        effort = effort_on(todo, states, seconds=time.perf_counter() - started)
        return Segmentation(report_of(counts, spec, effort, finished=False), None)
    merged = merge(out, traced=settings.traced, progress=progress)
    effort = effort_on(todo, states, seconds=time.perf_counter() - started)
    effort = replace(effort, busy_s={**effort.busy_s, **merged.report.busy_s})
    return replace(merged, report=report_of(counts, spec, effort))


def _finish(
    todo: Sequence[Unit],
    units: Sequence[Unit],
    run: RunFolder,
    spec: RunSpec,
    ortho: Orthophoto,
    predictor: Predictor,
    settings: SegmentSettings,
    *,
    progress: Progress,
) -> None:
    """Finish units, and tell a listener of all that belong to the share."""
    shard, pixels = settings.shard, pixels_of(units)
    km2 = pixels * spec.grid.gsd_m**2 / 1e6
    with (
        run.ledger("all" if shard is None else f"{shard.number}-of-{shard.of}") as ledger,
        progress.stage("segment", total=pixels / 1e6, unit="Mpx", km2=km2) as advance,
    ):
        if settings.retry_failed:
            run.forgive(units)
        advance((pixels - pixels_of(todo)) / 1e6)

        def done(unit: Unit) -> None:
            advance(pixels_of([unit]) / 1e6)

        if settings.dask is not None:
            dispatch(todo, run, spec, settings.dask, done=done)
            return
        with worker_context(spec, run, ortho, predictor, threads=_decoders(predictor)) as context:
            work_on(todo, context, run, ledger, done=done)


def _share(spec: RunSpec, settings: SegmentSettings) -> Sequence[Unit]:
    return spec.layout.units if settings.shard is None else settings.shard.choose(spec.layout.units)


def _finished_earlier(run: RunFolder, spec: RunSpec) -> Segmentation | None:
    """Return what the same call came to before, if its raster is still there."""
    if run.path.exists() or (counts := read_counts(run.out, run=spec.run)) is None:
        return None
    footprints = vectorise(run.out) if spec.traced else None
    return Segmentation(report_of(counts, spec, Effort()), footprints)


@contextmanager
def _cleared_if_empty(run: RunFolder, settings: SegmentSettings) -> Iterator[None]:
    """Leave no folder behind when the work fails before anything of the image is seen."""
    try:
        yield
    except BaseException:
        # Of a folder that others may be at work in nothing is taken away.
        if settings.shard is None and not any(state.report.get("windows") for state in run.states().values()):
            run.remove()
        raise


def _decoders(predictor: Predictor) -> int:
    """Return how many threads decode: beside a network on the processor as few as keep it busy."""
    cores = usable_cores()
    return max(1, cores - 2 if predictor.device.torch_device.type == "cuda" else cores // 2)
