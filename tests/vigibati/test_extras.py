"""An installation without an extra says which one is missing, and does all that needs none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest

import vigibati as package
from vigibati.configs.extras import EXTRAS

Run = Callable[..., subprocess.CompletedProcess[str]]

# Python starts with it: packages that are named in ABSENT are nowhere to be found, as if never installed.
ABSENCE = """
import os
import sys
from importlib.machinery import PathFinder

class Finder(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        absent = name.partition(".")[0] in os.environ["ABSENT"].split()
        return None if absent else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Finder
"""
MAIN = "from vigibati.cli.app import main; main()"


@pytest.fixture
def without(tmp_path: Path) -> Callable[[str], Run]:
    """Runner of Python in an installation without an extra, from an empty folder."""
    (tmp_path / "absence").mkdir()
    (tmp_path / "absence" / "sitecustomize.py").write_text(ABSENCE, encoding="utf-8")

    def installation(extra: str) -> Run:
        absent = ["codecarbon", *(package for package, of in EXTRAS.items() if of == extra)]
        exposed = {
            "ABSENT": " ".join(absent),
            "PYTHONPATH": str(tmp_path / "absence"),
            "OMP_NUM_THREADS": "1",
        }

        def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-P", "-c", code, *map(str, arguments)],
                env={**os.environ, **exposed},
                cwd=tmp_path,
                check=False,
                capture_output=True,
                text=True,
            )

        return run

    return installation


def test_every_package_of_an_extra_is_known(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        line.partition(">")[0].partition("=")[0]: extra
        for extra, lines in project["optional-dependencies"].items()
        if extra not in {"dev", "energy"}
        for line in lines
    }
    # The name of a distribution is not always that under which it is imported.
    of = {package: names[0] for package, names in packages_distributions().items() if package in EXTRAS}
    canonical = {package: of.get(package, package).replace("_", "-").lower() for package in EXTRAS}
    assert {canonical[package]: extra for package, extra in EXTRAS.items()} == {
        name.lower(): extra for name, extra in wanted.items()
    }


def test_a_verb_that_needs_the_network_says_so_in_one_line(without: Callable[[str], Run]) -> None:
    ran = without("model")(MAIN, "train", "--config", "r.yaml", "--data", "chips.csv", "--out", "run")
    assert (ran.returncode, ran.stdout) == (2, "")
    cause = "is not installed, and this needs it"
    assert re.fullmatch(rf"vigibati: \w+: {cause}; pip install 'vigibati\[model\]'\n", ran.stderr)


def test_every_verb_that_needs_the_network_says_so(without: Callable[[str], Run]) -> None:
    commands = (
        "adapt ortho.tif --records r --out adapted",
        "bench withheld ortho.tif --records r --count 1 --out result.json",
        "calibrate --checkpoint c --config r.yaml --data chips.csv",
        "detect ortho.tif --records r --out cases.gpkg",
        "evaluate --checkpoint c --config r.yaml --data chips.csv",
        "export --onnx model.onnx",
        "merge p.tif",
        "segment ortho.tif --out p.tif",
        "train --config r.yaml --data chips.csv --out run",
    )
    code = (
        "import sys; from vigibati import MissingExtraError; from vigibati.cli.app import app\n"
        "from vigibati.configs.extras import extras_told\n"
        "for words in sys.argv[1:]:\n"
        "    try:\n"
        "        with extras_told(): app(words.split(), standalone_mode=False)\n"
        "    except MissingExtraError as error: print(error)"
    )
    ran = without("model")(code, *commands)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(ran.stdout.splitlines()) == len(commands), ran.stdout
    assert all(line.endswith("; pip install 'vigibati[model]'") for line in ran.stdout.splitlines())


def test_what_needs_no_network_works_without(
    without: Callable[[str], Run], scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    package.segment(scene.ortho, out=tmp_path / "probabilities.tif", checkpoint=checkpoint)
    records = ("--records", scene.records)
    verbs = (
        ("records", "info", scene.records),
        ("vectorise", "probabilities.tif", "--threshold", "0.6", "--out", "footprints.gpkg"),
        ("register", "footprints.gpkg", *records, "--out", "offsets.gpkg"),
        ("compare", "footprints.gpkg", *scene.cadastre, "--out", "cases.gpkg"),
        ("prepare", scene.ortho, "--out", "prepared"),
        ("bench", "withheld", *records, "--detections", "perfect", "--out", "result.json"),
    )
    code = (
        "import json, sys; from vigibati.cli.app import app\n"
        "for verb in json.loads(sys.argv[1]): app(verb, standalone_mode=False)\n"
        "assert 'torch' not in sys.modules"
    )
    ran = without("model")(code, json.dumps([[*map(str, verb)] for verb in verbs]))
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in tmp_path.iterdir()} >= {"prepared", "result.json"}
    assert len(gpd.read_file(tmp_path / "footprints.gpkg")) == 3
    cases = gpd.read_file(tmp_path / "cases.gpkg", layer="cases")
    assert sorted(cases["kind"]) == ["new_building", "not_seen"]


def test_the_package_lists_what_can_be_used_and_names_the_extra_of_the_rest(
    without: Callable[[str], Run],
) -> None:
    code = (
        "import pydoc, vigibati; pydoc.render_doc(vigibati); print(*dir(vigibati)); print('torch' in "
        "__import__('sys').modules)\n"
        "for name in vigibati.__all__:\n"
        "    try: getattr(vigibati, name)\n"
        "    except vigibati.MissingExtraError as error: print(name, error)"
    )
    ran = without("model")(code)
    assert (ran.returncode, ran.stderr) == (0, "")
    listed, loaded, *refused = ran.stdout.splitlines()
    assert loaded == "False"
    needing = {name for names in package._MODEL.values() for name in names}
    assert set(package.__all__) - set(listed.split()) == needing
    assert {line.split()[0] for line in refused} == needing
    assert all(line.endswith("; pip install 'vigibati[model]'") for line in refused)


def test_a_benchmark_with_an_image_names_the_extra(without: Callable[[str], Run]) -> None:
    code = (
        "import vigibati\n"
        "try: vigibati.bench_withheld('o.tif', records='r.gpkg', fraction=0.2)\n"
        "except vigibati.MissingExtraError as error: print(error)"
    )
    ran = without("model")(code)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("; pip install 'vigibati[model]'\n")


@pytest.mark.parametrize(
    ("missing", "command"),
    [
        ("onnxruntime", "export --onnx {out}/model.onnx --checkpoint {checkpoint}"),
        ("distributed", "segment {ortho} --out {out}/p.tif --checkpoint {checkpoint} --dask local:1 --quiet"),
    ],
)
def test_a_verb_that_needs_another_extra_names_it(
    vigibati: Callable[..., Any],
    scene: Any,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    command: str,
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    words = command.format(ortho=scene.ortho, checkpoint=checkpoint, out=tmp_path).split()
    ran = vigibati(*words)
    cause = "is not installed, and this needs it"
    cure = f"pip install 'vigibati[{EXTRAS[missing]}]'"
    assert (ran.code, ran.out, ran.err) == (2, "", f"vigibati: {missing}: {cause}; {cure}\n")
