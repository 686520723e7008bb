"""Footprints of a run drawn from its top, while the units below are still at work."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from queue import SimpleQueue
from typing import Self

import geopandas as gpd

from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.components import Components
from vigibati.inference.footprint_table import REACH_M, footprints_of
from vigibati.inference.job import Job
from vigibati.inference.layout import Unit
from vigibati.inference.settle import settle
from vigibati.inference.unit_files import UnitFiles

_POLL_S = 0.2


class Outlining:
    """A thread that draws footprints, each row of units as soon as all of it is finished.

    What it draws does not depend on when it hears of a unit. It works as long as the context is open.
    """

    def __init__(self, job: Job, files: UnitFiles) -> None:
        """Take a run that traces.

        Args:
            job: The run.
            files: Its results.
        """
        self._job, self._files = job, files
        self._news: SimpleQueue[Unit | None] = SimpleQueue()
        self._waited_s, self._drawn, self._stopped = 0.0, 0, False
        self._pool = ThreadPoolExecutor(1)
        self._table: Future[tuple[gpd.GeoDataFrame, float]] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._table = self._pool.submit(self._draw)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, whatever is left."""
        self._stopped = True
        self._news.put(None)
        self._pool.shutdown()

    def add(self, unit: Unit) -> None:
        """Tell of a unit whose result is on the disk."""
        self._news.put(unit)

    def finish(self, done: Iterable[Unit], progress: Progress = SILENT) -> tuple[gpd.GeoDataFrame, float]:
        """Return the footprints of all units that there will be, and the seconds that drawing took.

        Args:
            done: These units; those that were told before may be among them.
            progress: Told of units that are drawn.
        """
        if self._table is None:
            raise RuntimeError("Outlining: not begun; enter its context")
        whole = list(done)
        for unit in [*whole, None]:
            self._news.put(unit)
        shown = 0
        with progress.stage("outline", total=len(whole), unit="units") as advance:
            while shown < len(whole) and not wait([self._table], timeout=_POLL_S).done:
                drawn = self._drawn
                advance(drawn - shown)
                shown = drawn
            table = self._table.result()
            advance(len(whole) - shown)
        return table

    def _draw(self) -> tuple[gpd.GeoDataFrame, float]:
        started, job = time.perf_counter(), self._job
        settled = settle(self._strips(), cols=job.layout.seams[1], reach_px=REACH_M / job.grid.gsd_m)
        table = footprints_of(settled, grid=job.grid, calibrations=job.contract.object_calibrations)
        return table, time.perf_counter() - started - self._waited_s

    def _strips(self) -> Iterator[tuple[dict[str, Components], range]]:
        by_row: dict[int, list[Unit]] = {}
        for unit in self._job.layout.units:
            by_row.setdefault(unit.window.row, []).append(unit)
        done: set[Unit] = set()
        for row, units in sorted(by_row.items()):
            self._await(units, done)
            if there := [unit for unit in units if unit in done]:
                traced = [self._files.components(unit) for unit in there]
                joined = {name: Components.concatenate(each[name] for each in traced) for name in traced[0]}
                yield joined, range(row, row + units[0].window.height)
                self._drawn += len(there)

    def _await(self, units: Iterable[Unit], done: set[Unit]) -> None:
        """Hear of units until all of these are done, or there will be no more."""
        started = time.perf_counter()
        while not done.issuperset(units) and (unit := self._news.get()) is not None:
            done.add(unit)
        if self._stopped:
            raise CancelledError
        if not done.issuperset(units):
            # The rows below are to hear of the end too.
            self._news.put(None)
        self._waited_s += time.perf_counter() - started
