"""The results of all units, from however many machines, become one raster and one table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from vigibati.configs.errors import InputError
from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.segmentation.cog import check_raster_place, write_raster_of_units
from vigibati.inference.segmentation.report import Effort, SegmentReport, count, report_of
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.unit_files import UnitFiles
from vigibati.inference.segmentation.worker import is_done, remaining
from vigibati.inference.vectorisation.components import Components
from vigibati.inference.vectorisation.footprint_table import REACH_M, footprints_of
from vigibati.inference.vectorisation.streaming_join import settle


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """What came of a segmentation.

    Attributes:
        report: What it did.
        footprints: Outlines, as ``vectorise`` gives them, where they were asked for and the raster is there.
    """

    report: SegmentReport
    footprints: gpd.GeoDataFrame | None


def merge(out: Path, *, traced: bool = False, progress: Progress = SILENT) -> Segmentation:
    """Put a run together that one or several processes worked on.

    Its folder is removed afterwards, unless units were given up: then these can be tried again.

    Args:
        out: The probability raster to write.
        traced: Whether footprints are wanted.
        progress: Listener.

    Raises:
        InputError: There is no run for this raster, it is not finished, or it traced no footprints.
        OutputError: The raster cannot be written.
    """
    started = time.perf_counter()
    check_raster_place(out)
    run = RunFolder(out)
    if (spec := run.spec()) is None:
        raise InputError(out, "there is no run to put together", "begin one with 'vigibati segment'")
    if traced and not spec.traced:
        cause = "was begun without --footprints"
        raise InputError(run.path, cause, f"merge without it, then vigibati vectorise {out}")
    files, states, units = run.files(spec), run.states(), spec.layout.units
    if missing := remaining(units, files, states):
        cause = f"{len(missing)} of {len(units)} units are not finished (the first is {missing[0].number})"
        raise InputError(out, cause, "let every shard finish, or run it again")
    done = [unit for unit in units if is_done(unit, files, states)]
    if not done:
        raise InputError(
            out, f"no unit could be finished ({states[0].cause})", "mend that, then --retry-failed"
        )
    counts = count(units, states)
    parts = [(unit.window, files.raster(unit)) for unit in done]
    # Both beside each other, but not beside the pipeline: their memory would come on top of its own.
    with ThreadPoolExecutor(1) as beside:
        raster = beside.submit(write_raster_of_units, out, units=parts, spec=spec, counts=counts)
        footprints = _footprints(done, spec, files, progress) if traced else None
        with progress.stage("merge", total=1, unit="raster") as advance:
            raster.result()
            advance(1)
    if len(done) == len(units):
        run.remove()
    seconds = time.perf_counter() - started
    effort = Effort(seconds=seconds, busy_s={"merge": round(seconds, 3)})
    return Segmentation(report_of(counts, spec, effort), footprints)


def _footprints(
    done: Sequence[Unit], spec: RunSpec, files: UnitFiles, progress: Progress
) -> gpd.GeoDataFrame:
    by_row: dict[int, list[Unit]] = {}
    for unit in done:
        by_row.setdefault(unit.window.row, []).append(unit)
    with progress.stage("outline", total=len(done), unit="units") as advance:

        def strips() -> Iterator[tuple[dict[str, Components], range]]:
            for row, units in sorted(by_row.items()):
                traced = [files.components(unit) for unit in units]
                joined = {name: Components.concatenate(each[name] for each in traced) for name in traced[0]}
                yield joined, range(row, row + units[0].window.height)
                advance(len(units))

        return footprints_of(
            settle(strips(), cols=spec.layout.seams[1], reach_px=REACH_M / spec.grid.gsd_m),
            grid=spec.grid,
            calibrations=spec.contract.object_calibrations,
        )
