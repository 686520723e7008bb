"""The two networks that all tools run, as checkpoints with buildings for their only class."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint

BRIGHT_FROM = 660
"""Sum of red, green and blue from which the near-free network sees a building."""
# Logits of neighbouring sums lie this far apart, so that none is near a probability of one half.
_LOGIT_PER_STEP = 0.5
# Of all windows of the peers.
_WINDOW_PX = 512


def checkpoint(name: str) -> Checkpoint:
    """Return the network ``near-free`` or ``shipped``.

    The near-free one is a convolution of 1 x 1 over brightness: what is left is what a tool does
    around its network.
    """
    shipped = load_checkpoint(shipped_checkpoint())
    # One class for all tools, and no calibration, which moves no pixel across one half.
    alone = {"class_names": ("building",), "thresholds": (0.5,), "calibrations": None, "contour": False}
    if name == "shipped":
        contract = shipped.contract.model_copy(update=alone)
        return Checkpoint(shipped.folder, contract, nn.Sequential(shipped.network, _First()).eval())
    unchanged = {"name": name, "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    contract = shipped.contract.model_copy(update=alone | unchanged)
    return Checkpoint(Path(name), contract, _brightness())


def export(name: str, folder: Path) -> None:
    """Write a network for the peers: NAME-logit.pt2 and NAME-classes.pt2, from pixels of 0-1.

    What torch.export writes runs the same operations as the network itself; TorchScript needs half
    as much time again, which would have been held against the peers.
    """
    chosen = checkpoint(name)
    logit = nn.Sequential(_Normalise(chosen.contract.mean, chosen.contract.std), chosen.network)
    batches = ({0: torch.export.Dim("batch", min=1, max=64)},)
    for kind, network in (("logit", logit), ("classes", nn.Sequential(logit, _TwoClasses()))):
        with torch.no_grad():
            example = (torch.rand(2, 3, _WINDOW_PX, _WINDOW_PX),)
            exported = torch.export.export(network.eval(), example, dynamic_shapes=batches)
        torch.export.save(exported, folder / f"{name}-{kind}.pt2")


def _brightness() -> nn.Module:
    network = nn.Conv2d(3, 1, kernel_size=1)
    nn.init.constant_(network.weight, 255 * _LOGIT_PER_STEP)
    nn.init.constant_(network.bias, -(BRIGHT_FROM - 0.5) * _LOGIT_PER_STEP)
    return network.eval()


class _First(nn.Module):
    def forward(self, planes: Tensor) -> Tensor:
        return planes[:, :1]


class _TwoClasses(nn.Module):
    """A softmax over 0 and a logit is the sigmoid of the logit."""

    def forward(self, logit: Tensor) -> Tensor:
        return torch.cat([torch.zeros_like(logit), logit], dim=1)


class _Normalise(nn.Module):
    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.std
