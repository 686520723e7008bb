"""A model as an item of a STAC catalogue, by the extension for machine learning models."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.contract import ModelContract
from vigibati.configs.sources import source_credits
from vigibati.inference.model.checkpoint import Checkpoint

BACKGROUND = "background"
"""Name of the first output plane: what is none of the classes."""
INPUT_NAME = "pixels"
OUTPUT_NAME = "probabilities"

_EXTENSIONS = (
    "https://stac-extensions.github.io/mlm/v1.4.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
)
_TASKS = ["semantic-segmentation"]
_SIZES = ["batch", "channel", "height", "width"]
_WEIGHTS = "model.safetensors"
# Multihash: 0x12 = SHA-256, 0x20 = its 32 bytes.
_MULTIHASH_SHA256 = "1220"


def stac_item(checkpoint: Checkpoint, onnx: Path, *, tile_px: int, onnx_at: Path) -> dict[str, object]:
    """Return the item that describes an exported model (STAC 1.1, extension ``mlm`` 1.4).

    It has no geometry: a model lies nowhere. Where its training places are stands in the credits of
    the sources, under ``vigibati:training_sources``.

    Args:
        checkpoint: What was exported.
        onnx: Where the file is now.
        tile_px: Side of a tile.
        onnx_at: Where the file will be; links are relative to its folder.
    """
    contract = checkpoint.contract
    name = _name(contract.name)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(_EXTENSIONS),
        "id": f"{name}-{contract.weights_sha256[:12]}",
        "geometry": None,
        "properties": {
            "title": f"Buildings in orthophotos: {contract.name}",
            "description": _description(contract),
            "datetime": datetime.now(tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "gsd": contract.gsd_m,
            "bands": [{"name": band, "data_type": "uint8"} for band in contract.bands],
            **_model(checkpoint, name),
            "mlm:input": [_input(contract, tile_px)],
            "mlm:output": [_output(contract, tile_px)],
            "mlm:hyperparameters": _hyperparameters(contract),
            "vigibati:training_sources": _sources(contract),
            "vigibati:training_data_sha256": contract.data_sha256,
            "vigibati:trained_with": contract.trained_with,
        },
        "links": [],
        "assets": _assets(checkpoint, onnx, onnx_at),
    }


def _name(name: str) -> str:
    """Return a name as the extension allows it: a letter, then letters, digits, dots and dashes."""
    return "vigibati-" + (re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-._") or "model")


def _description(contract: ModelContract) -> str:
    chips = sum(source.chips for source in contract.sources)
    megapixels = sum(source.megapixels for source in contract.sources)
    origins = ", ".join(source.name for source in contract.sources)
    return (
        f"Segments {' and '.join(contract.class_names)} in orthophotos of {contract.gsd_m:g} m per pixel "
        f"({', '.join(contract.bands)}). Trained on {chips} chips, {megapixels:.4g} megapixels: {origins}. "
        "It proposes; a person decides every case."
    )


def _model(checkpoint: Checkpoint, name: str) -> dict[str, object]:
    return {
        "mlm:name": name,
        "mlm:architecture": type(checkpoint.network).__name__,
        "mlm:tasks": _TASKS,
        "mlm:framework": "PyTorch",
        "mlm:framework_version": torch.__version__,
        "mlm:total_parameters": sum(each.numel() for each in checkpoint.network.parameters()),
        "mlm:batch_size_suggestion": 1,
        # None is the extension's word for: uses what there is, and needs nothing of it.
        "mlm:accelerator": None,
        "mlm:accelerator_constrained": False,
        "mlm:accelerator_summary": "Runs on any CPU, and on any GPU that onnxruntime or torch drives.",
    }


def _input(contract: ModelContract, tile_px: int) -> dict[str, object]:
    return {
        "name": INPUT_NAME,
        "description": f"Tiles of {tile_px} pixels at {contract.gsd_m:g} m, 8 bits a band.",
        "bands": list(contract.bands),
        "input": {
            "shape": [-1, len(contract.bands), tile_px, tile_px],
            "dim_order": _SIZES,
            "data_type": "float32",
        },
        # On bytes: the contract's values are those of bytes divided by 255.
        "value_scaling": [
            {"type": "z-score", "mean": round(mean * 255, 6), "stddev": round(std * 255, 6)}
            for mean, std in zip(contract.mean, contract.std, strict=True)
        ],
        "resize_type": None,
        "pre_processing_function": None,
    }


def _output(contract: ModelContract, tile_px: int) -> dict[str, object]:
    names = (BACKGROUND, *contract.class_names)
    calibrated = "calibrated" if contract.calibrations else "not calibrated"
    # The export moves the logits of classes whose threshold is another.
    moved = ", moved to one threshold" if len(set(contract.thresholds)) > 1 else ""
    return {
        "name": OUTPUT_NAME,
        "description": f"Probability of each class, {calibrated}{moved}: it is there from "
        f"{contract.thresholds[0]:g} on. The background is none of them.",
        "tasks": _TASKS,
        "result": {
            "shape": [-1, len(names), tile_px, tile_px],
            "dim_order": _SIZES,
            "data_type": "float32",
        },
        "classification:classes": [
            {"value": value, "name": name, "description": f"Plane {value}: {name}"}
            for value, name in enumerate(names)
        ],
        "post_processing_function": None,
    }


def _hyperparameters(contract: ModelContract) -> dict[str, object]:
    return {
        "recipe": contract.recipe,
        "architecture": contract.architecture,
        "encoder": contract.encoder,
        "margin_px": contract.margin_px,
        "thresholds": dict(zip(contract.class_names, contract.thresholds, strict=True)),
        "temperatures": None
        if contract.calibrations is None
        else {
            name: each.temperature
            for name, each in zip(contract.class_names, contract.calibrations, strict=True)
        },
    }


def _sources(contract: ModelContract) -> list[dict[str, object]]:
    known = source_credits()
    return [
        source.model_dump() | (known[source.name].model_dump() if source.name in known else {})
        for source in contract.sources
    ]


def _assets(checkpoint: Checkpoint, onnx: Path, onnx_at: Path) -> dict[str, object]:
    weights = checkpoint.folder / _WEIGHTS
    return {
        "model": {
            "href": f"./{onnx_at.name}",
            "title": "Network as ONNX, with the metadata of the QGIS plugin Deepness",
            "type": "application/octet-stream; framework=onnx",
            "roles": ["mlm:model", "mlm:compiled", "data"],
            "mlm:artifact_type": "onnx",
            "mlm:framework": "ONNX",
            "mlm:framework_version": version("onnx"),
            **_fingerprint(onnx),
        },
        "weights": {
            "href": Path(os.path.relpath(weights.resolve(), onnx_at.resolve().parent)).as_posix(),
            "title": "Weights as safetensors, in half precision",
            "type": "application/octet-stream; framework=safetensors",
            "roles": ["mlm:weights", "weights"],
            **_fingerprint(weights),
        },
    }


def _fingerprint(path: Path) -> dict[str, object]:
    return {"file:size": path.stat().st_size, "file:checksum": _MULTIHASH_SHA256 + sha256_file(path)}
