from __future__ import annotations

import pytest
import torch

from vigibati.configs.errors import DeviceError
from vigibati.inference.model import device as module_under_test
from vigibati.inference.model.device import Device, choose_device


@pytest.mark.parametrize(
    ("name", "there", "wanted"), [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu")]
)
def test_the_device_is_the_one_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    there: bool,  # noqa: FBT001 - a column of the table
    wanted: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(name).type == wanted
    assert Device.choose(name).torch_device.type == wanted


def test_cuda_is_never_replaced_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        DeviceError, match=r"--device cuda: no CUDA device works here; .* use --device auto or cpu"
    ):
        Device.choose("cuda")
    with pytest.raises(DeviceError, match="'tpu' is unknown; use auto, cpu, cuda or openvino"):
        Device.choose("tpu")


def test_openvino_does_not_train() -> None:
    with pytest.raises(DeviceError, match="--device openvino: it only segments and detects; use auto"):
        choose_device("openvino")


def test_openvino_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_under_test, "_has_openvino", lambda: False)
    with pytest.raises(DeviceError, match=r"OpenVINO is not installed; install vigibati\[openvino\]"):
        Device.choose("openvino")


@pytest.mark.parametrize(
    ("name", "card", "installed", "wanted"),
    [
        ("auto", False, True, "cpu (openvino, float32)"),
        ("auto", False, False, "cpu (torch, float32)"),
        ("auto", True, True, "cuda:0 NVIDIA H100 (torch, float32, bfloat16 after the encoder)"),
        ("cpu", True, True, "cpu (torch, float32)"),
        ("openvino", True, True, "cpu (openvino, float32)"),
    ],
)
def test_what_a_name_comes_to(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    card: bool,  # noqa: FBT001 - columns of the table
    installed: bool,  # noqa: FBT001
    wanted: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: card)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H100")
    monkeypatch.setattr(module_under_test, "_has_openvino", lambda: installed)
    assert str(Device.choose(name)) == wanted


def test_cards_are_dealt_out_to_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    cuda = Device(torch.device("cuda", 0), half=True)
    assert [cuda.of_worker(number).torch_device.index for number in range(4)] == [0, 1, 0, 1]
    assert cuda.of_worker(1).half
    cpu = Device(torch.device("cpu"))
    assert cpu.of_worker(3) == cpu
