"""Which units of a run are finished, which failed and why: survives whatever stops the process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from vigibati.configs.errors import OutputError

MAX_ATTEMPTS: Final = 3
"""A unit that was begun so often without an end is left alone, so that the others can finish."""

_TABLE = """
CREATE TABLE IF NOT EXISTS units (
    number INTEGER PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('begun', 'done', 'failed')),
    attempts INTEGER NOT NULL,
    cause TEXT,
    report TEXT,
    changed_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
)
"""
_BEGIN = """
INSERT INTO units (number, status, attempts, cause) VALUES (?, 'begun', 1, ?)
ON CONFLICT (number) DO UPDATE
SET status = 'begun', attempts = attempts + 1, cause = excluded.cause, changed_at = CURRENT_TIMESTAMP
"""
_END = """
UPDATE units SET status = ?, cause = ?, report = ?, changed_at = CURRENT_TIMESTAMP WHERE number = ?
"""
_RELEASE = "UPDATE units SET attempts = attempts - 1 WHERE status = 'begun' AND attempts > 0"
_FORGIVE = "UPDATE units SET attempts = 0 WHERE status <> 'done' AND number = ?"
# A process that was killed may have left a file without a table.
_BEGUN = "SELECT 1 FROM sqlite_master WHERE name = 'units'"
_DIED = "the process ended while it was at work"


@dataclass(frozen=True, slots=True)
class UnitState:
    """What a ledger knows of a unit.

    Attributes:
        done: Whether its result is on the disk.
        attempts: How often it was begun.
        cause: Why the last attempt came to nothing; None when it came to something.
        report: What the unit reported when it was done.
    """

    done: bool
    attempts: int
    cause: str | None
    report: Mapping[str, Any]

    @property
    def given_up(self) -> bool:
        """Whether it has failed so often that it is left alone."""
        return not self.done and self.attempts >= MAX_ATTEMPTS


class Ledger:
    """The ledger of one process; processes that share a run write one each. Use it in a ``with`` block.

    Args:
        path: SQLite file; made when it is missing.

    Raises:
        OutputError: The file cannot be written to; so does every method that notes something.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        # A commit is on the disk when it returns: what the ledger says happened, happened.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._write(_TABLE, [()])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def begin(self, numbers: Iterable[int]) -> None:
        """Count an attempt at units; a process that dies now leaves it counted."""
        self._write(_BEGIN, [(number, _DIED) for number in numbers])

    def finish(self, number: int, report: Mapping[str, Any]) -> None:
        """Note that the result of a unit is on the disk."""
        self._write(_END, [("done", None, json.dumps(report), number)])

    def fail(self, number: int, cause: str) -> None:
        """Note why an attempt came to nothing."""
        self._write(_END, [("failed", cause, None, number)])

    def release(self) -> None:
        """Take back the attempts at units that were begun and not ended: somebody asked to stop."""
        self._write(_RELEASE, [()])

    def forgive(self, numbers: Iterable[int]) -> None:
        """Forget the attempts at units, so that they are tried again."""
        self._write(_FORGIVE, [(number,) for number in numbers])

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.OperationalError as error:
            cause = f"cannot be written to ({error})"
            raise OutputError(self._path, cause, "see that the disk has room, and run again") from error


def read_ledgers(paths: Iterable[Path]) -> dict[int, UnitState]:
    """Return what the ledgers of a run know together, by number of the unit.

    A unit that is done in one of them is done; the attempts of all are added.
    """
    states: dict[int, UnitState] = {}
    for path in sorted(paths):
        with closing(sqlite3.connect(path)) as connection:
            if connection.execute(_BEGUN).fetchone() is None:
                continue
            rows = connection.execute("SELECT number, status, attempts, cause, report FROM units").fetchall()
        for number, status, attempts, cause, report in rows:
            state = UnitState(status == "done", attempts, cause, json.loads(report) if report else {})
            states[number] = _together(states[number], state) if number in states else state
    return states


def _together(first: UnitState, second: UnitState) -> UnitState:
    better = first if first.done else second
    return UnitState(better.done, first.attempts + second.attempts, better.cause, better.report)
