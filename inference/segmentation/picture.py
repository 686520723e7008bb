"""A picture in memory through the network, cut into the same windows as the files of an orthophoto."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import InputError
from vigibati.configs.paths import StrPath
from vigibati.datasets.encoding import PROBABILITY_SCALE
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.run_spec import GSD_TOLERANCE
from vigibati.inference.segmentation.settings import Cut
from vigibati.inference.segmentation.tiling import Layout, lay_out


def predict(
    picture: NDArray[np.uint8],
    checkpoint: StrPath | Checkpoint | None = None,
    *,
    gsd_m: float,
    device: str = "auto",
) -> NDArray[np.float32]:
    """Return the probability of every class for every pixel of a picture in memory.

    The values are those that ``segment`` writes for a file of these pixels. Every pixel counts as image, a
    black one too. Making a network ready takes seconds; that of the last call is kept, so that pictures one
    after the other are best predicted with one checkpoint that is read already.

    Args:
        picture: (H, W, bands) uint8, 0 = dark to 255 = bright, the first row in the north; the bands are
            those of the checkpoint's contract, in its order: red, green, blue for the shipped one.
        checkpoint: Network and contract, or their folder; the shipped ones when None.
        gsd_m: Metres on the ground per pixel of the picture; within a tenth of the contract's.
        device: auto, cpu, cuda or openvino.

    Returns:
        (classes, H, W) float32: 0 = surely not, 1 = surely of this class, in steps of 1/254. The classes are
        those of ``contract.class_names``, in that order, and independent of each other. Calibrated where
        the contract holds calibrations; a pixel counts as found from ``contract.thresholds`` on.

    Raises:
        InputError: The array is no such picture, or its pixels have another size on the ground.
        CheckpointError: The checkpoint cannot be used.
        DeviceError: The device is not there.
    """
    model = checkpoint if isinstance(checkpoint, Checkpoint) else load_checkpoint(checkpoint)
    _check(picture, model.contract, gsd_m)
    height, width, _ = picture.shape
    cut = Cut()
    layout = lay_out(
        width=width,
        height=height,
        margin_px=model.contract.margin_px,
        core_rows=cut.rows,
        core_cols=cut.columns,
    )
    return _predicted(picture, _ready(model, device), layout)


@lru_cache(maxsize=1)
def _ready(checkpoint: Checkpoint, device: str) -> Predictor:
    return Predictor(checkpoint, Device.choose(device))


def _predicted(picture: NDArray[np.uint8], predictor: Predictor, layout: Layout) -> NDArray[np.float32]:
    values = picture.transpose(2, 0, 1)  # (bands, H, W)
    probabilities = np.empty((predictor.classes, layout.height, layout.width), dtype=np.float32)
    for unit in layout.units:
        for core in layout.cores(unit):
            rows_seen, columns_seen = layout.padded(core)
            window = values[:, rows_seen[:, None], columns_seen]
            (seen,) = predictor.predict(window[None], crop_px=layout.margin_px)
            rows, columns = slice(core.row, core.row + core.height), slice(core.col, core.col + core.width)
            np.divide(
                seen[:, : core.height, : core.width],
                np.float32(PROBABILITY_SCALE),
                out=probabilities[:, rows, columns],
            )
    return probabilities


def _check(picture: NDArray[np.uint8], contract: ModelContract, gsd_m: float) -> None:
    wanted = f"(H, W, {len(contract.bands)}) uint8 of {', '.join(contract.bands)}"
    if picture.ndim != 3 or picture.shape[2] != len(contract.bands) or not picture.size:  # noqa: PLR2004
        raise InputError("picture", f"is an array of shape {picture.shape}", f"give {wanted}")
    if picture.dtype != np.uint8:
        raise InputError("picture", f"holds {picture.dtype}", f"give {wanted}")
    if not abs(gsd_m / contract.gsd_m - 1) <= GSD_TOLERANCE:
        cause = f"has {gsd_m:g} m per pixel, the model needs {contract.gsd_m:g} m"
        raise InputError("picture", cause, "resample it, or give its file to segment, which does")
