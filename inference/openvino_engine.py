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
from vigibati.inference.working_network import Readout, WorkingNetwork

EXAMPLE_PX = 64
"""Side of the window that the graphs are traced with; they are reshaped afterwards."""


class OpenVinoEngine:
    """Encoder and the rest as two graphs, because OpenVINO takes one precision for a whole graph.

    Both are converted once, and compiled for every shape of a window when the first one comes.

    Args:
        network: In float32.
        contract: Its contract.
        half: True = what follows the encoder computes in bfloat16.
    """

    def __init__(self, network: WorkingNetwork, contract: ModelContract, *, half: bool) -> None:
        # An extra without types; device.py has looked for it.
        openvino: Any = importlib.import_module("openvino")
        self._core = openvino.Core()
        self._precisions = ("f32", "bf16" if half else "f32")
        self._compiled: dict[tuple[int, ...], tuple[Any, Any]] = {}
        front, back = copy.deepcopy(network.front), _Rest(network.back, contract)
        pixels = torch.zeros(1, len(contract.bands), EXAMPLE_PX, EXAMPLE_PX, dtype=torch.uint8)
        # Not inference_mode: conversion fails on weights that it has touched.
        with torch.no_grad(), warnings.catch_warnings():
            # That torch.jit is old, and that the sizes seen in tracing may stay; tests hold that they do not.
            warnings.simplefilter("ignore")
            features = front(pixels)
            self._front = openvino.convert_model(front, example_input=pixels)
            self._back = openvino.convert_model(back, example_input=features)

    def __call__(self, window: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        """Map (1, bands, H, W) to (1, classes, H, W), 0-254, and the number of ``Readout``."""
        if window.shape not in self._compiled:
            self._compiled[window.shape] = self._compile(window.shape)
        front, back = self._compiled[window.shape]
        front.infer({0: window})
        back.infer()
        probabilities: NDArray[np.uint8] = back.get_output_tensor(0).data.copy()
        return probabilities, float(back.get_output_tensor(1).data)

    def _compile(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        front, back = self._front.clone(), self._back.clone()
        front.reshape(list(shape))
        back.reshape({index: output.partial_shape for index, output in enumerate(front.outputs)})
        requests = []
        for graph, precision in zip((front, back), self._precisions, strict=True):
            # One window at a time on all cores. Not pinned: a core is shared with whoever reads and writes.
            hints = {
                "PERFORMANCE_HINT": "LATENCY",
                "INFERENCE_PRECISION_HINT": precision,
                "ENABLE_CPU_PINNING": False,
            }
            requests.append(self._core.compile_model(graph, "CPU", hints).create_infer_request())
        for index in range(len(back.inputs)):
            requests[1].set_input_tensor(index, requests[0].get_output_tensor(index))
        return requests[0], requests[1]


class _Rest(nn.Module):
    def __init__(self, back: nn.Module, contract: ModelContract) -> None:
        super().__init__()
        self.back, self.readout = copy.deepcopy(back), Readout(contract)

    def forward(self, *features: Tensor) -> tuple[Tensor, Tensor]:
        read: tuple[Tensor, Tensor] = self.readout(self.back(*features))
        return read
