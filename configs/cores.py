"""How much of the machine this process may use."""

from __future__ import annotations

import os


def usable_cores() -> int:
    """Return how many cores this process may use: fewer than there are where a scheduler has bound it."""
    # os.process_cpu_count is this, from Python 3.13 on; not every system binds processes.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
