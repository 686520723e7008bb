"""The house rules that no linter knows: packaging, arrows between folders, no input checked by assert."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FOLDERS = ("cadastre", "checkpoints", "configs", "datasets", "inference", "training", "vigibati")
ARROWS = {
    "configs": set(),
    "datasets": {"configs"},
    "inference": {"datasets", "configs"},
    "training": {"inference", "datasets", "configs"},
    "cadastre": {"configs"},
    "checkpoints": set(),
}
TORCH_FREE = ("cadastre", "configs")
MODEL_PACKAGES = {"torch", "torchvision", "lightning", "segmentation_models_pytorch", "torchmetrics"}


def sources(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_every_package_is_declared_and_linked(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = {
        path.parent.relative_to(root) for folder in FOLDERS for path in (root / folder).rglob("__init__.py")
    }
    assert {root / place for place in settings["package-dir"].values()} == {root / path for path in found}
    assert set(settings["packages"]) == set(settings["package-dir"])
    names = {"vigibati" if str(path) == "vigibati" else f"vigibati.{'.'.join(path.parts)}" for path in found}
    assert names == set(settings["packages"])
    links = root / ".typing" / "vigibati"
    for folder in set(FOLDERS) - {"vigibati"}:
        assert (links / folder).resolve() == (root / folder).resolve()
    for file in sources(root, "vigibati"):
        assert (links / file.name).resolve() == file.resolve(), f"{file.name} has no link in .typing/vigibati"


@pytest.mark.parametrize("folder", sorted(ARROWS))
def test_arrows_go_one_way(root: Path, folder: str) -> None:
    for path in sources(root, folder):
        for name in imported(path):
            parts = name.split(".")
            if parts[0] == "vigibati" and len(parts) > 1:
                assert parts[1] in ARROWS[folder] | {folder}, f"{path} imports {name}"


@pytest.mark.parametrize("folder", TORCH_FREE)
def test_comparing_needs_no_torch(root: Path, folder: str) -> None:
    for path in sources(root, folder):
        assert not {name.split(".")[0] for name in imported(path)} & MODEL_PACKAGES, path


def test_reading_and_comparing_load_no_torch() -> None:
    code = (
        "import sys, vigibati, vigibati.cadastre.publishing.geopackage, vigibati.cli.app;"
        "import vigibati.workflow.cases;"
        "sys.exit('torch' in sys.modules)"
    )
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


def test_generic_names_do_not_leak(root: Path) -> None:
    code = "import datasets"
    exposed = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=exposed, check=False, capture_output=True, text=True
    )
    assert "the repository root must not be on sys.path" in result.stderr
