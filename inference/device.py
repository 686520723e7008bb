"""Which processor runs the network."""

from __future__ import annotations

import logging

import torch

from vigibati.configs.errors import DeviceError

_LOG = logging.getLogger(__name__)


def choose_device(name: str) -> torch.device:
    """Return the device for a name, never another one than was asked for.

    Args:
        name: ``"cpu"``, ``"cuda"``, or ``"auto"`` for CUDA where there is any and the CPU elsewhere.

    Raises:
        DeviceError: CUDA was asked for and is not usable here, or the name is unknown.
    """
    if name not in {"auto", "cpu", "cuda"}:
        raise DeviceError("--device", f"'{name}' is unknown", "use auto, cpu or cuda")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise DeviceError(
            "--device cuda",
            "no CUDA device works here",
            "check the driver, or use --device auto or cpu",
        )
    device = torch.device("cuda" if available and name != "cpu" else "cpu")
    _LOG.info("device %s, asked for %s", device, name)
    return device
