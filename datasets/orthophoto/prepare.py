"""Tiles written anew once, so that every later run reads them faster: a folder of COGs."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from vigibati.configs.atomic_files import check_writable
from vigibati.configs.errors import OutputError, RasterError, SettingsError
from vigibati.configs.paths import StrPath, StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.orthophoto.find_tiles import find_tiles
from vigibati.datasets.orthophoto.safe_open import open_raster
from vigibati.datasets.orthophoto.transcode import Coding, is_finished, transcode

# Below it, rounding can turn black, which is no image, into almost black, which is one.
_LOWEST_QUALITY = 75


@dataclass(frozen=True, slots=True)
class PreparedTile:
    """One tile.

    Attributes:
        source: File it is made of.
        target: File it is written to.
        megapixels: Its size, in millions of pixels.
        source_bytes: Size of the source.
        target_bytes: Size of the COG; None where there is none.
        state: kept = finished in an earlier run; planned = to be written, of a dry run.
        problem: Why it failed, one line.
    """

    source: Path
    target: Path
    megapixels: float
    source_bytes: int
    target_bytes: int | None
    state: Literal["kept", "planned", "written", "failed"]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PrepareReport:
    """What `prepare` did, or would do.

    Attributes:
        written: Number of tiles written.
        kept: Number of tiles that were finished before.
        planned: Number of tiles that are to be written.
        failed: Why tiles could not be written, one line each.
        megapixels: Size of all tiles, in millions of pixels.
        source_bytes: Size of all sources.
        target_bytes: Size of the COGs that are there.
        seconds: Time it took.
        tiles: All tiles, in their order.
    """

    written: int
    kept: int
    planned: int
    failed: tuple[str, ...]
    megapixels: float
    source_bytes: int
    target_bytes: int
    seconds: float
    tiles: tuple[PreparedTile, ...]


def prepare(
    sources: StrPaths,
    *,
    out: StrPath,
    lossless: bool = False,
    quality: int = 90,
    crs: str | None = None,
    workers: int = 1,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> PrepareReport:
    """Write every tile anew as a COG of the same name in a folder, each whole or not at all.

    A tile that is there already is kept when its tags say that it was made of the same source, by
    size and time of change, in the same way: what was interrupted goes on. A tile that fails does not
    stop the others.

    Args:
        sources: GeoTIFF or JPEG 2000 files, folders and lists of them.
        out: Folder to fill.
        lossless: Nothing is lost in 8-bit colour images either; otherwise they become JPEG.
        quality: Quality of that JPEG, 75 to 100.
        crs: CRS of tiles that carry none, written into the COGs.
        workers: Tiles worked on at once, each in a process of its own.
        dry_run: Nothing is written.
        progress: Told of finished megapixels.

    Raises:
        RasterError: A source cannot be used by its first bytes or sizes.
        OutputError: Two sources have one name, one lies in ``out``, or ``out`` cannot be written to.
        SettingsError: ``quality`` or ``workers`` is out of range.
    """
    started = time.perf_counter()
    if not _LOWEST_QUALITY <= quality <= 100:  # noqa: PLR2004 - the scale of JPEG ends there
        raise SettingsError("--quality", f"{quality} is not from 75 to 100", "90 is a good value")
    if workers < 1:
        raise SettingsError("--workers", f"{workers} is none", "give 1 or more")
    coding = Coding(None if lossless else quality, crs)
    tiles = _planned(find_tiles(as_paths(sources)), Path(out), coding)
    if not dry_run:
        tiles = _written(tiles, coding, workers, progress)
    states = Counter(tile.state for tile in tiles)
    return PrepareReport(
        written=states["written"],
        kept=states["kept"],
        planned=states["planned"],
        failed=tuple(tile.problem for tile in tiles if tile.state == "failed"),
        megapixels=sum(tile.megapixels for tile in tiles),
        source_bytes=sum(tile.source_bytes for tile in tiles),
        target_bytes=sum(tile.target_bytes or 0 for tile in tiles),
        seconds=time.perf_counter() - started,
        tiles=tuple(tiles),
    )


def _planned(sources: Sequence[Path], out: Path, coding: Coding) -> list[PreparedTile]:
    targets: dict[Path, Path] = {}
    for source in sources:
        target = out / f"{source.stem}.tif"
        if target in targets:
            cause = f"would be made of both {targets[target]} and {source}"
            raise OutputError(target, cause, "prepare them into different folders")
        if target.resolve() == source.resolve():
            raise OutputError(target, "is a source itself", "choose another folder for --out")
        targets[target] = source
    check_writable(out / "tile.tif")
    return [_plan(source, target, coding) for target, source in targets.items()]


def _plan(source: Path, target: Path, coding: Coding) -> PreparedTile:
    with open_raster(source) as dataset:
        megapixels = dataset.width * dataset.height / 1e6
    size, finished = source.stat().st_size, is_finished(target, source, coding)
    target_bytes = target.stat().st_size if finished else None
    return PreparedTile(source, target, megapixels, size, target_bytes, "kept" if finished else "planned")


def _written(
    tiles: Sequence[PreparedTile], coding: Coding, workers: int, progress: Progress
) -> list[PreparedTile]:
    done = {tile.target: tile for tile in tiles}
    waiting = [tile for tile in tiles if tile.state == "planned"]
    total = sum(tile.megapixels for tile in waiting)
    with progress.stage("prepare", total=total, unit="Mpx") as advance:
        for tile in _side_by_side(waiting, coding, workers):
            done[tile.target] = tile
            advance(tile.megapixels)
    return [done[tile.target] for tile in tiles]


def _side_by_side(tiles: Sequence[PreparedTile], coding: Coding, workers: int) -> Iterator[PreparedTile]:
    if workers == 1 or len(tiles) < 2:  # noqa: PLR2004 - one tile needs no second process
        yield from (_write(tile, coding) for tile in tiles)
        return
    # Fresh processes: a copy of one with threads may wait forever for a lock that none of them holds.
    context = multiprocessing.get_context("spawn")
    # Ctrl-C reaches all of them; they finish their tile, and this process gives them no other.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    pool = ProcessPoolExecutor(min(workers, len(tiles)), context, initializer=signal.signal, initargs=ignore)
    try:
        futures: list[Future[PreparedTile]] = [pool.submit(_write, tile, coding) for tile in tiles]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        cause = "a process was killed, perhaps for lack of memory"
        cure = "start again with fewer --workers; finished tiles are kept"
        raise OutputError("prepare", cause, cure) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _write(tile: PreparedTile, coding: Coding) -> PreparedTile:
    try:
        transcode(tile.source, tile.target, coding)
    except RasterError as error:
        return replace(tile, state="failed", problem=str(error))
    return replace(tile, state="written", target_bytes=tile.target.stat().st_size)
