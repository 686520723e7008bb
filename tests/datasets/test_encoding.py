"""Probabilities in 8 bits: one worked example, and nobody spells the encoding a second time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from vigibati.configs.contract import ModelContract
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.inference.model.inference_network import Readout
from vigibati.inference.probabilities.strip_masks import threshold_mask

FOLDERS = ("benchmarks", "cadastre", "configs", "datasets", "inference", "training", "vigibati")


def second_spellings(source: str) -> Iterator[int]:
    """Lines that spell the encoding: 254 anywhere, 255 under the name of no image or nodata."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=254):
                yield node.lineno
            case ast.Assign() | ast.AnnAssign() | ast.keyword() | ast.Dict() if spells_nodata(node):
                yield (node.value if isinstance(node, ast.keyword) else node).lineno


def spells_nodata(node: ast.AST) -> bool:
    inside = list(ast.walk(node))
    names = [each.id for each in inside if isinstance(each, ast.Name)]
    names += [str(each.value) for each in inside if isinstance(each, ast.Constant)]
    names += [each.arg or "" for each in inside if isinstance(each, ast.keyword)]
    named = any(name.lower().lstrip("_") in {"no_image", "nodata"} for name in names)
    return named and any(isinstance(each, ast.Constant) and each.value == 255 for each in inside)


@pytest.mark.parametrize(
    "source",
    [
        "_CERTAIN = 254",
        "x = values / 254",
        "_NO_IMAGE = 255",
        "NO_IMAGE: Final = 255",
        "SHOWN, NO_IMAGE = SCALE, 255",
        "open(path, nodata=255)",
        "profile = {'nodata': 255}",
    ],
)
def test_a_second_spelling_is_found(source: str) -> None:
    assert set(second_spellings(source)) == {1}


def test_nobody_else_spells_the_encoding(root: Path) -> None:
    home = root / "datasets" / "encoding.py"
    assert list(second_spellings(home.read_text(encoding="utf-8")))
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            lines = [] if path == home else list(second_spellings(path.read_text(encoding="utf-8")))
            assert not lines, f"{path}, lines {lines}: import them from datasets.encoding"


def test_the_network_writes_what_thresholds_read(contract: Callable[..., ModelContract]) -> None:
    probabilities = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities) - np.log1p(-probabilities)
    planes = torch.from_numpy(logits.clip(-50, 50).astype(np.float32)).view(1, 1, 1, 5)
    stored = Readout(contract())(planes)[0].numpy().ravel()
    assert stored.tolist() == [0, 25, 127, 229, 254]
    assert (PROBABILITY_SCALE, NO_IMAGE) == (254, 255)
    with_gap = np.append(stored, NO_IMAGE).astype(np.uint8)
    assert threshold_mask(with_gap, 0.5).tolist() == [False, False, True, True, True, False]
