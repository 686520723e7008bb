"""The results of all units, from however many machines, become one raster and one table."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from vigibati.configs.errors import InputError
from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.outlining import Outlining
from vigibati.inference.raster_of_units import write_raster_of_units
from vigibati.inference.run_folder import RunFolder
from vigibati.inference.segment_report import Effort, SegmentReport, count, report_of
from vigibati.inference.share import is_done, remaining


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What came of a segmentation.

    Attributes:
        report: What it did.
        footprints: Outlines, as ``vectorise`` gives them, where they were asked for and the raster is there.
    """

    report: SegmentReport
    footprints: gpd.GeoDataFrame | None


def merge(
    out: Path, *, traced: bool = False, progress: Progress = SILENT, outlining: Outlining | None = None
) -> Segmentation:
    """Put a run together that one or several processes worked on.

    Its folder is removed afterwards, unless units were given up: then these can be tried again.

    Args:
        out: The probability raster to write.
        traced: Whether footprints are wanted.
        progress: Listener.
        outlining: That was begun with the run, where footprints are wanted; begun here otherwise.

    Raises:
        InputError: There is no run for this raster, it is not finished, or it traced no footprints.
        OutputError: The raster cannot be written.
    """
    started = time.perf_counter()
    run = RunFolder(out)
    if (job := run.job()) is None:
        raise InputError(out, "there is no run to put together", "begin one with 'vigibati segment'")
    if traced and not job.traced:
        cause = "was begun without --footprints"
        raise InputError(run.path, cause, f"merge without it, then vigibati vectorise {out}")
    files, states, units = run.files(job), run.states(), job.layout.units
    if missing := remaining(units, files, states):
        cause = f"{len(missing)} of {len(units)} units are not finished (the first is {missing[0].number})"
        raise InputError(out, cause, "let every shard finish, or run it again")
    done = [unit for unit in units if is_done(unit, files, states)]
    if not done:
        raise InputError(
            out, f"no unit could be finished ({states[0].cause})", "mend that, then --retry-failed"
        )
    counts = count(units, states)
    footprints, busy_s = None, {}
    with ExitStack() as stack:
        if traced and outlining is None:
            outlining = stack.enter_context(Outlining(job, files))
            for unit in done:
                outlining.add(unit)
        with progress.stage("merge", total=1, unit="raster") as advance:
            write_raster_of_units(
                out, units=[(unit.window, files.raster(unit)) for unit in done], job=job, counts=counts
            )
            advance(1)
        busy_s["merge"] = time.perf_counter() - started
        if traced and outlining is not None:
            footprints, busy_s["outline"] = outlining.finish(done, progress)
    if len(done) == len(units):
        run.remove()
    effort = Effort(
        seconds=time.perf_counter() - started,
        busy_s={stage: round(seconds, 3) for stage, seconds in busy_s.items()},
    )
    return Segmentation(report_of(counts, job, effort), footprints)
