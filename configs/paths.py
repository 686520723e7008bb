"""Paths as callers give them: text or path objects, one or several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, overload

StrPath: TypeAlias = str | os.PathLike[str]
"""One path."""

StrPaths: TypeAlias = StrPath | Sequence[StrPath]
"""One path or several."""


@overload
def as_path(path: StrPath) -> Path: ...


@overload
def as_path(path: StrPath | None) -> Path | None: ...


def as_path(path: StrPath | None) -> Path | None:
    """Return a path as an object; None stays None, for what need not be given."""
    return None if path is None else Path(path)


def as_paths(paths: StrPaths) -> tuple[Path, ...]:
    """Return paths as objects, in their order; a single one becomes a tuple of one."""
    # A string is iterable too, but its letters are no paths.
    return (Path(paths),) if isinstance(paths, (str, os.PathLike)) else tuple(map(Path, paths))
