"""Who hears how far a run is: a person at a terminal, or the log of a job. All of it goes to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.workflow.json_output import three_digits

_EVERY_S = 60.0


class BarProgress:
    """Shows stages as bars with rate and remaining time."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    @contextmanager
    def stage(self, name: str, total: float, unit: str, *, km2: float | None = None) -> Iterator[Advance]:
        """Show one stage until the block ends."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            _Rate(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Bars(*columns, console=self._console) as bars:
            task = bars.add_task(name, total=total, unit=unit, km2=km2)
            yield lambda amount: bars.update(task, advance=amount)


class LineProgress:
    """Writes a line about a stage every minute and at its end: bars would leave nothing readable in a log.

    Args:
        every_s: At most one line in so many seconds while a stage lasts.
    """

    def __init__(self, *, every_s: float = _EVERY_S) -> None:
        self._every_s = every_s

    @contextmanager
    def stage(self, name: str, total: float, unit: str, *, km2: float | None = None) -> Iterator[Advance]:
        """Tell of one stage until the block ends."""
        begun, done, lock = time.monotonic(), 0.0, Lock()
        told = begun

        def advance(amount: float) -> None:
            nonlocal done, told
            with lock:
                done += amount
                now = time.monotonic()
                if now - told < self._every_s:
                    return
                told = now
                speed = done / (now - begun)
                left = f", {_clock((total - done) / speed)} left" if speed else ""
                _write(f"{name}: {_advance(done, total, unit, speed, km2)}{left}")

        yield advance
        took = time.monotonic() - begun
        _write(f"{name}: {_advance(done, total, unit, done / max(took, 1e-9), km2)}, took {_clock(took)}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show finished and total units, and the rate; of ground in km²/h too."""
        unit, km2 = task.fields["unit"], task.fields["km2"]
        return Text(_advance(task.completed, task.total or 0.0, unit, task.finished_speed or task.speed, km2))


def listener(*, silent: bool) -> Progress:
    """Return who listens to the stages: nobody, bars on a terminal, or lines in a file."""
    if silent:
        return SILENT
    return BarProgress() if sys.stderr.isatty() else LineProgress()


def _advance(done: float, total: float, unit: str, speed: float | None, km2: float | None) -> str:
    rate = f" at {speed:.2f} {unit}/s" if speed else ""
    ground = f", {three_digits(3600 * speed * km2 / total)} km²/h" if speed and km2 and total else ""
    return f"{done:.4g}/{total:.4g} {unit}{rate}{ground}"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(max(seconds, 0.0))))


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
