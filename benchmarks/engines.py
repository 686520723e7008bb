"""Measures the ways to run the shipped network against plain torch in float32.

On a CPU: whole predictors, window by window on one real image, interleaved, the best of the repeats;
seconds on the wall and of the processor. On CUDA: the network alone, on pixels that are already
there, batch by batch. Writes benchmarks/results/engines.json. Example:
python -P benchmarks/engines.py ortho.tif --window 1216x2240 --threads 2
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vigibati.configs.contract import ModelContract
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.inference.model.checkpoint import load_checkpoint, shipped_checkpoint
from vigibati.inference.model.device import Device, choose_device
from vigibati.inference.model.inference_network import InferenceNetwork, Readout
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.vectorisation.vectorise import vectorise

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "engines.json"
_PLAIN = "torch float32, plain"
_STEPS = round(0.02 * PROBABILITY_SCALE)
_BATCHES = (1, 2, 4, 8, 16, 32)
Engine = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def main() -> None:
    """Measure and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("image", type=Path, help="orthophoto of 8-bit red, green, blue at 0.2 m")
    parser.add_argument("--window", action="append", help="HxW with margins; may be repeated")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    shapes = [tuple(map(int, each.split("x"))) for each in given.window or ["1216x2240"]]
    model, place = load_checkpoint(shipped_checkpoint()), choose_device(given.device)
    margin = 2 * model.contract.margin_px
    measure = _cuda if place.type == "cuda" else _cpu
    figures = {}
    for height, width in shapes:
        pixels = _pixels(given.image, height, width)
        core = (height - margin) * (width - margin) / (height * width)
        figures[f"{height}x{width}"] = measure(model, pixels, given.repeats) | {"core_share": round(core, 4)}
    result = {
        "weights_sha256": model.contract.weights_sha256,
        "device": str(Device.choose(given.device)),
        "threads": given.threads,
        "repeats": given.repeats,
        "windows": figures,
    }
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _pixels(image: Path, height: int, width: int) -> NDArray[np.uint8]:
    with rasterio.open(image) as dataset:
        values = dataset.read()
    missing = [
        (0, 0),
        *(
            (0, max(0, wanted - there))
            for wanted, there in zip((height, width), values.shape[1:], strict=True)
        ),
    ]
    padded: NDArray[np.uint8] = np.pad(values, missing, mode="symmetric")
    top = (padded.shape[1] - height) // 2
    return np.ascontiguousarray(padded[None, :, top : top + height, :width])


class _Plain(nn.Module):
    """The network as it was trained, as most programs run one."""

    def __init__(self, network: nn.Module, contract: ModelContract) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).eval().to(memory_format=torch.channels_last)
        self.mean = nn.Buffer(torch.tensor(contract.mean).view(1, -1, 1, 1))
        self.std = nn.Buffer(torch.tensor(contract.std).view(1, -1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        normalised = (pixels.float() / 255 - self.mean) / self.std
        logits: Tensor = self.network(normalised.contiguous(memory_format=torch.channels_last))
        return logits.float()


def _networks(model: Any) -> dict[str, tuple[nn.Module, torch.dtype | None]]:  # noqa: ANN401
    plain = _Plain(model.network, model.contract)
    return {
        _PLAIN: (plain, None),
        "torch bfloat16, autocast": (plain, torch.bfloat16),
        "torch float32, folded": (InferenceNetwork(model.network, model.contract, half=False), None),
        "torch float32, bfloat16 after the encoder": (
            InferenceNetwork(model.network, model.contract, half=True),
            None,
        ),
    }


def _cpu(model: Any, pixels: NDArray[np.uint8], repeats: int) -> dict[str, Any]:  # noqa: ANN401
    readout = Readout(model.contract)

    def by_torch(network: nn.Module, dtype: torch.dtype | None) -> Engine:
        @torch.inference_mode()
        def run(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
            with torch.autocast("cpu", dtype, enabled=dtype is not None):
                logits = network(torch.from_numpy(values))
            result: NDArray[np.uint8] = readout(logits)[0].numpy()
            return result

        return run

    engines = {name: by_torch(*of) for name, of in _networks(model).items()}
    engines["openvino float32"] = Predictor(model, Device(torch.device("cpu"), openvino=True)).predict
    wall, busy = ({name: float("inf") for name in engines} for _ in range(2))
    answers = {name: run(pixels) for name, run in engines.items()}
    for _ in range(repeats):
        for name, run in engines.items():
            began, used = time.perf_counter(), time.process_time()
            run(pixels)
            wall[name] = min(wall[name], time.perf_counter() - began)
            busy[name] = min(busy[name], time.process_time() - used)
    megapixels = pixels.shape[2] * pixels.shape[3] / 1e6
    return {
        name: {
            "mpx_per_s": round(megapixels / wall[name], 3),
            "mpx_per_cpu_s": round(megapixels / busy[name], 3),
            "ratio": round(wall[_PLAIN] / wall[name], 2),
            "ratio_cpu": round(busy[_PLAIN] / busy[name], 2),
        }
        | _difference(answer, answers[_PLAIN])
        for name, answer in answers.items()
    }


def _difference(answer: NDArray[np.uint8], exact: NDArray[np.uint8]) -> dict[str, float]:
    apart = np.abs(answer.astype(int) - exact)
    return {
        "max_difference": round(float(apart.max()) / PROBABILITY_SCALE, 4),
        "share_over_0.02": float(np.mean(apart > _STEPS)),
        "footprints": _footprints(answer),
        "footprints_plain": _footprints(exact),
    }


def _footprints(answer: NDArray[np.uint8]) -> int:
    profile = {
        "driver": "GTiff",
        "count": len(answer[0]),
        "dtype": "uint8",
        "crs": "EPSG:2154",
        "nodata": NO_IMAGE,
    }
    profile |= {"height": answer.shape[2], "width": answer.shape[3]}
    profile["transform"] = rasterio.Affine(0.2, 0, 7e5, 0, -0.2, 66e5)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "probabilities.tif"
        with rasterio.open(path, "w", **profile) as file:
            file.write(answer[0])
            file.descriptions = ("building", "pool")
            file.update_tags(VIGIBATI_THRESHOLDS=json.dumps({"building": 0.5, "pool": 0.5}))
        return len(vectorise(path))


def _cuda(model: Any, pixels: NDArray[np.uint8], repeats: int) -> dict[str, Any]:  # noqa: ANN401
    networks = _networks(model)
    folded, _ = networks["torch float32, folded"]
    networks["torch float16, autocast"] = (folded, torch.float16)
    mixed, _ = networks["torch float32, bfloat16 after the encoder"]
    networks["torch float32, bfloat16 after the encoder, compiled"] = (torch.compile(mixed), None)
    readout = Readout(model.contract).cuda()
    figures, exact = {}, None
    for name, (network, dtype) in networks.items():
        network.cuda()
        by_batch = {}
        for batch in _BATCHES:
            there = torch.from_numpy(pixels).cuda().repeat(batch, 1, 1, 1)
            seconds = _cuda_seconds(network, readout, there, dtype, repeats)
            if seconds is None:
                break
            by_batch[str(batch)] = round(there[:, 0].numel() / 1e6 / seconds, 1)
        with torch.inference_mode(), torch.autocast("cuda", dtype, enabled=dtype is not None):
            answer = readout(network(torch.from_numpy(pixels).cuda()))[0].cpu().numpy()
        exact = answer if exact is None else exact
        figures[name] = {"mpx_per_s_by_batch": by_batch} | _difference(answer, exact)
    return figures


@torch.inference_mode()
def _cuda_seconds(
    network: nn.Module, readout: Readout, pixels: Tensor, dtype: torch.dtype | None, repeats: int
) -> float | None:
    best = float("inf")
    try:
        for _ in range(repeats + 1):
            torch.cuda.synchronize()
            began = time.perf_counter()
            with torch.autocast("cuda", dtype, enabled=dtype is not None):
                readout(network(pixels))
            torch.cuda.synchronize()
            best = min(best, time.perf_counter() - began)
    except torch.OutOfMemoryError:
        return None
    return best


if __name__ == "__main__":
    main()
