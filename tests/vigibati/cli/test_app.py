from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import vigibati as package
from vigibati.cli.app import app
from vigibati.workflow.json_output import as_json, three_digits

Vigibati = Callable[..., Any]
SCRIPT = Path(sys.executable).with_name("vigibati")


def verbs(command: Any, *before: str) -> Iterator[tuple[str, ...]]:
    for name, inner in command.commands.items():
        if hasattr(inner, "commands"):
            yield from verbs(inner, *before, name)
        else:
            yield (*before, name)


VERBS = sorted(verbs(typer.main.get_command(app)))


def test_there_is_a_verb_for_every_stage() -> None:
    wanted = "adapt, bench planted, bench withheld, calibrate, chips, compare, detect, evaluate, export"
    assert ", ".join(map(" ".join, VERBS)) == (
        f"{wanted}, merge, prepare, records info, register, segment, synth, train, vectorise"
    )


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_shows_an_example_that_holds(verb: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*verb, "--help"], env={"COLUMNS": "500", "TERM": "dumb"})
    assert shown.exit_code == 0
    text = " ".join(shown.output.split())
    example = re.search(rf"Example: vigibati {' '.join(verb)} ([^╭┌]*)", text)
    assert example is not None, text
    known = set(re.findall(r"--[a-z0-9-]+", text[example.end() :]))
    assert set(re.findall(r"--[a-z0-9-]+", example[1])) <= known


def test_every_option_is_explained() -> None:
    for verb in VERBS:
        command: Any = typer.main.get_command(app)
        for name in verb:
            command = command.commands[name]
        for parameter in command.params:
            assert parameter.help, f"{' '.join(verb)}: {parameter.name}"


def test_the_console_script_tells_its_version() -> None:
    ran = subprocess.run([SCRIPT, "--version"], check=True, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == (f"{package.__version__}\n", "")


def test_a_wrong_option_is_a_wrong_input(vigibati: Vigibati) -> None:
    for words in (["detect"], ["nonsense"], ["synth", "--seed", "x", "--out", "y"], ["detect", "--nope"]):
        ran = vigibati(*words)
        assert (ran.code, ran.out) == (2, ""), words


def test_a_real_process_speaks_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "none.gpkg"
    command = [SCRIPT, "records", "info", missing]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"vigibati: {missing}: is not there; give an existing file or folder\n"
    debugged = subprocess.run([SCRIPT, "--debug", *command[1:]], check=False, capture_output=True, text=True)
    assert "Traceback" in debugged.stderr


def test_a_real_process_keeps_stdout_for_the_result(scene: Any, checkpoint: Path, tmp_path: Path) -> None:
    """Everything that libraries say at their first use would show here."""
    out = tmp_path / "cases.gpkg"
    ran = subprocess.run(
        [SCRIPT, "detect", scene.ortho, *scene.cadastre, "--checkpoint", checkpoint, "--out", out, "--json"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout, parse_constant=pytest.fail)["cases"] == {"new_building": 1, "not_seen": 1}


def test_an_interrupted_run_leaves_what_it_finished_and_nothing_half_written(
    vigibati: Vigibati, checkpoint: Path, write_ortho: Callable[..., Path], tmp_path: Path
) -> None:
    ortho, folder = write_ortho(tmp_path / "large.tif", width=4000, height=8000), tmp_path / "out"
    seen: list[str] = []

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while not seen and time.monotonic() < deadline:
            seen.extend(path.name for path in folder.glob("*.run/units/000002.parquet"))
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    ran = vigibati(
        *("segment", ortho, "--checkpoint", checkpoint, "--out", folder / "p.tif"),
        *("--footprints", folder / "f.gpkg", "--quiet"),
    )
    watcher.join()
    assert seen
    assert (ran.code, ran.out) == (130, "")
    assert ran.err == "vigibati: interrupted; what was finished is kept\n"
    assert [path.name for path in folder.iterdir()] == ["p.tif.run"]
    assert not list(folder.glob("**/.*"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_finished_is_kept(
    vigibati: Vigibati,
    scene: Any,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    code: int,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr("vigibati.detection.detect.make_cases", interrupted)
    out = tmp_path / "out" / "cases.gpkg"
    ran = vigibati(
        "detect", scene.ortho, *scene.cadastre, "--checkpoint", checkpoint, "--out", out, "--quiet"
    )
    assert (ran.code, ran.out) == (code, "")
    assert [path.name for path in out.parent.iterdir()] == ["cases_probabilities.tif"]


@dataclass(frozen=True)
class Report:
    folder: Path
    counts: Mapping[str, object]


def test_speeds_are_shown_without_exponent() -> None:
    assert [three_digits(value) for value in (8656.2, 100.4, 60.12, 0.3849)] == [
        "8656",
        "100",
        "60.1",
        "0.385",
    ]


def test_a_report_becomes_json_that_every_parser_reads() -> None:
    counts = {
        "a": np.int64(3),
        "b": np.float32(0.5),
        "c": float("nan"),
        "d": float("inf"),
        "e": np.True_,
        "g": 5.1 - 2.85,
    }
    report = Report(Path("x/y"), MappingProxyType({**counts, "f": (date(2024, 7, 1), None)}))
    assert json.loads(as_json([report]), parse_constant=pytest.fail) == [
        {
            "folder": "x/y",
            "counts": {
                "a": 3,
                "b": 0.5,
                "c": None,
                "d": None,
                "e": True,
                "g": 2.25,
                "f": ["2024-07-01", None],
            },
        }
    ]
