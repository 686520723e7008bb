"""A metric has all its parts: counts of a chip, figures of an evaluation, a place in the model card."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from vigibati.training import evaluate, publishing
from vigibati.training.metrics.chip_score import ChipScore


def attributes(module: ModuleType) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def keys(module: ModuleType) -> set[object]:
    """Keys that a module asks for by subscripts of a literal."""
    tree = ast.parse(inspect.getsource(module))
    slices = (node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript))
    return {each.value for each in slices if isinstance(each, ast.Constant)}


def missing_parts(counts: Iterable[str], figures: Iterable[str]) -> list[str]:
    """What counts of a chip and groups of figures still lack, a line each that names the part."""
    read = attributes(evaluate)
    told = {
        key
        for module in iter_modules(publishing.__path__)
        for key in keys(import_module(f"{publishing.__name__}.{module.name}"))
    }
    return [
        *(f"training/evaluate.py makes no figure of '{name}'" for name in counts if name not in read),
        *(f"training/publishing shows nothing of '{name}'" for name in figures if name not in told),
    ]


def figures_of_the_shipped_model(root: Path) -> set[str]:
    evaluation = json.loads((root / "checkpoints" / "evaluation.json").read_text(encoding="utf-8"))
    sources = evaluation["sources"].values()
    return {name for source in sources for figures in source["classes"].values() for name in figures}


def test_every_metric_has_all_its_parts(root: Path) -> None:
    counts = [field.name for field in fields(ChipScore)]
    missing = missing_parts(counts, figures_of_the_shipped_model(root))
    assert not missing, "\n".join(missing)


def test_a_new_metric_is_told_every_part_that_it_lacks() -> None:
    assert missing_parts(["hausdorff"], ["hausdorff"]) == [
        "training/evaluate.py makes no figure of 'hausdorff'",
        "training/publishing shows nothing of 'hausdorff'",
    ]
