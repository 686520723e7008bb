"""A metric has all its parts: counts of a chip, figures of an evaluation, a place in the model card."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from dataclasses import fields
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from vigibati.training import evaluate, metrics, publishing
from vigibati.training.metrics import chip_score
from vigibati.training.metrics.chip_score import ChipScore


def attributes(module: ModuleType) -> set[str]:
    tree = ast.parse(inspect.getsource(module))
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def keys(module: ModuleType) -> set[object]:
    """Keys that a module asks for by subscripts of a literal."""
    tree = ast.parse(inspect.getsource(module))
    slices = (node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript))
    return {each.value for each in slices if isinstance(each, ast.Constant)}


def names(module: ModuleType) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.Name)}


def measures() -> set[str]:
    """Functions of the metrics that count on a chip, or make figures of the counts."""
    modules = (import_module(f"{metrics.__name__}.{each.name}") for each in iter_modules(metrics.__path__))
    return {name for module in modules for name in vars(module) if name.endswith(("_counts", "_figures"))}


def figures_of_a_class() -> set[str]:
    """Keys of the figures of a class, as the evaluation makes them."""
    (made,) = (
        node
        for node in ast.walk(ast.parse(inspect.getsource(evaluate)))
        if isinstance(node, ast.FunctionDef) and node.name == "_figures"
    )
    (figures,) = (node.value for node in ast.walk(made) if isinstance(node, ast.Return))
    assert isinstance(figures, ast.Dict)
    return {ast.literal_eval(key) for key in figures.keys if key is not None}


def missing_parts(functions: Iterable[str], counts: Iterable[str], figures: Iterable[str]) -> list[str]:
    """What functions, counts of a chip and groups of figures still lack, a line each that names the part."""
    counted, measured, read = names(chip_score), names(evaluate), attributes(evaluate)
    told = {
        key
        for module in iter_modules(publishing.__path__)
        for key in keys(import_module(f"{publishing.__name__}.{module.name}"))
    }
    return [
        *(
            f"training/metrics/chip_score.py does not call {name}"
            for name in functions
            if name.endswith("_counts") and name not in counted
        ),
        *(
            f"training/evaluate.py does not call {name}"
            for name in functions
            if name.endswith("_figures") and name not in measured
        ),
        *(f"training/evaluate.py makes no figure of '{name}'" for name in counts if name not in read),
        *(f"training/publishing shows nothing of '{name}'" for name in figures if name not in told),
    ]


def test_every_metric_has_all_its_parts() -> None:
    counts = [field.name for field in fields(ChipScore)]
    missing = missing_parts(sorted(measures()), counts, sorted(figures_of_a_class()))
    assert not missing, "\n".join(missing)


def test_a_new_metric_is_told_every_part_that_it_lacks() -> None:
    assert missing_parts(["nonesuch_counts", "nonesuch_figures"], ["nonesuch"], ["nonesuch"]) == [
        "training/metrics/chip_score.py does not call nonesuch_counts",
        "training/evaluate.py does not call nonesuch_figures",
        "training/evaluate.py makes no figure of 'nonesuch'",
        "training/publishing shows nothing of 'nonesuch'",
    ]
