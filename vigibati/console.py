"""What a person or a machine sees of a run: progress on stderr, the result on stdout."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.text import Text

from vigibati.configs.progress import SILENT, Advance, Progress


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Show finished and total units, and the rate; of ground in km²/h too."""
        unit, km2 = task.fields["unit"], task.fields["km2"]
        speed = task.finished_speed or task.speed
        rate = f" at {speed:.2f} {unit}/s" if speed else ""
        ground = (
            f", {three_digits(3600 * speed * km2 / task.total)} km²/h" if speed and km2 and task.total else ""
        )
        return Text(f"{task.completed:.4g}/{task.total:.4g} {unit}{rate}{ground}")


class BarProgress:
    """Shows stages as bars with rate and remaining time, on stderr."""

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


def as_json(report: object) -> str:
    """Return a report as indented JSON that every parser reads.

    Dataclasses become objects, paths and dates text, numpy's numbers plain ones; a number that is not
    finite becomes null, because JSON has no word for it, and others show twelve digits, behind which
    binary fractions leave a trail such as 2.2499999999999996.
    """
    return json.dumps(_plain(report), indent=2, ensure_ascii=False, allow_nan=False, default=str)


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    return value


def three_digits(value: float) -> str:
    """Return a number with three digits, or all of those before the point: never with an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- from there on it has three


def listener(*, silent: bool) -> Progress:
    """Return who listens to the stages: nobody, or the bars on stderr."""
    return SILENT if silent else BarProgress()
