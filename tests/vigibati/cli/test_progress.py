from __future__ import annotations

import re
import sys

import pytest

from vigibati.cli.progress import BarProgress, LineProgress, listener
from vigibati.configs.progress import SILENT


def test_a_log_gets_a_line_for_each_advance_that_is_due_and_one_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with LineProgress(every_s=0).stage("segment", 20.0, "Mpx", km2=0.8) as advance:
        advance(5.0)
        advance(15.0)
    out, err = capsys.readouterr()
    first, second, last = err.splitlines()
    rate = r"at \d+\.\d\d Mpx/s, \d+ km²/h"
    assert re.fullmatch(rf"segment: 5/20 Mpx {rate}, 0:00:00 left", first)
    assert re.fullmatch(rf"segment: 20/20 Mpx {rate}, 0:00:00 left", second)
    assert re.fullmatch(rf"segment: 20/20 Mpx {rate}, took 0:00:00", last)
    assert out == ""


def test_what_is_not_yet_due_is_left_out_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    with LineProgress(every_s=3600).stage("outline", 1000, "units") as advance:
        for _ in range(1000):
            advance(1)
    assert capsys.readouterr().err.count("\n") == 1


def test_time_left_is_that_of_the_rate_so_far(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter((100.0, 160.0, 220.0))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    with LineProgress(every_s=60).stage("adapt", 90, "steps") as advance:
        advance(6)
    assert capsys.readouterr().err.splitlines() == [
        "adapt: 6/90 steps at 0.10 steps/s, 0:14:00 left",
        "adapt: 6/90 steps at 0.05 steps/s, took 0:02:00",
    ]


def test_a_stage_that_fails_is_not_told_as_finished(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> None:
        with LineProgress().stage("write", 2, "units") as advance:
            advance(1)
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        failing()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("terminal", "expected"), [("yes", BarProgress), ("", LineProgress)])
def test_bars_are_for_terminals(monkeypatch: pytest.MonkeyPatch, terminal: str, expected: type) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: bool(terminal), raising=False)
    assert isinstance(listener(silent=False), expected)
    assert listener(silent=True) is SILENT
