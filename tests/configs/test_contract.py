from __future__ import annotations

import json
from typing import Any

import pytest

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import SettingsError


def contract(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": "light",
        "architecture": "unet",
        "encoder": "resnet18",
        "bands": ["red", "green", "blue"],
        "mean": [0.4, 0.5, 0.6],
        "std": [0.1, 0.2, 0.3],
        "gsd_m": 0.2,
        "class_names": ["building", "pool"],
        "thresholds": [0.5, 0.4],
        "margin_px": 96,
        "sources": [{"name": "barnarp", "chips": 3, "megapixels": 0.5, "share": 1.0}],
        "data_sha256": "a" * 64,
        "weights_sha256": "b" * 64,
        "trained_with": "0.1.0",
        "recipe": "light",
    }
    return {**values, **changes}


def test_a_contract_survives_its_file() -> None:
    made = ModelContract.checked(contract(), subject="contract.json")
    assert (made.contract_version, made.decoder_channels) == (1, None)
    assert ModelContract.checked(json.loads(made.model_dump_json()), subject="contract.json") == made


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": [0.5]}, "bands, mean and std must have the same length"),
        ({"std": [0.1, 0.2]}, "bands, mean and std must have the same length"),
        ({"std": [0.1, 0.0, 0.3]}, "std must be positive"),
        ({"thresholds": [0.5]}, "class_names and thresholds must have the same length"),
        ({"thresholds": [0.5, 1.0]}, "thresholds must lie between 0 and 1"),
        ({"thresholds": [0.0, 0.5]}, "thresholds must lie between 0 and 1"),
        ({"class_names": [], "thresholds": []}, "key 'class_names'"),
        ({"bands": ["red", "green", "thermal"]}, "key 'bands.2'"),
        ({"gsd_m": 0}, "key 'gsd_m'"),
        ({"margin_px": -1}, "key 'margin_px'"),
        ({"contract_version": 2}, "key 'contract_version'"),
        ({"sources": [{"name": "x", "chips": 1, "megapixels": 1, "share": 1.5}]}, r"key 'sources\.0\.share'"),
        ({"classes": 2}, "key 'classes'"),
    ],
)
def test_a_contract_that_does_not_hold_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ModelContract.checked(contract(**changes), subject="contract.json")


def test_every_promise_is_explained() -> None:
    schema = ModelContract.model_json_schema()
    parts = [schema, *schema["$defs"].values()]
    bare = [key for part in parts for key, of in part["properties"].items() if "description" not in of]
    assert bare == ["contract_version"]
