from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from vigibati.configs.errors import OutputError
from vigibati.inference.segmentation.ledger import MAX_ATTEMPTS, Ledger, read_ledgers


def test_what_was_done_and_what_failed_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ledger-all.sqlite"
    with Ledger(path) as ledger:
        ledger.begin([0, 1])
        ledger.finish(0, {"windows": 3})
        ledger.fail(1, "ValueError: no")
    states = read_ledgers([path])
    assert (states[0].done, states[0].report, states[0].cause) == (True, {"windows": 3}, None)
    assert (states[1].done, states[1].attempts, states[1].cause) == (False, 1, "ValueError: no")
    assert not states[1].given_up


def test_a_process_that_died_counts_and_one_that_was_stopped_does_not(tmp_path: Path) -> None:
    path = tmp_path / "ledger-all.sqlite"
    for _ in range(MAX_ATTEMPTS):
        with Ledger(path) as ledger:
            ledger.begin([0, 1])
            ledger.release()
            ledger.begin([0])
    states = read_ledgers([path])
    assert states[0].cause == "the process ended while it was at work"
    assert (states[0].given_up, states[1].given_up) == (True, False)
    with Ledger(path) as ledger:
        ledger.forgive([1])
    assert read_ledgers([path])[0].given_up
    with Ledger(path) as ledger:
        ledger.forgive([0])
    assert not read_ledgers([path])[0].given_up


def test_ledgers_of_several_processes_add_up(tmp_path: Path) -> None:
    paths = [tmp_path / f"ledger-{name}.sqlite" for name in "abc"]
    for path in paths:
        with Ledger(path) as ledger:
            ledger.begin([7])
            ledger.fail(7, f"OSError: {path.stem}")
    assert read_ledgers(paths)[7].given_up
    with Ledger(paths[1]) as ledger:
        ledger.begin([7])
        ledger.finish(7, {"windows": 1})
    state = read_ledgers(paths)[7]
    assert (state.done, state.given_up, state.report) == (True, False, {"windows": 1})


def test_a_process_killed_before_it_noted_anything_knows_nothing(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger-1-of-2.sqlite") as ledger:
        ledger.begin([3])
    (tmp_path / "ledger-2-of-2.sqlite").touch()
    assert list(read_ledgers(tmp_path.iterdir())) == [3]
    with Ledger(tmp_path / "ledger-2-of-2.sqlite") as ledger:
        ledger.begin([4])
    assert list(read_ledgers(tmp_path.iterdir())) == [3, 4]


def test_a_full_disk_is_told(tmp_path: Path, room: Callable[[int], AbstractContextManager[None]]) -> None:
    message = r"ledger-all\.sqlite: cannot be written to \(.*\); see that the disk has room, and run again"
    with room(0), pytest.raises(OutputError, match=message):
        Ledger(tmp_path / "ledger-all.sqlite")
    with Ledger(tmp_path / "ledger-all.sqlite") as ledger:
        ledger.begin([0])
        with room(100):
            for note in (lambda: ledger.begin([1]), lambda: ledger.finish(0, {}), ledger.release):
                with pytest.raises(OutputError, match=message):
                    note()
