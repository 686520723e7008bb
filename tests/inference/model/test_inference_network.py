from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from vigibati.configs.contract import ModelContract
from vigibati.inference.model.inference_network import InferenceNetwork, fold_batch_norms
from vigibati.inference.model.network import build_network


def _lively(network: nn.Module) -> nn.Module:
    """Give batch normalisations something to do: as built they change nothing."""
    torch.manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.2)
            module.running_mean, module.running_var = (
                torch.randn(module.num_features) / 5,
                torch.rand(module.num_features) + 0.5,
            )
    return network.eval()


def _norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_a_worked_convolution_takes_its_normalisation_in() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1, eps=0.0), nn.ReLU())
    with torch.no_grad():
        network[0].weight.fill_(3.0), network[0].bias.fill_(1.0)
        network[1].weight.fill_(2.0), network[1].bias.fill_(5.0)
    network[1].running_mean, network[1].running_var = torch.tensor([4.0]), torch.tensor([0.25])
    folded = fold_batch_norms(network)
    # (3 x + 1 - 4) / 0.5 * 2 + 5 = 12 x - 7
    assert (folded[0].weight.item(), folded[0].bias.item()) == (12.0, -7.0)
    assert (_norms(folded), _norms(network)) == (0, 1)


@pytest.mark.parametrize(
    ("architecture", "encoder"),
    [
        ("unet", "timm-tf_efficientnet_lite0"),
        ("linknet", "mobilenet_v2"),
        ("fpn", "resnet18"),
        ("unet", "efficientnet-b0"),
        ("deeplabv3plus", "resnet18"),
    ],
)
def test_real_networks_say_the_same(
    contract: Callable[..., ModelContract], architecture: str, encoder: str
) -> None:
    network = _lively(
        build_network(architecture=architecture, encoder=encoder, decoder_channels=None, bands=3, classes=1)
    )
    pixels = torch.randint(0, 256, (1, 3, 96, 64), dtype=torch.uint8)
    exact, half = (InferenceNetwork(network, contract(), half=half) for half in (False, True))
    with torch.no_grad():
        wanted = network(pixels / 255)
        scale = float(wanted.abs().max())
        assert float((exact(pixels) - wanted).abs().max()) < 1e-4 * max(1.0, scale)
        assert half(pixels).dtype == torch.float32
        assert float((half(pixels) - wanted).abs().max()) < 0.05 * max(1.0, scale)
    assert _norms(exact) < _norms(network)


class _Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.convolution(pixels)
        return self.norm(seen) + seen


class _Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))

    def forward(self, pixels: Tensor) -> Tensor:
        return self.part(pixels) if float(pixels.sum()) > 0 else pixels


@pytest.mark.parametrize("make", [_Twice, _Untraceable])
def test_what_cannot_be_folded_stays(make: type[nn.Module]) -> None:
    network = _lively(make())
    folded, pixels = fold_batch_norms(network), torch.rand(1, 1, 4, 4)
    assert _norms(folded) == 1
    assert torch.equal(folded(pixels), network(pixels))
