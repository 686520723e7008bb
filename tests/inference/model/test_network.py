from __future__ import annotations

from pathlib import Path

import pytest
import torch

from vigibati.configs.errors import SettingsError
from vigibati.configs.recipe import Recipe
from vigibati.inference.model.network import build_network


def test_logits_have_the_size_of_the_picture() -> None:
    network = build_network(
        architecture="unet", encoder="mobilenet_v2", decoder_channels=(32, 16, 16, 8, 8), bands=4, classes=2
    )
    assert network.eval()(torch.zeros(2, 4, 64, 96)).shape == (2, 2, 64, 96)


def test_every_recipe_has_a_network(root: Path) -> None:
    for path in sorted((root / "configs" / "recipes").glob("*.yaml")):
        recipe = Recipe.read(path)
        # Shapes alone, without memory or arithmetic.
        with torch.device("meta"):
            network = build_network(
                architecture=recipe.architecture,
                encoder=recipe.encoder,
                decoder_channels=recipe.decoder_channels,
                bands=3,
                classes=len(recipe.class_names),
            )
            logits = network.eval()(torch.zeros(1, 3, recipe.crop_px, recipe.crop_px))
        assert logits.shape == (1, len(recipe.class_names), recipe.crop_px, recipe.crop_px), path.name


@pytest.mark.parametrize(
    ("architecture", "encoder", "channels", "cause"),
    [
        ("nonesuch", "resnet18", None, "Wrong architecture type `nonesuch`"),
        ("unet", "nonesuch", None, "Wrong encoder name `nonesuch`"),
        ("unet", "resnet18", (16, 8), "Model depth is 5, but you provide"),
        ("fpn", "resnet18", (16, 8), "this architecture takes no decoder_channels; leave them out"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    architecture: str, encoder: str, channels: tuple[int, ...] | None, cause: str
) -> None:
    with pytest.raises(SettingsError, match=cause):
        build_network(
            architecture=architecture, encoder=encoder, decoder_channels=channels, bands=3, classes=1
        )
