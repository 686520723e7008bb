"""Which processor runs the network, through which library, in which precision."""

from __future__ import annotations

import importlib.util
import logging
from dataclasses import dataclass, replace
from typing import Self

import torch

from vigibati.configs.errors import DeviceError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Device:
    """Where inference runs, and how. ``Device(torch.device("cpu"))`` is plain float32, the reference.

    Attributes:
        torch_device: The processor as torch knows it.
        half: True = what follows the encoder computes in bfloat16, on a graphics card.
        openvino: True = OpenVINO computes, not torch.
    """

    torch_device: torch.device
    half: bool = False
    openvino: bool = False

    @classmethod
    def choose(cls, name: str) -> Self:
        """Return the way to run a network on what a name asks for.

        On a processor everything computes in float32: what torch and OpenVINO say there differs by
        roundings alone, and leads to the same cases.

        Args:
            name: ``"cpu"``, ``"cuda"``, ``"openvino"`` for the processor through OpenVINO, or ``"auto"``
                for CUDA where there is any, else OpenVINO where it is installed, else the CPU.

        Raises:
            DeviceError: It is not usable here, or the name is unknown.
        """
        installed = _has_openvino()
        if name == "openvino" and not installed:
            cause, cure = "OpenVINO is not installed", "install vigibati[openvino], or use --device cpu"
            raise DeviceError("--device openvino", cause, cure)
        chosen = torch.device("cpu") if name == "openvino" else choose_device(name)
        return cls(
            chosen,
            half=chosen.type == "cuda",
            openvino=name == "openvino" or (name == "auto" and chosen.type == "cpu" and installed),
        )

    def of_worker(self, number: int) -> Device:
        """Return the device for one of several processes of a machine: cards are dealt out in turn."""
        if self.torch_device.type != "cuda":
            return self
        return replace(self, torch_device=torch.device("cuda", number % torch.cuda.device_count()))

    @property
    def arithmetic(self) -> str:
        """How it computes, in words: the same on two machines whose results are the same."""
        numbers = "float32, bfloat16 after the encoder" if self.half else "float32"
        return f"{'openvino' if self.openvino else 'torch'}, {numbers}"

    def __str__(self) -> str:
        model = (
            f" {torch.cuda.get_device_name(self.torch_device)}" if self.torch_device.type == "cuda" else ""
        )
        return f"{self.torch_device}{model} ({self.arithmetic})"


def choose_device(name: str) -> torch.device:
    """Return torch's device for a name, never another one than was asked for.

    Args:
        name: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is any and the CPU elsewhere.

    Raises:
        DeviceError: CUDA was asked for and is not usable here, or the name is unknown.
    """
    if name == "openvino":
        raise DeviceError("--device openvino", "it only segments and detects", "use auto, cpu or cuda here")
    if name not in {"auto", "cpu", "cuda"}:
        raise DeviceError("--device", f"'{name}' is unknown", "use auto, cpu, cuda or openvino")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise DeviceError(
            "--device cuda",
            "no CUDA device works here",
            "check the driver, or use --device auto or cpu",
        )
    device = torch.device("cuda", 0) if available and name != "cpu" else torch.device("cpu")
    _LOG.info("device %s, asked for %s", device, name)
    return device


def _has_openvino() -> bool:
    return importlib.util.find_spec("openvino") is not None
