"""The house rules that no linter knows: rooms, arrows, sizes, packaging, no input checked by assert."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import vigibati

FOLDERS = ("cadastre", "checkpoints", "configs", "datasets", "inference", "training", "vigibati")
MODEL_PACKAGES = {"torch", "torchvision", "lightning", "segmentation_models_pytorch", "torchmetrics"}
TORCH_FREE = (
    "cadastre*",
    "configs",
    "inference/probabilities",
    "inference/regularisation",
    "inference/vectorisation",
)
FILE_LINES, FUNCTION_LINES, FOLDER_MODULES = 260, 50, 20
# The one way past a size: a comment on the first line of the file or of the function.
REASON = re.compile(r"# long: \S+")


def sources(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


def rooms(root: Path) -> list[str]:
    return sorted(
        path.parent.relative_to(root).as_posix()
        for folder in FOLDERS
        for path in (root / folder).rglob("__init__.py")
    )


def dotted(path: str) -> str:
    """Name under which a folder or file of the root is imported."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts if parts[0] == "vigibati" else ["vigibati", *parts])


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def modules(root: Path) -> dict[str, Path]:
    return {
        dotted(path.relative_to(root).as_posix()): path
        for folder in FOLDERS
        for path in sources(root, folder)
    }


def nearest(name: str, known: set[str]) -> str | None:
    """The module that an imported name lies in, the name itself or what stands before its last dots."""
    parts = name.split(".")
    candidates = (".".join(parts[:size]) for size in range(len(parts), 0, -1))
    return next((each for each in candidates if each in known), None)


def module_graph(root: Path) -> dict[str, set[str]]:
    known = modules(root)
    graph: dict[str, set[str]] = {}
    for module, path in known.items():
        found = imported(path)
        # `from package import module` names the package too, of which nothing is meant.
        meant = {name for name in found if not any(other.startswith(f"{name}.") for other in found)}
        targets = {nearest(name, set(known)) for name in meant} - {None, module}
        graph[module] = {str(target) for target in targets}
    return graph


def room_graph(root: Path) -> dict[str, set[str]]:
    homes = {module: path.parent.relative_to(root).as_posix() for module, path in modules(root).items()}
    graph: dict[str, set[str]] = {room: set() for room in rooms(root)}
    for module, targets in module_graph(root).items():
        graph[homes[module]] |= {homes[target] for target in targets} - {homes[module]}
    return graph


def design_rooms(root: Path) -> dict[str, tuple[str, list[str]]]:
    text = (root / "docs" / "design.md").read_text(encoding="utf-8")
    marked = re.search(r"<!-- table:rooms -->\n(.*?)\n<!-- /table:rooms -->", text, re.DOTALL)
    assert marked is not None
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in marked[1].splitlines()[2:]]
    return {name.strip("`"): (holds, re.findall(r"`([^`]+)`", arrows)) for name, holds, arrows in rows}


def let_in(room: str, pattern: str) -> bool:
    return room == pattern or (pattern.endswith("/*") and f"{room}/".startswith(pattern[:-1]))


def test_every_room_is_in_the_design_with_its_own_words(root: Path) -> None:
    told = design_rooms(root)
    assert sorted(told) == rooms(root)
    for room, (holds, _) in told.items():
        docstring = ast.get_docstring(ast.parse((root / room / "__init__.py").read_text(encoding="utf-8")))
        assert docstring is not None, f"{room}/__init__.py says nothing"
        assert docstring.splitlines()[0] == holds, f"{room}: docs/design.md says something else"
        assert room == "checkpoints" or len(docstring.splitlines()) > 1, f"{room}: what does not live there?"


def test_rooms_import_what_the_design_lets_them(root: Path) -> None:
    told = design_rooms(root)
    for room, found in room_graph(root).items():
        allowed = told[room][1]
        foreign = {target for target in found if not any(let_in(target, pattern) for pattern in allowed)}
        assert not foreign, f"{room} imports {sorted(foreign)}; docs/design.md lets it import {allowed}"
        unused = [pattern for pattern in allowed if not any(let_in(target, pattern) for target in found)]
        assert not unused, f"{room} imports nothing of {unused}: take it out of docs/design.md"


def test_imports_go_one_way(root: Path) -> None:
    TopologicalSorter(room_graph(root)).prepare()
    TopologicalSorter(module_graph(root)).prepare()


def functions(path: Path) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    """Functions of a file and the lines of each, docstring aside."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = ast.get_docstring(node) is not None
            documented = (first.end_lineno or 0) - first.lineno + 1 if told else 0
            yield node, (node.end_lineno or 0) - node.lineno + 1 - documented


def test_files_functions_and_folders_stay_small(root: Path) -> None:
    for path in modules(root).values():
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= FILE_LINES or REASON.search(lines[0]), f"{path} has {len(lines)} lines"
        for node, length in functions(path):
            excused = REASON.search(lines[node.lineno - 1])
            assert length <= FUNCTION_LINES or excused, f"{path}: {node.name} has {length} lines"
    for room in rooms(root):
        names = [path.name for path in (root / room).glob("*.py") if path.name != "__init__.py"]
        first = (root / room / "__init__.py").read_text(encoding="utf-8").splitlines()[-1]
        assert len(names) <= FOLDER_MODULES or REASON.search(first), f"{room} holds {len(names)} modules"


def test_every_package_is_declared_and_linked(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert settings["package-dir"] == {dotted(room): room for room in rooms(root)}
    assert set(settings["packages"]) == set(settings["package-dir"])
    links = {path.name: path.resolve() for path in (root / ".typing" / "vigibati").iterdir()}
    beside = {folder: root / folder for folder in FOLDERS if folder != "vigibati"}
    within = {path.name: path for path in (root / "vigibati").iterdir() if path.name != "__pycache__"}
    assert links == {name: path.resolve() for name, path in {**beside, **within}.items()}


def test_nothing_hides_a_public_function(root: Path) -> None:
    # Python puts a module on its package under its own name, in place of whatever was there.
    children = {name.split(".")[1] for name in modules(root) if name.count(".") >= 1}
    assert not children & set(vigibati.__all__)


@pytest.mark.parametrize("pattern", TORCH_FREE)
def test_these_rooms_load_no_torch(root: Path, pattern: str) -> None:
    names = [name for room in rooms(root) if fnmatch(room, pattern) for name in in_room(root, room)]
    assert names
    code = f"import sys, {', '.join(names)}; print(*({MODEL_PACKAGES!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-P", "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == ""


def in_room(root: Path, room: str) -> list[str]:
    return [dotted(path.relative_to(root).as_posix()) for path in sorted((root / room).glob("*.py"))]


def test_the_command_line_loads_no_torch() -> None:
    code = "import sys, vigibati.cli.app, vigibati.workflow.cases; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_assert_and_no_print_in_product_code(root: Path, folder: str) -> None:
    for path in sources(root, folder):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)], path
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        assert not [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"], (
            path
        )


@pytest.mark.parametrize("folder", FOLDERS)
def test_weights_are_never_unpickled(root: Path, folder: str) -> None:
    for path in sources(root, folder):
        names = imported(path)
        assert not names & {"pickle", "torch.load", "joblib"}, path
        loads = path.read_text(encoding="utf-8").count("torch.load(")
        # One file of pinned fingerprint, and of that only tensors.
        allowed = path.name == "pretrained.py" and "weights_only=True" in path.read_text(encoding="utf-8")
        assert loads <= allowed, path


# What is one fact, and the one file that says it.
SAID_ONCE = {
    r"<!DOCTYPE qgis": "cadastre/publishing/qgis_symbols.py",
    r"[\"']VERSION[\"']: [\"']\d|\bVERSION=[\"']": None,
    r"GEOPACKAGE_VERSION = ": "configs/atomic_files.py",
    r"STRIDE\w*(: \w+)? = \d": "configs/contract.py",
    r"QUAD_SEGS\w* = \d": "cadastre/morphology.py",
    # Legal CRSs lie in the territory; EDIGEO has names of its own for them.
    r"\b(?:5490|2972|2975|4471|394[2-9]|3950)\b": "cadastre/readers/edigeo.py",
    # Size bands are law.
    r"\b5(?:\.0)?, 20(?:\.0)?, 40(?:\.0)?, 60\b": None,
}


@pytest.mark.parametrize("fact", SAID_ONCE)
def test_one_fact_is_said_in_one_place(root: Path, fact: str) -> None:
    saying = [
        path.relative_to(root).as_posix()
        for path in modules(root).values()
        if re.search(fact, path.read_text(encoding="utf-8"))
    ]
    home = SAID_ONCE[fact]
    assert saying == ([] if home is None else [home]), f"{fact} is said in {saying}"


def test_generic_names_do_not_leak(root: Path) -> None:
    code = "import datasets"
    exposed = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=exposed, check=False, capture_output=True, text=True
    )
    assert "the repository root must not be on sys.path" in result.stderr
