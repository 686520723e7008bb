from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import CheckpointError
from vigibati.inference.model import checkpoint as module
from vigibati.inference.model.checkpoint import (
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    shipped_checkpoint,
)
from vigibati.inference.model.network import build_network


def _network() -> torch.nn.Module:
    torch.manual_seed(5)
    return build_network(
        architecture="linknet", encoder="mobilenet_v2", decoder_channels=None, bands=3, classes=1
    )


@pytest.fixture
def saved(tmp_path: Path, contract: Callable[..., ModelContract]) -> Checkpoint:
    return save_checkpoint(_network(), contract(), tmp_path / "model")


def _change(saved: Checkpoint, changes: dict[str, torch.Tensor | None]) -> None:
    """Change tensors and keep the checksum right, so that the test reaches what follows it."""
    path = saved.folder / "model.safetensors"
    tensors = load_file(path)
    for name, tensor in changes.items():
        if tensor is None:
            del tensors[name]
        else:
            tensors[name] = tensor
    save_file(tensors, path)
    contract = saved.contract.model_copy(update={"weights_sha256": sha256_file(path)})
    (saved.folder / "contract.json").write_text(contract.model_dump_json(), encoding="utf-8")


def test_what_is_loaded_is_what_was_saved_in_half_precision(saved: Checkpoint) -> None:
    original, loaded = _network().eval(), load_checkpoint(saved.folder)
    assert loaded.contract == saved.contract
    assert loaded.contract.weights_sha256 == sha256_file(saved.folder / "model.safetensors")
    assert not loaded.network.training
    parameters = dict(original.named_parameters())
    for name, tensor in loaded.network.state_dict().items():
        wanted = original.state_dict()[name]
        assert tensor.dtype == wanted.dtype
        assert torch.equal(tensor, wanted.half().float() if name in parameters else wanted), name
    pixels = torch.rand(1, 3, 64, 32)
    with torch.inference_mode():
        assert torch.equal(loaded.network(pixels), saved.network(pixels))
        assert torch.allclose(loaded.network(pixels), original(pixels), atol=0.05)


def test_saving_leaves_the_network_as_it_was(tmp_path: Path, contract: Callable[..., ModelContract]) -> None:
    network = _network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    save_checkpoint(network, contract(), tmp_path / "model")
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "contract.json",
        "model.safetensors",
    ]


def test_a_pickle_is_refused_and_never_run(saved: Checkpoint, tmp_path: Path) -> None:
    sentinel = tmp_path / "ran"

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(sentinel),)

    bare, zipped = pickle.dumps(Bomb(), protocol=4), tmp_path / "model.pth"
    torch.save({"weight": torch.zeros(2)}, zipped)
    for content in (bare, zipped.read_bytes()):
        (saved.folder / "model.safetensors").write_bytes(content)
        with pytest.raises(CheckpointError, match="weights are only read from safetensors; re-export"):
            load_checkpoint(saved.folder)
    with pytest.raises(CheckpointError, match=r"model\.pth: is a pickle"):
        load_checkpoint(zipped)
    assert not sentinel.exists()


def test_what_is_missing_is_named(saved: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere: does not exist; give a folder"):
        load_checkpoint(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match=r"contract\.json: is a file; give the folder"):
        load_checkpoint(saved.folder / "contract.json")
    (saved.folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors"):
        load_checkpoint(saved.folder)


def test_a_cut_file_is_refused(saved: Checkpoint) -> None:
    path = saved.folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match="is not a whole safetensors file"):
        load_checkpoint(saved.folder)


def test_one_changed_byte_is_noticed(saved: Checkpoint) -> None:
    path = saved.folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"has SHA-256 [0-9a-f]{12}…, the contract says"):
        load_checkpoint(saved.folder)


def test_a_contract_that_does_not_hold_is_refused(saved: Checkpoint) -> None:
    path = saved.folder / "contract.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"gsd_m": 0.2', '"gsd_m": -1'), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"the contract does not hold .*key 'gsd_m'"):
        load_checkpoint(saved.folder)
    path.write_text(text.replace('"linknet"', '"nonesuch"'), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"describes no network .*'nonesuch'"):
        load_checkpoint(saved.folder)


def test_the_first_tensor_that_does_not_fit_is_named(saved: Checkpoint) -> None:
    name = "segmentation_head.0.weight"
    good = load_file(saved.folder / "model.safetensors")[name]
    _change(saved, {name: torch.zeros(2, *good.shape[1:])})
    with pytest.raises(
        CheckpointError, match=rf"'{name}' has shape \(2, 32, 1, 1\), the network needs \(1, 32"
    ):
        load_checkpoint(saved.folder)
    _change(saved, {name: None})
    with pytest.raises(CheckpointError, match=rf"'{name}' is missing from the weights"):
        load_checkpoint(saved.folder)
    _change(saved, {name: good, "stray": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="'stray' has no place in the network"):
        load_checkpoint(saved.folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_numbers_are_refused_at_both_ends(
    saved: Checkpoint, tmp_path: Path, contract: Callable[..., ModelContract], value: float
) -> None:
    _change(saved, {"segmentation_head.0.bias": torch.tensor([value])})
    with pytest.raises(
        CheckpointError, match=r"'segmentation_head\.0\.bias' holds values that are not finite"
    ):
        load_checkpoint(saved.folder)
    network = _network()
    torch.nn.init.constant_(network.get_parameter("segmentation_head.0.bias"), value)
    with pytest.raises(CheckpointError, match="not finite"):
        save_checkpoint(network, contract(), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_shipped_checkpoint_is_there_or_missed(
    saved: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "files", lambda _package: saved.folder)
    assert shipped_checkpoint() == saved.folder
    monkeypatch.setattr(module, "files", lambda _package: tmp_path)
    with pytest.raises(
        CheckpointError, match="this installation holds no checkpoint; give one with --checkpoint"
    ):
        shipped_checkpoint()
