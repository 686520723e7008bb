"""Files of an orthophoto that lie below others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import shapely

from vigibati.datasets.orthophoto.orthophoto import Orthophoto


@dataclass(frozen=True, slots=True)
class HiddenFile:
    """A file of which another one covers all: it shows only where that has no image.

    Attributes:
        path: The file.
        above: The first one that covers it.
    """

    path: Path
    above: Path


def hidden_files(ortho: Orthophoto) -> list[HiddenFile]:
    """Return the files that a single file above them covers, as where two years lie in one folder."""
    windows = [placed.window for placed in ortho.placed]
    boxes = [shapely.box(w.col, w.row, w.col + w.width, w.row + w.height) for w in windows]
    below, above = shapely.STRtree(boxes).query(boxes, predicate="covered_by")
    first: dict[int, int] = {}
    for low, high in sorted(zip(below.tolist(), above.tolist(), strict=True)):
        if high < low:
            first.setdefault(low, high)
    return [HiddenFile(ortho.paths[low], ortho.paths[high]) for low, high in first.items()]
