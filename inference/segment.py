"""From an orthophoto to a raster of probabilities, window by window in constant memory."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import rasterio.windows
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from vigibati.configs.errors import CheckpointError, OutputError, RasterError
from vigibati.configs.files import whole_file
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.grid import Window
from vigibati.datasets.ortho import Orthophoto
from vigibati.inference.checkpoint import Checkpoint
from vigibati.inference.device import Device
from vigibati.inference.predictor import NO_IMAGE, Predictor

_BLOCK_PX = 512
# As far from its own pixel size as an orthophoto is taken unchanged, and a hair more.
_GSD_TOLERANCE = 0.101
# Encoders halve the picture five times. Windows start on multiples of it, so that the pooling
# of every window falls on the same pixels of the ground.
_STRIDE_PX = 32


@dataclass(frozen=True, slots=True)
class SegmentReport:
    """What a segmentation did.

    Attributes:
        megapixels: Size of the raster, in millions of pixels.
        no_image_share: Share of it without an image, 0-1.
        seconds: Wall clock.
        device: Where the network ran.
        windows: Windows that the network saw; windows without any image are skipped.
        failed_windows: For each window that could not be read, and counts as no image, where it
            lies and why.
    """

    megapixels: float
    no_image_share: float
    seconds: float
    device: str
    windows: int
    failed_windows: tuple[str, ...]

    @property
    def mpx_per_s(self) -> float:
        """Millions of pixels per second, no-image included."""
        return self.megapixels / self.seconds if self.seconds else 0.0


def segment(
    ortho: Orthophoto,
    checkpoint: Checkpoint,
    out: Path,
    *,
    device: Device,
    window_px: int = 1024,
    progress: Progress = SILENT,
) -> SegmentReport:
    """Write the probability of every class for every pixel of an orthophoto.

    Each window is read with the margin of the contract on every side and only its core is kept, so
    that the result does not depend on the window size as long as the network sees no further than
    its margin. Beyond the grid the image is mirrored.

    Args:
        ortho: Orthophoto at the resolution of the contract.
        checkpoint: Network and contract.
        out: Cloud-optimised GeoTIFF on the grid of ``ortho``, uint8, one band per class: 0-254 for
            probabilities 0-1, 255 for no image; the tags ``VIGIBATI_MODEL`` and
            ``VIGIBATI_THRESHOLDS`` say by which model and from which probability on. That of a
            calibrated model has ``VIGIBATI_CALIBRATION`` too: for each class the slope and the
            offset that turn the mean over an object into a frequency.
        device: Where the network runs, and how.
        window_px: About how large a window is with its margins; larger is faster, and takes more memory.
        progress: Told of finished megapixels.

    Raises:
        CheckpointError: The network does not fit the contract or gives something else than numbers.
        RasterError: The orthophoto was opened at another resolution, or nothing of it can be read.
        OutputError: The file cannot be written.
    """
    _check_fit(ortho, checkpoint)
    started = time.perf_counter()
    with whole_file(out) as whole, TemporaryDirectory(prefix=".vigibati-", dir=out.parent) as work:
        stage, finished = Path(work) / "stage.tif", Path(work) / "finished.tif"
        try:
            tally = _write_stage(stage, ortho, checkpoint, device, window_px, progress)
            _to_cog(stage, finished)
        except RasterioError as error:
            raise OutputError(out, f"cannot be written ({error})", "see that the disk has room") from error
        finished.replace(whole)
    return SegmentReport(
        megapixels=ortho.grid.width * ortho.grid.height / 1e6,
        no_image_share=tally.no_image / (ortho.grid.width * ortho.grid.height),
        seconds=time.perf_counter() - started,
        device=str(device),
        windows=tally.windows,
        failed_windows=tuple(tally.failed),
    )


@dataclass(slots=True)
class _Tally:
    windows: int = 0
    no_image: int = 0
    failed: list[str] = field(default_factory=list)


def _check_fit(ortho: Orthophoto, checkpoint: Checkpoint) -> None:
    bands, gsd_m = checkpoint.contract.bands, checkpoint.contract.gsd_m
    if bands != ("red", "green", "blue"):
        cause = f"needs the bands {', '.join(bands)}, images are read as red, green, blue"
        raise CheckpointError(checkpoint.folder, cause, "use a model of these three bands")
    if abs(ortho.grid.gsd_m / gsd_m - 1) > _GSD_TOLERANCE:
        cause = f"was opened at {ortho.grid.gsd_m:.3f} m per pixel, the model needs {gsd_m:.3f} m"
        raise RasterError(ortho.paths[0], cause, f"open it with gsd_m={gsd_m}")


def _write_stage(
    stage: Path,
    ortho: Orthophoto,
    checkpoint: Checkpoint,
    device: Device,
    window_px: int,
    progress: Progress,
) -> _Tally:
    grid, margin = ortho.grid, math.ceil(checkpoint.contract.margin_px / _STRIDE_PX) * _STRIDE_PX
    predictor = Predictor(checkpoint, device)
    tally = _Tally()
    with (
        rasterio.open(stage, "w", **_profile(ortho, checkpoint)) as target,
        progress.stage("segment", total=grid.width * grid.height / 1e6, unit="Mpx") as advance,
    ):
        _describe(target, checkpoint)
        for core in _cores(grid.width, grid.height, margin, window_px):
            try:
                values, valid = _read_padded(ortho, core, margin)
            except RasterError as error:
                # One damaged block must not cost the rest of a night's work, nor pass unseen.
                tally.failed.append(f"column {core.col}, row {core.row}: {error}")
                values, valid = None, np.zeros((core.height, core.width), dtype=np.bool_)
            quantised = np.full((target.count, *valid.shape), NO_IMAGE, dtype=np.uint8)
            if values is not None and valid.any():
                seen = predictor.predict(values[None])[0, :, margin:, margin:][:, : core.height, : core.width]
                np.copyto(quantised, seen, where=valid)
                tally.windows += 1
            tally.no_image += int(np.count_nonzero(~valid))
            place = rasterio.windows.Window(core.col, core.row, core.width, core.height)
            target.write(quantised, window=place)
            advance(core.width * core.height / 1e6)
    if tally.failed and not tally.windows:
        raise RasterError(
            "orthophoto", f"no window of it can be read ({tally.failed[0]})", "replace the file"
        )
    return tally


def _cores(width: int, height: int, margin: int, window_px: int) -> Iterator[Window]:
    """Yield the parts that windows leave behind: whole blocks of the output, row by row."""
    side = max(1, round((window_px - 2 * margin) / _BLOCK_PX)) * _BLOCK_PX
    for row in range(0, height, side):
        for col in range(0, width, side):
            yield Window(col, row, min(side, width - col), min(side, height - row))


def _read_padded(ortho: Orthophoto, core: Window, margin: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read a core with its margins, mirrored beyond the grid, and where the core has an image."""
    columns = _mirrored(core.col, core.width, margin, ortho.grid.width)
    rows = _mirrored(core.row, core.height, margin, ortho.grid.height)
    left, top = int(columns.min()), int(rows.min())
    inside = Window(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)
    pixels = ortho.read(inside)
    values = pixels.values[:, (rows - top)[:, None], (columns - left)[None, :]]
    valid = pixels.valid[
        core.row - top : core.row - top + core.height, core.col - left : core.col - left + core.width
    ]
    return values, valid


def _mirrored(start: int, length: int, margin: int, size: int) -> NDArray[np.intp]:
    """Return the pixels of an axis under a core and its margins, up to a multiple of the stride."""
    padded = math.ceil(length / _STRIDE_PX) * _STRIDE_PX + 2 * margin
    along = np.arange(start - margin, start - margin + padded, dtype=np.intp) % (2 * size)
    mirrored = np.where(along < size, along, 2 * size - 1 - along)
    # The filling up to the stride lies beyond every margin: it only must not widen the window.
    return np.maximum(mirrored, max(0, start - margin))


def _profile(ortho: Orthophoto, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "width": ortho.grid.width,
        "height": ortho.grid.height,
        "count": len(checkpoint.contract.class_names),
        "dtype": "uint8",
        "nodata": NO_IMAGE,
        "crs": ortho.grid.crs.to_wkt(),
        "transform": ortho.grid.transform,
        "tiled": True,
        "blockxsize": _BLOCK_PX,
        "blockysize": _BLOCK_PX,
        "interleave": "band",
        "compress": "deflate",
        "zlevel": 1,
        "bigtiff": "if_safer",
        "photometric": "minisblack",
    }


def _describe(target: Any, checkpoint: Checkpoint) -> None:  # noqa: ANN401 - rasterio has no types
    contract = checkpoint.contract
    thresholds = dict(zip(contract.class_names, contract.thresholds, strict=True))
    target.update_tags(VIGIBATI_MODEL=contract.name, VIGIBATI_THRESHOLDS=json.dumps(thresholds))
    if contract.calibrations is not None:
        pairs = [(each.object_slope, each.object_offset) for each in contract.calibrations]
        calibrations = dict(zip(contract.class_names, pairs, strict=True))
        target.update_tags(VIGIBATI_CALIBRATION=json.dumps(calibrations))
    for band, name in enumerate(contract.class_names, start=1):
        target.set_band_description(band, name)


def _to_cog(stage: Path, finished: Path) -> None:
    rasterio.shutil.copy(
        stage,
        finished,
        driver="COG",
        COMPRESS="DEFLATE",
        BLOCKSIZE=_BLOCK_PX,
        OVERVIEW_RESAMPLING="AVERAGE",
        BIGTIFF="IF_SAFER",
    )
