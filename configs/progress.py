"""How a long stage tells its caller how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]


class Progress(Protocol):
    """Anything that can show the advance of named stages."""

    def stage(self, name: str, total: float, unit: str) -> AbstractContextManager[Advance]:
        """Open a stage of ``total`` units; the value yielded adds finished units."""
        ...


class _Silent:
    @contextmanager
    def stage(self, name: str, total: float, unit: str) -> Iterator[Advance]:  # noqa: ARG002
        yield lambda _amount: None


SILENT: Progress = _Silent()
"""The listener that hears nothing: the default of every stage."""
