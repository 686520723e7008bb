"""The networks of models.py as the peers load them, without anything of VigiBâti."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn


class Network(nn.Module):
    """A file of torch.export as a module that stays in evaluation mode.

    Args:
        path: File, of windows of 512 px and any batch.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._run = torch.export.load(path).module()

    def train(self, mode: bool = True) -> Network:  # noqa: ARG002, FBT001, FBT002 - torch's own signature
        """Do nothing: exported networks refuse to change, and tools call ``eval`` on all they get."""
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """Return logits."""
        logits: Tensor = self._run(pixels)
        return logits
