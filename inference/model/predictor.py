"""The network at work: from 8-bit pixels to 8-bit probabilities."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vigibati.configs.errors import CheckpointError
from vigibati.inference.model.batch_size import Batches
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.inference_network import InferenceNetwork, Readout
from vigibati.inference.model.openvino_engine import EXAMPLE_PX, OpenVinoEngine

# Of 1216 x 2240 pixels: 32 of them are 250 MB before the network has computed anything.
_BATCH_SIZE = 32


class Predictor:
    """A checkpoint's network on its device; it stays there.

    Args:
        checkpoint: Network and contract; the network is copied.
        device: Where it runs, and how.

    Attributes:
        device: Where it runs, and how.
        classes: Number of classes.
        batch_size: Windows that are worth handing over at once; more only take memory.
    """

    def __init__(self, checkpoint: Checkpoint, device: Device) -> None:
        contract = checkpoint.contract
        on_card = device.torch_device.type == "cuda"
        if on_card:
            # By default cuDNN rounds what convolutions take in to 10 bits (TF32) and calls it float32.
            torch.backends.cudnn.allow_tf32 = False
        self.device = device
        self.classes = len(contract.class_names)
        self._folder = checkpoint.folder
        self._planes = self.classes + contract.contour
        self._torch_device = device.torch_device
        self._network = InferenceNetwork(checkpoint.network, contract, half=device.half).to(
            device.torch_device
        )
        self._readout = Readout(contract).to(device.torch_device)
        self._openvino: OpenVinoEngine | None = None
        if device.openvino:
            self.logits(np.zeros((len(contract.bands), EXAMPLE_PX, EXAMPLE_PX), dtype=np.uint8))
            self._openvino = OpenVinoEngine(self._network, contract)
        # On a CPU one window keeps all cores busy, and several only push each other out of the cache.
        self.batch_size = _BATCH_SIZE if on_card else 1
        self._batches = Batches(str(device), largest=_BATCH_SIZE if on_card else 1)

    def predict(self, windows: NDArray[np.uint8], *, crop_px: int = 0) -> NDArray[np.uint8]:
        """Return quantised probabilities of windows.

        Args:
            windows: (N, bands, H, W), 0-255, H and W multiples of 32, N at least 1.
            crop_px: Pixels that are cut off on each side.

        Returns:
            (N, classes, H - 2 crop_px, W - 2 crop_px), 0-254 for probabilities 0-1.

        Raises:
            CheckpointError: As ``logits``.
            DeviceError: The device's memory does not hold one window.
        """
        step = self._by_torch if self._openvino is None else partial(self._by_openvino, self._openvino)
        return self._batches.run(partial(step, crop_px=crop_px), windows)

    def logits(self, values: NDArray[np.uint8]) -> Tensor:
        """Return what the network says of one window, before any calibration; always through torch.

        Args:
            values: (bands, H, W), 0-255, H and W multiples of 32.

        Returns:
            (classes, H, W) float32, on the device.

        Raises:
            CheckpointError: The network gives another shape than its contract promises, or
                something else than finite numbers.
        """
        logits = self._logits(values[None])
        self._check_finite(float(logits.sum()))
        return logits[0, : self.classes]

    def _by_torch(self, batch: NDArray[np.uint8], *, crop_px: int) -> NDArray[np.uint8]:
        with torch.no_grad():
            probabilities, total = self._readout(self._logits(batch))
        rows, columns = (slice(crop_px, size - crop_px) for size in batch.shape[2:])
        result: NDArray[np.uint8] = probabilities[:, :, rows, columns].cpu().numpy()
        self._check_finite(float(total))
        return result

    def _by_openvino(
        self, engine: OpenVinoEngine, batch: NDArray[np.uint8], *, crop_px: int
    ) -> NDArray[np.uint8]:
        probabilities, total = engine(batch)
        self._check_finite(total)
        rows, columns = (slice(crop_px, size - crop_px) for size in batch.shape[2:])
        return probabilities[:, :, rows, columns]

    # Not inference_mode: a network that it has touched cannot be converted for OpenVINO.
    @torch.no_grad()
    def _logits(self, batch: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(batch))
        if self._torch_device.type == "cuda":
            pixels = pixels.pin_memory().to(self._torch_device, non_blocking=True)
        logits: Tensor = self._network(pixels)
        promised = (len(batch), self._planes, *batch.shape[2:])
        if tuple(logits.shape) != promised:
            cause = f"the network gives {tuple(logits.shape)}, its contract promises {promised}"
            raise CheckpointError(self._folder, cause, "use a checkpoint written by 'vigibati train'")
        return logits

    def _check_finite(self, total: float) -> None:
        if not math.isfinite(total):
            cause = "the network gives something else than finite numbers"
            raise CheckpointError(self._folder, cause, "train it anew, its weights are broken")
