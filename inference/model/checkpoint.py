"""A trained network and its contract, in one folder, read without running any code of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vigibati.configs.atomic_files import sha256_file, whole_file
from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import CheckpointError, SettingsError
from vigibati.configs.paths import StrPath, as_path
from vigibati.inference.model.network import build_network

_CONTRACT = "contract.json"
_WEIGHTS = "model.safetensors"
# A zip archive (torch.save since 1.6) and a bare pickle of protocol 2 to 5.
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_RETAKE = "take the folder again from where it was published, or train anew with 'vigibati train'"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A network in evaluation mode with everything that inference must know about it.

    Attributes:
        folder: Where it was read from.
        contract: What training promised.
        network: Float32 (B, bands, H, W) normalised pixels to logits (B, classes, H, W).
    """

    folder: Path
    contract: ModelContract
    network: nn.Module


def shipped_checkpoint() -> Path:
    """Return the folder of the checkpoint that comes with the package.

    Raises:
        CheckpointError: This installation holds none.
    """
    folder = Path(str(files("vigibati.checkpoints")))
    if not (folder / _CONTRACT).is_file():
        raise CheckpointError(
            folder,
            "this installation holds no checkpoint",
            "give one with --checkpoint",
        )
    return folder


def load_checkpoint(folder: StrPath | None = None) -> Checkpoint:
    """Read a checkpoint and check it against its contract.

    Weights are read from safetensors only, a format that holds numbers and no code.

    Args:
        folder: Folder with ``contract.json`` and ``model.safetensors``; that of the shipped checkpoint when
            None.

    Raises:
        CheckpointError: Something is missing, damaged, of another format, does not fit the
            architecture of the contract, or is not finite.
    """
    folder = as_path(folder) or shipped_checkpoint()
    contract = _read_contract(folder)
    tensors = _read_weights(folder / _WEIGHTS, contract)
    try:
        network = build_network(
            architecture=contract.architecture,
            encoder=contract.encoder,
            decoder_channels=contract.decoder_channels,
            bands=len(contract.bands),
            classes=len(contract.class_names) + contract.contour,
        )
    except SettingsError as error:
        raise CheckpointError(folder / _CONTRACT, f"describes no network ({error})", _RETAKE) from error
    _check_fit(folder / _WEIGHTS, tensors, network.state_dict())
    network.load_state_dict(tensors)
    return Checkpoint(folder, contract, network.eval())


def save_checkpoint(network: nn.Module, contract: ModelContract, folder: Path) -> Checkpoint:
    """Write weights and contract, and return them as read back from the disk.

    Parameters are kept in half precision; running statistics stay in single precision, because
    their range is not that of weights. The contract is written last: a folder whose writing was
    cut short fails its checksum instead of passing for whole.

    Args:
        network: Network whose architecture the contract names.
        contract: Promises; ``weights_sha256`` is filled in here.
        folder: Made when it is missing; an earlier checkpoint in it is replaced.

    Raises:
        CheckpointError: The weights are not finite in half precision, or do not fit the contract.
        OutputError: The folder cannot be written to.
    """
    halved = {name for name, _ in network.named_parameters()}
    tensors = {
        name: (tensor.detach().half() if name in halved else tensor.detach()).cpu().contiguous().clone()
        for name, tensor in network.state_dict().items()
    }
    _check_finite(folder / _WEIGHTS, tensors)
    with whole_file(folder / _WEIGHTS) as temporary:
        save_file(tensors, temporary)
    promised = contract.model_copy(update={"weights_sha256": sha256_file(folder / _WEIGHTS)})
    with whole_file(folder / _CONTRACT) as temporary:
        temporary.write_text(promised.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return load_checkpoint(folder)


def _read_contract(folder: Path) -> ModelContract:
    if folder.is_file():
        _refuse_pickle(folder)
        raise CheckpointError(folder, "is a file", f"give the folder that holds {_CONTRACT} and {_WEIGHTS}")
    if not folder.is_dir():
        raise CheckpointError(
            folder, "does not exist", f"give a folder that holds {_CONTRACT} and {_WEIGHTS}"
        )
    for name in (_CONTRACT, _WEIGHTS):
        if not (folder / name).is_file():
            raise CheckpointError(folder, f"holds no {name}", _RETAKE)
    try:
        return ModelContract.read(folder / _CONTRACT)
    except SettingsError as error:
        raise CheckpointError(folder, f"the contract does not hold ({error})", _RETAKE) from error


def _read_weights(path: Path, contract: ModelContract) -> dict[str, Tensor]:
    _refuse_pickle(path)
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(path, f"is not a whole safetensors file ({error})", _RETAKE) from error
    digest = sha256_file(path)
    if digest != contract.weights_sha256:
        cause = f"has SHA-256 {digest[:12]}…, the contract says {contract.weights_sha256[:12]}…"
        raise CheckpointError(path, cause, _RETAKE)
    _check_finite(path, tensors)
    return tensors


def _refuse_pickle(path: Path) -> None:
    with path.open("rb") as handle:
        start = handle.read(4)
    if start.startswith(_PICKLE_STARTS):
        raise CheckpointError(
            path,
            "is a pickle, which can run code when it is read; weights are only read from safetensors",
            "re-export them with safetensors.torch.save_file on a machine that you can lose",
        )


def _check_finite(path: Path, tensors: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(path, f"'{name}' holds values that are not finite numbers", _RETAKE)


def _check_fit(path: Path, found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, tensor in expected.items():
        if name not in found:
            raise CheckpointError(path, f"'{name}' is missing from the weights", _RETAKE)
        if found[name].shape != tensor.shape:
            cause = f"'{name}' has shape {tuple(found[name].shape)}, the network needs {tuple(tensor.shape)}"
            raise CheckpointError(path, cause, _RETAKE)
    for name in found:
        if name not in expected:
            raise CheckpointError(path, f"'{name}' has no place in the network of the contract", _RETAKE)
