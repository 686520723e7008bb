"""The segmentation network, built from the few words that a contract keeps about it."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import segmentation_models_pytorch as smp
from torch import nn

from vigibati.configs.errors import SettingsError


def build_network(
    *, architecture: str, encoder: str, decoder_channels: Sequence[int] | None, bands: int, classes: int
) -> nn.Module:
    """Build an untrained network of segmentation-models-pytorch.

    Args:
        architecture: Name of the architecture, such as ``"unet"`` or ``"fpn"``.
        encoder: Name of the encoder, such as ``"mobilenet_v2"``.
        decoder_channels: Channels per decoder stage, deepest first; None for the architecture's
            own. Only architectures that have such an argument accept it.
        bands: Number of input bands.
        classes: Number of output classes.

    Returns:
        A network from float32 (B, bands, H, W), H and W multiples of 32, to logits
        (B, classes, H, W). No weights are fetched: it starts at random.

    Raises:
        SettingsError: The architecture or encoder is unknown, or they do not fit together.
    """
    subject = f"network '{architecture}' with encoder '{encoder}'"
    cure = "use an architecture and encoder of segmentation-models-pytorch that fit together"
    options: dict[str, Any] = {}
    if decoder_channels is not None:
        # Other architectures would pass the argument on to the encoder, which ignores it.
        model = smp.MODEL_ARCHITECTURES_MAPPING.get(architecture)
        if model is not None and "decoder_channels" not in signature(model).parameters:
            raise SettingsError(subject, "this architecture takes no decoder_channels", "leave them out")
        options["decoder_channels"] = tuple(decoder_channels)
    try:
        network: nn.Module = smp.create_model(
            architecture,
            encoder_name=encoder,
            encoder_weights=None,
            in_channels=bands,
            classes=classes,
            **options,
        )
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise SettingsError(subject, f"cannot be built ({error})", cure) from error
    return network
