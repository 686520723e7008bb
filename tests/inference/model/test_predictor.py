from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vigibati.configs.contract import Calibration
from vigibati.configs.errors import CheckpointError, DeviceError
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor

_CPU = torch.device("cpu")
_EXACT = Device(_CPU)
_HALF = Device(_CPU, half=True)
# 0.02, the most that another precision or engine may change a probability.
_STEPS = 5


def _windows(count: int, height: int, width: int, *, bands: int = 3) -> np.ndarray:
    """Smooth pictures with edges: noise alone would tell a network little."""
    coarse = np.random.default_rng(3).integers(0, 256, (count, bands, height // 8, width // 8))
    return coarse.repeat(8, axis=2).repeat(8, axis=3).astype(np.uint8)


@pytest.fixture(scope="module")
def shipped() -> Checkpoint:
    return load_checkpoint(shipped_checkpoint())


def test_a_worked_window(stub: Callable[..., Checkpoint]) -> None:
    values = np.zeros((1, 3, 32, 32), dtype=np.uint8)
    values[0, :, 5, 7], values[0, :, 31, 0] = 255, 128
    calibration = Calibration(temperature=2.0, object_slope=1.0, object_offset=0.0)
    seen = Predictor(stub(calibrations=(calibration,)), _EXACT).predict(values)
    # 20 * (grey - 0.5) / 2: -5, 5 and 0.0196.
    assert (seen.shape, seen.dtype) == ((1, 1, 32, 32), np.uint8)
    assert (seen[0, 0, 0, 0], seen[0, 0, 5, 7], seen[0, 0, 31, 0]) == (2, 252, 128)


def test_margins_are_cut_off(stub: Callable[..., Checkpoint]) -> None:
    predictor, windows = Predictor(stub(reach=3), _EXACT), _windows(2, 64, 96)
    whole, cut = predictor.predict(windows), predictor.predict(windows, crop_px=20)
    assert cut.shape == (2, 1, 24, 56)
    assert np.array_equal(cut, whole[:, :, 20:-20, 20:-20])


def test_a_window_does_not_depend_on_its_batch(stub: Callable[..., Checkpoint]) -> None:
    windows = _windows(7, 64, 96)
    alone = np.concatenate([Predictor(stub(reach=3), _EXACT).predict(each[None]) for each in windows])
    predictor = Predictor(stub(reach=3), _EXACT)
    predictor._batches.size = 3
    assert np.array_equal(predictor.predict(windows), alone)


@pytest.mark.parametrize("device", [_EXACT, _HALF], ids=str)
def test_a_real_window_does_not_depend_on_its_batch(shipped: Checkpoint, device: Device) -> None:
    predictor, windows = Predictor(shipped, device), _windows(3, 64, 96)
    alone = predictor.predict(windows).astype(int)
    predictor._batches.size = 3
    assert np.abs(predictor.predict(windows) - alone).max() <= 1
    assert np.ptp(alone) > 200


class _Tight(nn.Module):
    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def forward(self, pixels: Tensor) -> Tensor:
        if len(pixels) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return pixels[:, :1]


def test_a_batch_that_does_not_fit_is_halved(stub: Callable[..., Checkpoint]) -> None:
    windows = _windows(9, 32, 32)
    wanted = Predictor(stub(_Tight(100)), _EXACT).predict(windows)
    predictor = Predictor(stub(_Tight(2)), _EXACT)
    predictor._batches.size = 8
    assert np.array_equal(predictor.predict(windows), wanted)
    assert predictor._batches.size == 2
    with pytest.raises(
        DeviceError, match=r"cpu \(torch, float32\): its memory does not hold one window of 32"
    ):
        Predictor(stub(_Tight(0)), _EXACT).predict(windows)


class _Wrong(nn.Module):
    def __init__(self, answer: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, pixels: Tensor) -> Tensor:
        return self.answer(pixels)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("plane", [0, 1])
def test_what_is_not_a_number_is_refused(stub: Callable[..., Checkpoint], bad: float, plane: int) -> None:
    def answer(pixels: Tensor) -> Tensor:
        planes = pixels[:, :2].clone()
        planes[-1, plane, 3, 4] = bad
        return planes

    predictor = Predictor(stub(_Wrong(answer), contour=True), _EXACT)
    for ask in (
        lambda: predictor.predict(_windows(2, 32, 32)),
        lambda: predictor.logits(_windows(1, 32, 32)[0]),
    ):
        with pytest.raises(CheckpointError, match="something else than finite numbers; train it anew"):
            ask()


def test_another_shape_than_promised_is_refused(stub: Callable[..., Checkpoint]) -> None:
    predictor = Predictor(stub(_Wrong(lambda pixels: pixels[:, :2])), _EXACT)
    with pytest.raises(
        CheckpointError, match=r"gives \(1, 2, 32, 32\), its contract promises \(1, 1, 32, 32\)"
    ):
        predictor.predict(_windows(1, 32, 32))


def test_the_network_of_the_checkpoint_stays_as_it_was(shipped: Checkpoint) -> None:
    before = {name: tensor.clone() for name, tensor in shipped.network.state_dict().items()}
    Predictor(shipped, _HALF).predict(_windows(1, 32, 32))
    after = shipped.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_logits_are_those_of_the_network(shipped: Checkpoint) -> None:
    values = _windows(1, 96, 64)
    contract = shipped.contract
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (contract.mean, contract.std))
    with torch.no_grad():
        wanted = shipped.network((torch.from_numpy(values) / 255 - mean) / std)[0, :2]
    torch.testing.assert_close(Predictor(shipped, _EXACT).logits(values[0]), wanted, atol=1e-4, rtol=0)


def test_half_precision_stays_within_the_bound(shipped: Checkpoint) -> None:
    windows = _windows(2, 256, 320)
    exact = Predictor(shipped, _EXACT).predict(windows).astype(int)
    assert np.abs(Predictor(shipped, _HALF).predict(windows) - exact).max() <= _STEPS
    assert np.ptp(exact) > 200


def test_openvino_says_what_torch_says(shipped: Checkpoint) -> None:
    pytest.importorskip("openvino", reason="the extra vigibati[openvino] is not installed")
    predictor = Predictor(shipped, Device(_CPU, openvino=True))
    # Two shapes: the graph is traced once, at a third one.
    for height, width in ((96, 160), (128, 96)):
        windows = _windows(2, height, width)
        exact = Predictor(shipped, _EXACT).predict(windows, crop_px=8).astype(int)
        seen = predictor.predict(windows, crop_px=8)
        assert (seen.shape, seen.dtype) == ((2, 2, height - 16, width - 16), np.uint8)
        assert np.abs(seen - exact).max() <= 1
        assert np.ptp(exact) > 200


def test_openvino_refuses_what_is_not_a_number(stub: Callable[..., Checkpoint]) -> None:
    pytest.importorskip("openvino", reason="the extra vigibati[openvino] is not installed")
    predictor = Predictor(
        stub(_Wrong(lambda pixels: (0.5 - pixels[:, :1]).sqrt())), Device(_CPU, openvino=True)
    )
    predictor.predict(np.full((1, 3, 32, 32), 100, dtype=np.uint8))
    with pytest.raises(CheckpointError, match="something else than finite numbers"):
        predictor.predict(np.full((1, 3, 32, 32), 200, dtype=np.uint8))


def test_openvino_refuses_another_shape_than_promised(stub: Callable[..., Checkpoint]) -> None:
    pytest.importorskip("openvino", reason="the extra vigibati[openvino] is not installed")
    with pytest.raises(
        CheckpointError, match=r"gives \(1, 2, 64, 64\), its contract promises \(1, 1, 64, 64\)"
    ):
        Predictor(stub(_Wrong(lambda pixels: pixels[:, :2])), Device(_CPU, openvino=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_a_card_computes_in_float32_where_it_says_so(stub: Callable[..., Checkpoint]) -> None:
    Predictor(stub(), Device(torch.device("cuda")))
    assert not torch.backends.cudnn.allow_tf32
