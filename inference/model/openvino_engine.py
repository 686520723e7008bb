"""The network through OpenVINO, which on a CPU is faster than torch."""

from __future__ import annotations

import copy
import importlib
import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vigibati.configs.contract import ModelContract
from vigibati.inference.model.inference_network import InferenceNetwork, Readout

EXAMPLE_PX = 64
"""Side of the window that the graphs are traced with; they are reshaped afterwards."""


class OpenVinoEngine:
    """Pixels to probabilities in one graph, in float32.

    It is converted once, and compiled for every shape of a window when the first one comes.

    Args:
        network: In float32.
        contract: Its contract.
    """

    def __init__(self, network: InferenceNetwork, contract: ModelContract) -> None:
        # An extra without types; device.py has looked for it.
        openvino: Any = importlib.import_module("openvino")
        self._core = openvino.Core()
        self._compiled: dict[tuple[int, ...], Any] = {}
        pixels = torch.zeros(1, len(contract.bands), EXAMPLE_PX, EXAMPLE_PX, dtype=torch.uint8)
        # Not inference_mode: conversion fails on weights that it has touched.
        with torch.no_grad(), warnings.catch_warnings():
            # That torch.jit is old, and that the sizes seen in tracing may stay; tests hold that they do not.
            warnings.simplefilter("ignore")
            self._graph = openvino.convert_model(_Whole(network, contract), example_input=pixels)

    def __call__(self, window: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        """Map (1, bands, H, W) to (1, classes, H, W), 0-254, and the number of ``Readout``."""
        if window.shape not in self._compiled:
            self._compiled[window.shape] = self._compile(window.shape)
        request = self._compiled[window.shape]
        request.infer({0: window})
        probabilities: NDArray[np.uint8] = request.get_output_tensor(0).data.copy()
        return probabilities, float(request.get_output_tensor(1).data)

    def _compile(self, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - as above
        graph = self._graph.clone()
        graph.reshape(list(shape))
        # One window at a time on all cores. Not pinned: a core is shared with whoever reads and writes.
        hints = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        return self._core.compile_model(graph, "CPU", hints).create_infer_request()


class _Whole(nn.Module):
    def __init__(self, network: InferenceNetwork, contract: ModelContract) -> None:
        super().__init__()
        self.network, self.readout = copy.deepcopy(network), Readout(contract)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        read: tuple[Tensor, Tensor] = self.readout(self.network(pixels))
        return read
