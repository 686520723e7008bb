from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from vigibati.configs.contract import Calibration, ModelContract
from vigibati.configs.errors import MissingExtraError, OutputError, SettingsError
from vigibati.inference.model.checkpoint import Checkpoint, save_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.network import build_network
from vigibati.inference.model.predictor import Predictor
from vigibati.training.publishing import export_onnx as module_under_test
from vigibati.training.publishing.export_onnx import (
    ExportReport,
    ProbabilityNetwork,
    deepness_metadata,
    export,
)

TILE_PX = 128
# Probabilities this near to one another may change places by rounding alone.
NEAR = 1e-5


def contract(**changes: Any) -> ModelContract:
    values: dict[str, Any] = {
        "name": "light",
        "architecture": "unet",
        "encoder": "timm-tf_efficientnet_lite0",
        "decoder_channels": (8,) * 5,
        "bands": ("red", "green", "blue"),
        "mean": (0.5, 0.4, 0.3),
        "std": (0.5, 0.25, 0.2),
        "gsd_m": 0.2,
        "class_names": ("building", "pool"),
        "thresholds": (0.5, 0.5),
        "margin_px": 32,
        "sources": ({"name": "barnarp", "chips": 3, "megapixels": 0.5, "share": 1.0},),
        "data_sha256": "a" * 64,
        "weights_sha256": "",
        "trained_with": "0",
        "recipe": "light",
    }
    return ModelContract.model_validate({**values, **changes})


def calibrations(*temperatures: float) -> tuple[Calibration, ...]:
    return tuple(Calibration(temperature=each, object_slope=1, object_offset=0) for each in temperatures)


def as_deepness(planes: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """What the plugin makes of (B, planes, H, W): a class for every pixel, 0 for none of them."""
    planes = planes.copy()
    planes[planes < threshold] = 0
    return np.asarray(planes.argmax(axis=1))


def planes_of(logits: Tensor, promised: ModelContract) -> NDArray[np.float32]:
    planes: NDArray[np.float32] = ProbabilityNetwork(nn.Identity(), promised)(logits).numpy()
    return planes


def test_a_pixel_is_background_then_calibrated_classes_without_the_contour() -> None:
    promised = contract(contour=True, calibrations=calibrations(2.0, 1.0))
    # Building, pool and contour of two pixels.
    logits = torch.tensor([[2.0, -1.0], [0.0, -3.0], [50.0, 50.0]]).view(1, 3, 1, 2)
    planes = planes_of(logits, promised)
    assert planes.shape == (1, 3, 1, 2)
    building, pool = 1 / (1 + np.exp([-1.0, 0.5])), 1 / (1 + np.exp([0.0, 3.0]))
    np.testing.assert_allclose(planes[0, 1, 0], building, atol=1e-6)
    np.testing.assert_allclose(planes[0, 2, 0], pool, atol=1e-6)
    np.testing.assert_allclose(planes[0, 0, 0], 1 - np.maximum(building, pool), atol=1e-6)


LOGITS = st.lists(st.floats(-12, 12, width=32), min_size=2, max_size=2)
THRESHOLDS = st.floats(0.05, 0.95)


@given(logits=LOGITS, thresholds=st.tuples(THRESHOLDS, THRESHOLDS), temperature=st.floats(0.3, 3))
def test_deepness_sees_a_class_exactly_where_one_reaches_its_threshold(
    logits: list[float], thresholds: tuple[float, float], temperature: float
) -> None:
    promised = contract(thresholds=thresholds, calibrations=calibrations(temperature, 1.0))
    pixel = torch.tensor(logits).view(1, 2, 1, 1)
    calibrated = 1 / (1 + np.exp(-np.array(logits) / (temperature, 1.0)))
    distances = calibrated - thresholds
    if np.abs(distances).min() < NEAR:
        return
    chosen = int(as_deepness(planes_of(pixel, promised), thresholds[0])[0, 0, 0])
    assert (chosen > 0) == bool((distances >= 0).any())
    assert chosen == 0 or distances[chosen - 1] >= 0


@given(logits=LOGITS, threshold=THRESHOLDS, raised=st.floats(0, 0.9))
def test_a_higher_threshold_in_the_plugin_does_what_it_says(
    logits: list[float], threshold: float, raised: float
) -> None:
    promised = contract(thresholds=(threshold, threshold))
    higher = threshold + raised * (1 - threshold)
    probabilities = 1 / (1 + np.exp(-np.array(logits)))
    if np.abs(probabilities - higher).min() < NEAR or abs(np.diff(probabilities)[0]) < NEAR:
        return
    chosen = int(as_deepness(planes_of(torch.tensor(logits).view(1, 2, 1, 1), promised), higher)[0, 0, 0])
    wanted = int(probabilities.argmax()) + 1 if probabilities.max() >= higher else 0
    assert chosen == wanted


def test_the_metadata_is_json_by_the_keys_of_the_plugin() -> None:
    values = {key: json.loads(text) for key, text in deepness_metadata(contract(margin_px=96), 1024).items()}
    assert values == {
        "model_type": "Segmentor",
        "class_names": {"0": "background", "1": "building", "2": "pool"},
        "resolution": 20.0,
        "tile_size": 1024,
        "tiles_overlap": 19,
        "standardization_mean": [0.5, 0.4, 0.3],
        "standardization_std": [0.5, 0.25, 0.2],
        "seg_thresh": 0.5,
        "seg_small_segment": 7,
    }
    # As the plugin computes what it cuts from each side of a tile.
    assert int(1024 * values["tiles_overlap"] / 100 * 2) // 2 // 2 >= 96


@pytest.mark.parametrize("tile_px", [100, 96, 0])
def test_a_tile_that_does_not_fit_is_refused(tile_px: int) -> None:
    with pytest.raises(SettingsError, match=f"tile_px: {tile_px} does not fit .* multiple of 32 from 128 on"):
        deepness_metadata(contract(), tile_px)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A network of the shipped kind with a contour plane, whose normalisation has seen some pixels."""
    torch.manual_seed(3)
    promised = contract(contour=True, calibrations=calibrations(1.5, 0.8), thresholds=(0.5, 0.4))
    network = build_network(
        architecture=promised.architecture,
        encoder=promised.encoder,
        decoder_channels=promised.decoder_channels,
        bands=3,
        classes=3,
    )
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.momentum = 0.5
        for _ in range(4):
            network(torch.randn(2, 3, TILE_PX, TILE_PX))
    return save_checkpoint(network.eval(), promised, tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def exported(checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    return export(checkpoint, tmp_path_factory.mktemp("export") / "model.onnx", tile_px=TILE_PX)


def test_the_file_says_what_the_program_says(checkpoint: Checkpoint, exported: ExportReport) -> None:
    session = onnxruntime.InferenceSession(str(exported.onnx), providers=["CPUExecutionProvider"])
    found = session.get_modelmeta().custom_metadata_map
    assert found == dict(exported.metadata)
    (entry,), (leaving,) = session.get_inputs(), session.get_outputs()
    assert (entry.shape[1:], leaving.shape[1:]) == ([3, TILE_PX, TILE_PX], [3, TILE_PX, TILE_PX])
    # The plugin takes a text for a batch of any size.
    assert isinstance(entry.shape[0], str)

    tiles = np.random.default_rng(5).integers(0, 256, (3, TILE_PX, TILE_PX, 3), dtype=np.uint8)
    mean, std = (
        np.array(json.loads(found[f"standardization_{what}"]), dtype=np.float32) for what in ("mean", "std")
    )
    pixels = ((np.float32(tiles * 1.0 / 255.0) - mean) / std).transpose(0, 3, 1, 2)
    (planes,) = session.run(None, {entry.name: pixels})

    predictor = Predictor(checkpoint, Device(torch.device("cpu")))
    wanted = predictor.predict(tiles.transpose(0, 3, 1, 2)) / 254
    assert wanted[:, 0].min() < 0.4
    assert wanted[:, 0].max() > 0.6
    np.testing.assert_allclose(planes[:, 1], wanted[:, 0], atol=0.6 / 254)
    # Half a step of quantisation beside a threshold is neither.
    sure = (np.abs(wanted - [[[[0.5]], [[0.4]]]]) > 1 / 254).all(axis=1)
    seen = as_deepness(planes, json.loads(found["seg_thresh"])) > 0
    np.testing.assert_array_equal(
        seen[sure], ((wanted[:, 0] >= 0.5) | (wanted[:, 1] >= 0.4))[sure], strict=True
    )


def test_the_file_agrees_and_tells_nothing_of_this_machine(exported: ExportReport, root: Path) -> None:
    assert exported.max_difference < 1e-3
    assert exported.megabytes == exported.onnx.stat().st_size / 1e6
    model = onnx.load(str(exported.onnx))
    assert model.ir_version == 8
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 18)]
    assert str(root).encode() not in exported.onnx.read_bytes()


def test_the_item_has_what_the_extension_requires(checkpoint: Checkpoint, exported: ExportReport) -> None:
    item = json.loads(exported.stac.read_text(encoding="utf-8"))
    assert exported.stac.name == "model.stac.json"
    assert {"type", "stac_version", "id", "geometry", "properties", "links", "assets"} <= set(item)
    assert any("/mlm/v1." in extension for extension in item["stac_extensions"])
    properties = item["properties"]
    required = {"datetime", "mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"}
    assert required <= set(properties)
    (entry,), (leaving,) = properties["mlm:input"], properties["mlm:output"]
    assert {"name", "bands", "input"} <= set(entry)
    assert {"name", "tasks", "result"} <= set(leaving)
    for shape in (entry["input"], leaving["result"]):
        assert shape["shape"] == [-1, 3, TILE_PX, TILE_PX]
        assert shape["dim_order"] == ["batch", "channel", "height", "width"]
        assert shape["data_type"] == "float32"
    # Bands of the input must be described, in STAC 1.1 under the item's own.
    assert entry["bands"] == [band["name"] for band in properties["bands"]] == ["red", "green", "blue"]
    assert entry["value_scaling"][1] == {"type": "z-score", "mean": 102.0, "stddev": 63.75}
    assert [each["name"] for each in leaving["classification:classes"]] == ["background", "building", "pool"]
    assert properties["mlm:accelerator"] is None
    assert properties["mlm:hyperparameters"]["temperatures"] == {"building": 1.5, "pool": 0.8}
    (source,) = properties["vigibati:training_sources"]
    assert (source["name"], source["chips"], source["licence"]) == ("barnarp", 3, "GPL-2.0")
    assert item["id"].endswith(checkpoint.contract.weights_sha256[:12])


def test_the_assets_of_the_item_are_there(exported: ExportReport, checkpoint: Checkpoint) -> None:
    assets = json.loads(exported.stac.read_text(encoding="utf-8"))["assets"]
    assert [name for name, asset in assets.items() if "mlm:model" in asset["roles"]] == ["model"]
    # Required of the asset of that role, and forbidden of all others.
    assert [name for name, asset in assets.items() if "mlm:artifact_type" in asset] == ["model"]
    for asset in assets.values():
        path = exported.stac.parent / asset["href"]
        assert asset["file:checksum"] == "1220" + hashlib.sha256(path.read_bytes()).hexdigest()
        assert asset["file:size"] == path.stat().st_size
    assert assets["weights"]["file:checksum"] == "1220" + checkpoint.contract.weights_sha256


@pytest.mark.parametrize(("output", "told"), [(0.25, "0.25"), (float("nan"), "nan")])
def test_a_file_that_disagrees_is_not_kept(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: float, told: str
) -> None:
    def session(*_: Any, **__: Any) -> SimpleNamespace:
        def run(_: None, feed: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            (pixels,) = feed.values()
            with torch.inference_mode():
                probabilities = ProbabilityNetwork(checkpoint.network, checkpoint.contract)(
                    torch.from_numpy(pixels)
                )
            planes: NDArray[np.float32] = probabilities.numpy()
            planes[0, 1, 40, 50] += output
            return [planes]

        return SimpleNamespace(run=run)

    monkeypatch.setattr(
        module_under_test, "_write_graph", lambda *arguments: arguments[2].write_bytes(b"graph")
    )
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    out = tmp_path / "model.onnx"
    with pytest.raises(OutputError, match=rf"model\.onnx: would differ from the network by {told} in a prob"):
        export(checkpoint, out, tile_px=TILE_PX)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_what_is_not_installed_is_named_with_its_extra(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf"{package}: is not installed, .*vigibati\[export\]"):
        export(checkpoint, tmp_path / "model.onnx", tile_px=TILE_PX)
    assert list(tmp_path.iterdir()) == []


def test_another_kind_of_file_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"model\.pt: does not end in \.onnx"):
        export(checkpoint, tmp_path / "model.pt", tile_px=TILE_PX)
