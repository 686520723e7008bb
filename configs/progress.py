"""How a long stage tells its caller how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[float], None]


class Progress(Protocol):
    """Anything that can show the advance of named stages."""

    def stage(
        self, name: str, total: float, unit: str, *, km2: float | None = None
    ) -> AbstractContextManager[Advance]:
        """Open a stage of ``total`` units; the value yielded adds finished units.

        Args:
            name: Of the stage.
            total: Units that it will take.
            unit: Their name.
            km2: Ground that the total stands for, where the stage is about ground.
        """
        ...


class _Silent:
    @contextmanager
    def stage(
        self,
        name: str,  # noqa: ARG002 - the protocol's names
        total: float,  # noqa: ARG002
        unit: str,  # noqa: ARG002
        *,
        km2: float | None = None,  # noqa: ARG002
    ) -> Iterator[Advance]:
        yield lambda _amount: None


SILENT: Progress = _Silent()
"""The listener that hears nothing: the default of every stage."""
