"""The network at work: from 8-bit pixels to 8-bit probabilities."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vigibati.configs.errors import CheckpointError
from vigibati.inference.checkpoint import Checkpoint

NO_IMAGE = 255
"""Value of a probability raster where there is no image."""
CERTAIN = 254
"""Value of a probability raster for a probability of 1."""


class Predictor:
    """A checkpoint's network on its device; it stays there.

    Where the contract holds calibrations, the logits of each class are divided by its temperature
    before they become probabilities (Guo et al. 2017).

    Args:
        checkpoint: Network and contract.
        device: Where it runs; bfloat16 on CUDA, float32 elsewhere.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        contract = checkpoint.contract
        self._folder = checkpoint.folder
        self._classes = len(contract.class_names)
        self._planes = self._classes + contract.contour
        self._device = device
        self._network = checkpoint.network.eval().to(device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(contract.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(contract.std, device=device).view(1, -1, 1, 1)
        temperatures = [each.temperature for each in contract.calibrations or ()] or [1.0] * self._classes
        self._temperatures = torch.tensor(temperatures, device=device).view(-1, 1, 1)

    def predict(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return quantised probabilities of one window.

        Args:
            values: (bands, H, W), 0-255, H and W multiples of 32.

        Returns:
            (classes, H, W), 0-254 for probabilities 0-1.

        Raises:
            CheckpointError: As ``logits``.
        """
        calibrated = self.logits(values) / self._temperatures
        quantised = (calibrated.sigmoid() * CERTAIN).round().to(torch.uint8)
        result: NDArray[np.uint8] = quantised.cpu().numpy()
        return result

    @torch.inference_mode()
    def logits(self, values: NDArray[np.uint8]) -> Tensor:
        """Return what the network says of one window, before any calibration.

        Args:
            values: (bands, H, W), 0-255, H and W multiples of 32.

        Returns:
            (classes, H, W) float32, on the device.

        Raises:
            CheckpointError: The network gives another shape than its contract promises, or
                something else than finite numbers.
        """
        pixels = torch.from_numpy(values).to(self._device)[None].float() / 255
        pixels = ((pixels - self._mean) / self._std).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            logits: Tensor = self._network(pixels)
        wanted = (1, self._planes, *values.shape[1:])
        if tuple(logits.shape) != wanted:
            cause = f"the network gives {tuple(logits.shape)}, its contract promises {wanted}"
            raise CheckpointError(self._folder, cause, "use a checkpoint written by 'vigibati train'")
        if not bool(torch.isfinite(logits).all()):
            cause = "the network gives something else than finite numbers"
            raise CheckpointError(self._folder, cause, "train it anew, its weights are broken")
        return logits[0, : self._classes].float()
