"""A checkpoint as one ONNX file that the QGIS plugin Deepness runs, checked against the network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vigibati.configs.atomic_files import check_writable, whole_file
from vigibati.configs.contract import STRIDE_PX, ModelContract
from vigibati.configs.errors import OutputError, SettingsError
from vigibati.configs.extras import extras_told
from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.training.publishing.stac_mlm import BACKGROUND, INPUT_NAME, OUTPUT_NAME, stac_item

LARGEST_DIFFERENCE = 1e-3
"""Difference of a probability from the network's from which on a file is refused."""

# Opset 18 with IR 8 is read by onnxruntime 1.14; Deepness pins 1.12 to 1.17, which refuse IR 10.
_OPSET = 18
_IR_VERSION = 8
# A median filter of k pixels removes what covers less than half of its square.
_SPECK_M2 = 1.0


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        onnx: The network, with what Deepness reads embedded.
        stac: The STAC item (extension ``mlm``) that describes it.
        max_difference: Greatest difference of a probability between file and network, 0-1.
        megabytes: Size of the ONNX file, in millions of bytes.
        metadata: What Deepness reads, as JSON texts by key.
    """

    onnx: Path
    stac: Path
    max_difference: float
    megabytes: float
    metadata: Mapping[str, str]


class ProbabilityNetwork(nn.Module):
    """The network with its logits turned into the planes that Deepness expects.

    Deepness sets values below its one threshold to zero and takes the greatest plane of each pixel,
    the first one on a tie. Our classes are independent of each other and may have a threshold each, so:

    - a class is ``sigmoid(logit / temperature)``, its calibrated probability. Where its threshold is
      not that of the first class, its logit is moved so that it crosses at the first one's instead;
    - the background is the greatest class mirrored at that threshold, ``1 - max(classes)`` for 0.5:
      it wins exactly where no class reaches its threshold.

    Args:
        network: Float32 (B, bands, H, W) normalised pixels to logits (B, classes [+ contour], H, W).
        contract: Its promises; a contour plane is left out.
    """

    temperatures: Tensor
    shifts: Tensor

    def __init__(self, network: nn.Module, contract: ModelContract) -> None:
        super().__init__()
        crossings = torch.tensor(contract.thresholds, dtype=torch.float64).logit()
        self.network = network
        self.classes = len(contract.class_names)
        temperatures = [each.temperature for each in contract.calibrations or ()] or [1.0] * self.classes
        self.crossing = float(crossings[0])
        self.register_buffer("temperatures", torch.tensor(temperatures).view(-1, 1, 1))
        self.register_buffer("shifts", (crossings[0] - crossings).float().view(-1, 1, 1))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return float32 (B, 1 + classes, H, W), 0-1: background, then the classes of the contract."""
        logits = self.network(pixels)[:, : self.classes] / self.temperatures + self.shifts
        background = 2 * self.crossing - logits.amax(dim=1, keepdim=True)
        return torch.cat((background, logits), dim=1).sigmoid()


def export(
    checkpoint: Checkpoint, out: Path, *, tile_px: int = 1024, progress: Progress = SILENT
) -> ExportReport:
    """Write a checkpoint as ONNX for Deepness, and beside it a STAC item that describes it.

    The input is float32 (batch, bands, ``tile_px``, ``tile_px``): bytes divided by 255, minus mean,
    divided by standard deviation, as Deepness does it from the embedded values. The batch is free, the
    tile is not, because Deepness takes its size from the file. Before the file takes its name it is
    run by onnxruntime and compared with the network.

    Args:
        checkpoint: What to export; on the CPU.
        out: ONNX file to write; the STAC item gets the suffix ``.stac.json``.
        tile_px: Side of a tile, a multiple of 32 and at least four margins of the contract.
        progress: Told of finished steps.

    Raises:
        MissingExtraError: The extra ``export`` is not installed.
        SettingsError: ``tile_px`` does not fit.
        OutputError: ``out`` cannot be written, or differs from the network by
            ``LARGEST_DIFFERENCE`` or more; then nothing is left at ``out``.
    """
    contract = checkpoint.contract
    metadata = deepness_metadata(contract, tile_px)
    if out.suffix != ".onnx":
        raise OutputError(out, "does not end in .onnx", "give a name such as model.onnx")
    check_writable(out)
    _package("onnxruntime")  # asked before the graph is built, not after
    module = ProbabilityNetwork(checkpoint.network, contract).eval()
    pixels = _probe(contract, tile_px)
    with progress.stage("export", total=3, unit="steps") as advance, whole_file(out) as temporary:
        _write_graph(module, pixels, temporary, metadata)
        advance(1)
        difference = _difference(module, pixels, temporary)
        # Written so that a difference which is no number is refused too.
        if not difference < LARGEST_DIFFERENCE:
            raise OutputError(
                out,
                f"would differ from the network by {difference:.2g} in a probability, "
                f"less than {LARGEST_DIFFERENCE:g} is allowed, so it was not kept",
                "install the versions of torch, onnx and onnxruntime of requirements.lock",
            )
        advance(1)
        item = stac_item(checkpoint, temporary, tile_px=tile_px, onnx_at=out)
        advance(1)
    described = out.with_suffix(".stac.json")
    with whole_file(described) as temporary:
        temporary.write_text(json.dumps(item, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return ExportReport(out, described, difference, out.stat().st_size / 1e6, metadata)


def deepness_metadata(contract: ModelContract, tile_px: int) -> dict[str, str]:
    """Return what Deepness reads from a file's metadata, each value as a JSON text.

    Keys and units are those of ``processing/models/model_base.py`` of the plugin: ``resolution`` in
    centimetres per pixel, ``tiles_overlap`` in per cent of a tile, mean and standard deviation of
    values scaled to 0-1, ``seg_small_segment`` the pixels of a median filter.

    Args:
        contract: What the network promises.
        tile_px: Side of a tile.

    Raises:
        SettingsError: ``tile_px`` does not fit the network.
    """
    if tile_px % STRIDE_PX or tile_px < max(STRIDE_PX, 4 * contract.margin_px):
        cause = (
            f"{tile_px} does not fit a network that halves five times with a margin of {contract.margin_px}"
        )
        raise SettingsError(
            "tile_px", cause, f"use a multiple of {STRIDE_PX} from {4 * contract.margin_px} on"
        )
    values: dict[str, object] = {
        "model_type": "Segmentor",
        "class_names": dict(enumerate((BACKGROUND, *contract.class_names))),
        "resolution": round(contract.gsd_m * 100, 6),
        "tile_size": tile_px,
        # Deepness cuts half of the overlap from each side, which is what the margin asks for.
        "tiles_overlap": math.ceil(200 * contract.margin_px / tile_px),
        "standardization_mean": contract.mean,
        "standardization_std": contract.std,
        "seg_thresh": contract.thresholds[0],
        "seg_small_segment": round(math.sqrt(2 * _SPECK_M2) / contract.gsd_m),
    }
    return {key: json.dumps(value) for key, value in values.items()}


def _package(name: str) -> Any:  # noqa: ANN401 - optional, and without types
    with extras_told():
        return import_module(name)


def _write_graph(module: nn.Module, pixels: Tensor, path: Path, metadata: Mapping[str, str]) -> None:
    onnx, _ = _package("onnx"), _package("onnxscript")
    program = torch.onnx.export(
        module,
        (pixels,),
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        opset_version=_OPSET,
        dynamo=True,
        verbose=False,
    )
    if program is None:
        raise OutputError(path, "torch gave no graph", "install torch from requirements.lock")
    model = program.model_proto
    model.ir_version = _IR_VERSION
    model.producer_name, model.producer_version = "vigibati", version("vigibati")
    # The exporter notes for every node in which file of this machine it was made.
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.ClearField("metadata_props")
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(path))


def _probe(contract: ModelContract, tile_px: int) -> Tensor:
    """Return two tiles of coloured blocks with noise, normalised: something for every layer to see."""
    generator = np.random.default_rng(0)
    shape = (2, len(contract.bands), tile_px, tile_px)
    blocks = generator.integers(0, 200, (*shape[:2], *(side // STRIDE_PX for side in shape[2:])))
    values = blocks.repeat(STRIDE_PX, axis=2).repeat(STRIDE_PX, axis=3) + generator.integers(0, 56, shape)
    mean, std = (torch.tensor(each).view(1, -1, 1, 1) for each in (contract.mean, contract.std))
    return (torch.from_numpy(values.astype(np.float32)) / 255 - mean) / std


def _difference(module: nn.Module, pixels: Tensor, path: Path) -> float:
    """Return by how much the file's probabilities differ at most, for one tile and for two at once."""
    runtime = _package("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected: NDArray[np.float32] = module(pixels).numpy()
    worst = 0.0
    for tiles in (1, 2):
        (found,) = session.run(None, {INPUT_NAME: pixels[:tiles].numpy()})
        # A maximum of numpy is not a number as soon as one of the differences is not.
        worst = float(np.maximum(worst, np.abs(found - expected[:tiles]).max()))
    return worst
