"""Paths as callers give them: text or path objects, one or several."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

StrPath: TypeAlias = str | os.PathLike[str]
"""One path."""

StrPaths: TypeAlias = StrPath | Sequence[StrPath]
"""One path or several."""


def as_path(path: StrPath | None) -> Path | None:
    """Return a path that need not be given as an object; None stays None."""
    return None if path is None else Path(path)


def as_paths(paths: StrPaths) -> tuple[Path, ...]:
    """Return paths as objects, in their order; a single one becomes a tuple of one."""
    # A string is iterable too, but its letters are no paths.
    return (Path(paths),) if isinstance(paths, (str, os.PathLike)) else tuple(map(Path, paths))
