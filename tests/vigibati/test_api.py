"""What `import vigibati` gives: every verb, what it takes and returns, loaded when it is first used."""

from __future__ import annotations

import ast
import inspect
import pydoc
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import typer

import vigibati
from vigibati.cli.app import app

# Parameters that hold several options.
GROUPS = {
    "adaptation": vigibati.AdaptSettings,
    "context": vigibati.ContextPaths,
    "cutting": vigibati.Cutting,
    "image": vigibati.ImageOptions,
    "run": vigibati.RunOptions,
    "settings": vigibati.AdaptSettings,
}
# Options whose parameter has another name: it holds several values, or more than a command line can say.
RENAMED = {
    "adapt": "adaptation",
    "config": "settings",
    "quicklook": "quicklook_png",
    "records_crs": "hints",
    "records_format": "hints",
    "records_mapping": "hints",
    "seed": "seeds",
    "shift_m": "shifts_m",
    "threshold": "thresholds",
    "vintage": "vintages",
}
# Options that stand for another function, and those about printing.
ELSEWHERE = {("chips", "flair"): vigibati.flair_chips, ("synth", "chips"): vigibati.synth_chips}
PRINTING = {"json", "quiet", "dry_run"}


def commands() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {"": command})
        found |= {f"{name} {key}".strip(): value for key, value in inner.items()}
    return found


COMMANDS = commands()
FUNCTIONS: Mapping[str, Any] = {
    name: value for name in vigibati.__all__ if inspect.isfunction(value := getattr(vigibati, name))
}


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_is_a_function_with_all_that_its_command_takes(verb: str) -> None:
    parameters = inspect.signature(FUNCTIONS[re.sub("[ -]", "_", verb)]).parameters
    grouped = {
        name: group for group, kind in GROUPS.items() if group in parameters for name in get_type_hints(kind)
    }
    given = set[str]()
    for option in COMMANDS[verb].params:
        if option.name in PRINTING or (verb, option.name) in ELSEWHERE:
            continue
        parameter = next(
            (
                each
                for each in (option.name, grouped.get(option.name), RENAMED.get(option.name))
                if each in parameters
            ),
            None,
        )
        assert parameter is not None, f"vigibati.{verb} has nothing for the option '{option.name}'"
        given.add(parameter)
    needed = {name for name, each in parameters.items() if each.default is each.empty}
    assert needed <= given, f"vigibati.{verb} needs {needed - given}, which its command does not give"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_explains_what_it_takes_and_is_typed(name: str) -> None:
    signature, told = inspect.signature(FUNCTIONS[name]), inspect.getdoc(FUNCTIONS[name])
    assert told is not None
    assert signature.return_annotation is not signature.empty
    _, _, explained = told.partition("\nArgs:\n")
    for parameter in signature.parameters.values():
        assert parameter.annotation is not parameter.empty, parameter.name
        only = len(signature.parameters) == 1
        assert only or f"\n    {parameter.name}: " in f"\n{explained}", f"{name}: {parameter.name}"


def classes_in(annotation: Any) -> Iterator[type]:
    if inspect.isclass(annotation) and annotation.__module__.startswith("vigibati."):
        yield annotation
    for part in get_args(annotation):
        yield from classes_in(part)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_takes_and_returns_is_public_too(name: str) -> None:
    function = FUNCTIONS[name]
    # Names that only a type checker reads; the real ones are public, so that they are found here.
    known = {each: getattr(vigibati, each) for each in vigibati.__all__}
    for annotation in get_type_hints(function, {**known, **function.__globals__}).values():
        for kind in classes_in(annotation):
            assert getattr(vigibati, kind.__name__, None) is kind, kind


def test_the_three_lists_of_names_are_one(root: Path) -> None:
    tree = ast.parse((root / "vigibati" / "__init__.py").read_text(encoding="utf-8"))
    block, _loader = (node for node in tree.body if isinstance(node, ast.If))
    read = {
        alias.name: str(node.module)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {name: f"vigibati.{module}" for name, module in vigibati._HOMES.items()}
    assert read == homes
    assert sorted(vigibati.__all__) == sorted([*homes, "__version__"])


def test_every_name_stays_what_it_is_whatever_is_loaded(root: Path) -> None:
    before = {name: getattr(vigibati, name) for name in vigibati._HOMES}
    for path in sorted((root / "vigibati").rglob("*.py")):
        import_module(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))
    assert {name: getattr(vigibati, name) for name in vigibati._HOMES} == before


def test_help_shows_every_public_name() -> None:
    text = pydoc.plain(pydoc.render_doc(vigibati))
    for name, function in FUNCTIONS.items():
        first = (inspect.getdoc(function) or "").splitlines()[0]
        assert re.search(rf"^    {name}(?: = \w+)?\(", text, re.MULTILINE), name
        assert first in text, name
    for name in set(vigibati.__all__) - set(FUNCTIONS) - {"SILENT", "__version__"}:
        assert f"class {name}(" in text, name


def test_nothing_heavy_is_loaded_and_every_name_is_listed() -> None:
    code = (
        "import sys, vigibati; shown = dir(vigibati); "
        "heavy = {'numpy', 'geopandas', 'torch', 'rasterio', 'pydantic', 'importlib.metadata'}; "
        "print(sorted(heavy & set(sys.modules)), set(shown) ^ {*vigibati.__all__}, vigibati.__version__)"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == f"[] {{'__doc__'}} {vigibati.__version__}\n"


def test_an_unknown_name_is_an_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'vigibati' has no attribute 'detects'"):
        _ = vigibati.detects
