"""What the scripts of all tools share: a task, and the measuring of it.

Each tool runs in an environment of its own, so this needs nothing but the standard library.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_MIB_PER_KIB = 1 / 1024


@dataclass(frozen=True, slots=True)
class Task:
    """One way from a raster to polygons.

    Attributes:
        raster: GeoTIFF of 8 bits, red, green, blue; or a folder of them, which is for VigiBâti alone.
        model: ``near-free`` or ``shipped``.
        models: Folder with ``MODEL-logit.pt2`` (one logit) and ``MODEL-classes.pt2`` (logits of
            background and building), for network.py; from float32 pixels of 0-1.
        out: GeoPackage to write.
        report: JSON to write: what was measured.
        threshold: Probability from which a pixel is a building.
        min_area_m2: Smallest polygon that is kept.
        window_px: Side of the peers' windows.
        overlap_px: How far they overlap.
        batch: Windows per call of the network.
    """

    raster: str
    model: str
    models: str
    out: str
    report: str
    threshold: float
    min_area_m2: float
    window_px: int
    overlap_px: int
    batch: int

    def weights(self, kind: str) -> Path:
        """Return the file of the network with the outputs ``logit`` or ``classes``."""
        return Path(self.models) / f"{self.model}-{kind}.pt2"


def measure(work: Callable[[Task], Mapping[str, object] | None], *packages: str) -> None:
    """Do the task of the command line and write what it took; call it once everything is imported.

    Args:
        work: Does it. What it returns goes into the report.
        packages: Distributions whose versions go into the report.
    """
    task = Task(**json.loads(sys.argv[1]))
    imported_mib = _memory_mib("VmRSS")
    begin, cpu = time.perf_counter(), _cpu_s()
    told = work(task)
    report = {
        "seconds": round(time.perf_counter() - begin, 3),
        "cpu_seconds": round(_cpu_s() - cpu, 3),
        "imported_mib": round(imported_mib, 1),
        "peak_mib": round(_memory_mib("VmHWM"), 1),
        "versions": {name: version(name) for name in packages},
    }
    Path(task.report).write_text(json.dumps(report | dict(told or {})), encoding="utf-8")


def _memory_mib(field: str) -> float:
    # Not ru_maxrss: on Linux that of a new process starts with the memory of the one that began it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"^{field}:\s*(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise OSError(f"/proc/self/status tells no {field}")
    return int(found[1]) * _MIB_PER_KIB


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
