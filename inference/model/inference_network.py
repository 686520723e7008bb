"""A network made ready for work: folded, cut where its precision changes, from pixels to probabilities."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from vigibati.configs.contract import ModelContract
from vigibati.datasets.encoding import PROBABILITY_SCALE

_LOG = logging.getLogger(__name__)


class InferenceNetwork(nn.Module):
    """A copy of a network for inference: 8-bit pixels in, logits out.

    Rounding hurts early and hardly late. In the shipped network bfloat16 moves probabilities by up
    to 0.17 when the encoder uses it and by about 0.01 when only decoder and head do, where most
    of the work is (benchmarks/engines.py). So the encoder computes in float32 whatever follows.

    Args:
        network: Normalised pixels to logits; without the three parts of segmentation-models-pytorch
            all of it counts as encoder.
        contract: Its contract.
        half: True = decoder and head compute in bfloat16.
    """

    def __init__(self, network: nn.Module, contract: ModelContract, *, half: bool) -> None:
        super().__init__()
        folded = fold_batch_norms(network)
        self.front = _Front(folded, contract)
        self.back = _Back(folded, half=half)
        self.to(memory_format=torch.channels_last)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (N, bands, H, W) uint8 to logits (N, planes, H, W) float32."""
        logits: Tensor = self.back(*self.front(pixels))
        return logits


class Readout(nn.Module):
    """Logits to 8-bit probabilities.

    Where the contract holds calibrations, the logits of each class are divided by its temperature
    before they become probabilities (Guo et al. 2017).

    Args:
        contract: Names the classes, which come first among the planes, and their calibrations.
    """

    def __init__(self, contract: ModelContract) -> None:
        super().__init__()
        self.classes = len(contract.class_names)
        temperatures = [each.temperature for each in contract.calibrations or ()] or [1.0] * self.classes
        self.temperatures = nn.Buffer(torch.tensor(temperatures).view(1, -1, 1, 1))

    def forward(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, planes, H, W) to (N, classes, H, W) uint8, 0-254, and a number.

        The number is finite exactly when all logits are: one pass and one value to fetch.
        """
        calibrated = logits[:, : self.classes] / self.temperatures
        return (calibrated.sigmoid() * PROBABILITY_SCALE).round().to(torch.uint8), logits.sum()


class _Front(nn.Module):
    def __init__(self, network: nn.Module, contract: ModelContract) -> None:
        super().__init__()
        self.encoder = network.get_submodule("encoder") if _has_parts(network) else network
        self.mean = nn.Buffer(torch.tensor(contract.mean).view(1, -1, 1, 1))
        self.std = nn.Buffer(torch.tensor(contract.std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        normalised = (pixels.float() / 255 - self.mean) / self.std
        seen = self.encoder(normalised.contiguous(memory_format=torch.channels_last))
        return (seen,) if isinstance(seen, Tensor) else tuple(seen)


class _Back(nn.Module):
    def __init__(self, network: nn.Module, *, half: bool) -> None:
        super().__init__()
        self.parts = _has_parts(network)
        if self.parts:
            self.decoder = network.get_submodule("decoder")
            self.head = network.get_submodule("segmentation_head")
        self.half_precision = half and self.parts
        if self.half_precision:
            self.bfloat16()

    def forward(self, *features: Tensor) -> Tensor:
        if not self.parts:
            return features[0].float()
        taken = [each.bfloat16() for each in features] if self.half_precision else list(features)
        logits: Tensor = self.head(self.decoder(taken))
        return logits.float()


def _has_parts(network: nn.Module) -> bool:
    return all(hasattr(network, part) for part in ("encoder", "decoder", "segmentation_head"))


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode whose batch normalisations are part of the convolutions before.

    The logits stay the same but for rounding. Of a network whose way cannot be traced only the
    encoder is folded, or nothing: it gives the same and is slower.
    """
    made = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    if _has_parts(made):
        # The only branch of most networks: windows are multiples of every stride.
        made.check_input_shape = _anything_goes  # type: ignore[assignment]
    if not _fold(made) and _has_parts(made):
        _fold(made.get_submodule("encoder"))
    return made


def _anything_goes(_: Tensor) -> None:
    pass


def _fold(made: nn.Module) -> bool:
    """Fold in place; False if the module cannot be traced, and is as it was."""
    try:
        graph = _Tracer().trace(made)
    except Exception:  # noqa: BLE001 - a network runs any Python, and fails under the tracer in any way
        _LOG.info("%s cannot be traced, its batch normalisations stay", type(made).__name__, exc_info=True)
        return False
    calls = [str(node.target) for node in graph.nodes if node.op == "call_module"]
    for node in graph.nodes:
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        convolution, norm = made.get_submodule(str(before.target)), made.get_submodule(str(node.target))
        if not isinstance(convolution, nn.Conv2d) or not isinstance(norm, nn.BatchNorm2d):
            continue
        if calls.count(str(before.target)) == calls.count(str(node.target)) == 1:
            made.set_submodule(str(before.target), fuse_conv_bn_eval(convolution, norm))
            made.set_submodule(str(node.target), _after(norm))
    return True


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.BatchNorm2d) or super().is_leaf_module(m, module_qualified_name)


def _after(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what a normalisation does beside normalising: that of timm holds an activation."""
    kept: Sequence[nn.Module] = [
        module for module in (getattr(norm, "drop", None), getattr(norm, "act", None)) if module
    ]
    return nn.Sequential(*kept)
