"""Freed memory that the C library keeps for itself, given back to the system."""

from __future__ import annotations

import ctypes
from functools import cache


def trim_heap() -> None:
    """Give freed memory back where the C library is glibc; do nothing elsewhere.

    Arrays of some 25 MB lie in the heap, whose holes would let a process that works on strip after strip
    grow for hours without need.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> ctypes._NamedFuncPointer | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
