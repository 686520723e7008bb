"""The pipeline of one process: read, infer and finish units side by side, each pixel once."""

from __future__ import annotations

import ctypes
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.errors import VigibatiError
from vigibati.datasets.encoding import NO_IMAGE
from vigibati.datasets.grid import Pixels, Window
from vigibati.datasets.orthophoto.strip_reader import StripReader
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.tiling import Layout, Unit
from vigibati.inference.segmentation.unit_files import UnitFiles, UnitResult

# Strips read and units finished beside the one that is inferred: one each keeps all stages busy.
_AHEAD = 1
_UNREAD: Mapping[str, Any] = {"damaged": [], "blocks_decoded": 0, "blocks_needed": 0, "decode_s": 0.0}


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What a process needs to work on units.

    Attributes:
        layout: How the grid is cut.
        reader: Of the orthophoto.
        predictor: The network on its device.
        files: Where results go.
        area_mask: (rows, columns) of cores, True where somebody wants to know; everywhere when None.
    """

    layout: Layout
    reader: StripReader
    predictor: Predictor
    files: UnitFiles
    area_mask: NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work on a unit ended.

    Attributes:
        unit: The unit.
        cause: Why it came to nothing; None when its result is on the disk.
        report: Counts of pixels (``skipped_px``, ``no_image_px``), ``windows`` that the network saw,
            ``damaged`` places, blocks decoded and needed, and the seconds of each stage; empty when it
            came to nothing.
    """

    unit: Unit
    cause: str | None
    report: Mapping[str, Any]


def work_through(
    units: Iterable[Unit], context: WorkerContext, *, begin: Callable[[Unit], None] = lambda _: None
) -> Iterator[Outcome]:
    """Work on units in the order given; neighbours in a row share their margins.

    While the network sees one strip, the next one is read and the one before is written and traced.
    A unit that fails does not stop the others.

    Args:
        units: What is to be done.
        context: With what.
        begin: Told of every unit before any work on it.

    Raises:
        VigibatiError: Something that would fail every other unit too: a broken network, a full disk.
    """
    todo, ahead, behind = iter(units), deque[_Reading](), deque[_Finishing]()
    with ThreadPoolExecutor(1) as reading, ThreadPoolExecutor(1) as finishing:

        def read_ahead() -> None:
            while len(ahead) < _AHEAD and (unit := next(todo, None)) is not None:
                begin(unit)
                ahead.append((unit, reading.submit(_read, unit, context)))

        read_ahead()
        while ahead:
            unit, strip = ahead.popleft()
            read_ahead()
            try:
                result = _infer(unit, strip.result(), context)
            except VigibatiError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this unit's alone until proven otherwise
                yield _failed(unit, error)
                continue
            behind.append((unit, finishing.submit(context.files.write, unit, result)))
            del strip, result
            _trim_heap()
            while len(behind) > _AHEAD:
                yield _finished(*behind.popleft())
        while behind:
            yield _finished(*behind.popleft())


@dataclass(frozen=True, slots=True)
class _Strip:
    """What was read for a unit.

    Attributes:
        window: Of the pixels on the grid: the unit with its margins.
        pixels: What the image shows there.
        cores: Those of the unit that are wanted.
        report: Places that could not be read (``damaged``), blocks that were decoded and how many of
            them were needed, seconds.
    """

    window: Window
    pixels: Pixels
    cores: tuple[Window, ...]
    report: Mapping[str, Any]


_Reading = tuple[Unit, "Future[_Strip | None]"]
_Finishing = tuple[Unit, "Future[Mapping[str, Any]]"]


def _failed(unit: Unit, error: Exception) -> Outcome:
    return Outcome(unit, f"{type(error).__name__}: {error}", {})


def _finished(unit: Unit, writing: Future[Mapping[str, Any]]) -> Outcome:
    try:
        return Outcome(unit, None, writing.result())
    except VigibatiError:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(unit, error)


def _read(unit: Unit, context: WorkerContext) -> _Strip | None:
    """Read a unit with its margins; None where nobody wants to know of it."""
    started = time.perf_counter()
    layout, reader = context.layout, context.reader
    cores = tuple(core for core in layout.cores(unit) if _in_area(core, context))
    if not cores:
        return None
    seen = [layout.with_margins(core) for core in cores]
    before = (len(reader.damaged), reader.blocks_decoded, reader.blocks_needed)
    window = layout.with_margins(unit.window)
    pixels = reader.read(window, [(each.col, each.col + each.width) for each in seen])
    report = {
        "damaged": reader.damaged[before[0] :],
        "blocks_decoded": reader.blocks_decoded - before[1],
        "blocks_needed": reader.blocks_needed - before[2],
        "decode_s": time.perf_counter() - started,
    }
    return _Strip(window, pixels, cores, report)


def _in_area(core: Window, context: WorkerContext) -> bool:
    return context.area_mask is None or bool(context.area_mask[context.layout.core_index(core)])


def _infer(unit: Unit, strip: _Strip | None, context: WorkerContext) -> UnitResult:
    started = time.perf_counter()
    window = unit.window
    planes = np.full((context.predictor.classes, window.height, window.width), NO_IMAGE, dtype=np.uint8)
    asked_px, shown_px, windows = 0, 0, 0
    if strip is not None:
        shown = {core: _part(strip.pixels.valid, core, strip.window) for core in strip.cores}
        asked_px = sum(valid.size for valid in shown.values())
        shown_px = sum(int(np.count_nonzero(valid)) for valid in shown.values())
        cores = [core for core, valid in shown.items() if valid.any()]
        windows = len(cores)
        for core, seen in _predicted(cores, strip, context):
            np.copyto(_part(planes, core, window), seen, where=shown[core])
    return UnitResult(
        planes=planes,
        no_image=_no_image_around(unit, strip, context),
        report={
            "skipped_px": window.width * window.height - asked_px,
            "no_image_px": asked_px - shown_px,
            "windows": windows,
            "infer_s": time.perf_counter() - started,
            **(_UNREAD if strip is None else strip.report),
        },
    )


def _predicted(
    cores: Sequence[Window], strip: _Strip, context: WorkerContext
) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
    """Yield cores with what the network says of them; those of one shape go to it together."""
    batch_size = context.predictor.batch_size
    for start in range(0, len(cores), batch_size):
        some = cores[start : start + batch_size]
        for width in dict.fromkeys(core.width for core in some):
            alike = [core for core in some if core.width == width]
            pixels = np.stack([_with_margins(core, strip, context.layout) for core in alike])
            seen = context.predictor.predict(pixels, crop_px=context.layout.margin_px)
            for core, each in zip(alike, seen, strict=True):
                yield core, each[:, : core.height, : core.width]


def _with_margins(core: Window, strip: _Strip, layout: Layout) -> NDArray[np.uint8]:
    """Return the pixels under a core and its margins, mirrored beyond the grid."""
    rows, columns = layout.padded(core)
    across = _taken(strip.pixels.values, rows - strip.window.row, axis=1)
    return _taken(across, columns - strip.window.col, axis=2)


def _taken(values: NDArray[np.uint8], indices: NDArray[np.intp], *, axis: int) -> NDArray[np.uint8]:
    """Return the rows or columns of these indices; a view where these follow each other."""
    if (np.diff(indices) == 1).all():
        return values[(slice(None),) * axis + (slice(indices[0], indices[-1] + 1),)]
    return np.take(values, indices, axis=axis)


def _no_image_around(unit: Unit, strip: _Strip | None, context: WorkerContext) -> NDArray[np.bool_]:
    """Return (H + 2, W + 2), True where the unit or its rim of one pixel shows nothing."""
    layout, window = context.layout, unit.window
    rim = Window(window.col - 1, window.row - 1, window.width + 2, window.height + 2)
    around = np.ones((rim.height, rim.width), dtype=np.bool_)
    if strip is None:
        return around
    col, row = max(0, rim.col), max(0, rim.row)
    right, bottom = min(layout.width, rim.col + rim.width), min(layout.height, rim.row + rim.height)
    inside = Window(col, row, right - col, bottom - row)
    np.logical_not(_part(strip.pixels.valid, inside, strip.window), out=_part(around, inside, rim))
    if context.area_mask is not None:
        rows = np.arange(row, bottom) // layout.core_rows
        columns = np.arange(col, right) // layout.core_cols
        _part(around, inside, rim)[~context.area_mask[np.ix_(rows, columns)]] = True
    return around


def _part(values: NDArray[Any], part: Window, whole: Window) -> NDArray[Any]:
    """Return the view of a window on (..., H, W) values that fill another window."""
    top, left = part.row - whole.row, part.col - whole.col
    return values[..., top : top + part.height, left : left + part.width]


def _trim_heap() -> None:
    """Give freed memory back where the C library is glibc; do nothing elsewhere.

    Arrays of some 25 MB lie in the heap, whose holes would let a process that works on strip after strip
    grow for hours without need.
    """
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
