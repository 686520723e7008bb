"""Compares the polygons of all tools: with those of VigiBâti and, where it is known, with the truth.

Usage: score.py JSON, with ``raster``, ``near_free``, ``min_area_m2``, ``reference`` (name of a tool),
``outputs`` (GeoPackage by name of the tool) and ``report`` (file to write).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.features
import scipy.ndimage
from models import BRIGHT_FROM
from numpy.typing import NDArray


def main() -> None:
    """Write number, area and agreement of the polygons of every tool."""
    given = json.loads(sys.argv[1])
    with rasterio.open(given["raster"]) as dataset:
        exact = _exact(dataset, given["min_area_m2"]) if given["near_free"] else None
        tables = {tool: gpd.read_file(path) for tool, path in given["outputs"].items()}
        masks = {tool: _drawn(table, dataset) for tool, table in tables.items()}
    reference = masks.get(given["reference"])
    scores = {
        tool: {
            "polygons": len(table),
            "area_m2": round(float(table.area.sum()), 1),
            "iou_with_reference": None if reference is None else _iou(masks[tool], reference),
            "iou_with_exact": None if exact is None else _iou(masks[tool], exact),
        }
        for tool, table in tables.items()
    }
    Path(given["report"]).write_text(json.dumps(scores), encoding="utf-8")


def _drawn(table: gpd.GeoDataFrame, dataset: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - rasterio has no types
    if table.empty:
        return np.zeros(dataset.shape, dtype=bool)
    drawn = rasterio.features.rasterize(table.geometry, dataset.shape, transform=dataset.transform)
    return np.asarray(drawn, dtype=bool)


def _exact(dataset: Any, min_area_m2: float) -> NDArray[np.bool_]:  # noqa: ANN401 - rasterio has no types
    """Return what the near-free network sees in the whole image at once."""
    mask = dataset.read().sum(axis=0, dtype=np.uint16) >= BRIGHT_FROM
    labels, _ = scipy.ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    pixel_m2 = dataset.transform.a * -dataset.transform.e
    return (sizes >= min_area_m2 / pixel_m2)[labels]


def _iou(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    either = np.count_nonzero(first | second)
    return round(np.count_nonzero(first & second) / either, 6) if either else 1.0


if __name__ == "__main__":
    main()
