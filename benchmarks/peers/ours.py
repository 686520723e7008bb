"""VigiBâti: from GeoTIFF to polygons, with outlines along pixels as the peers give them.

With a second argument ``straight``: with the outlines that users get.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import torch
from models import checkpoint
from rasterio.windows import Window
from task import Task, measure

from vigibati.datasets.ortho import open_ortho
from vigibati.inference.components import Strip, trace
from vigibati.inference.predictor import CERTAIN, NO_IMAGE
from vigibati.inference.segment import segment
from vigibati.inference.vectorise import vectorise
from vigibati.vectors import write_layer

_STRIP_ROWS = 512


def polygons(task: Task) -> None:
    """Segment and outline with the settings that users get."""
    model = checkpoint(task.model)
    probabilities = Path(task.out).with_suffix(".tif")
    raster = Path(task.raster)
    files = sorted(raster.glob("*.tif")) if raster.is_dir() else [raster]
    with open_ortho(files, gsd_m=model.contract.gsd_m) as ortho:
        segment(ortho, model, probabilities, device=torch.device("cpu"))
    if "straight" in sys.argv[2:]:
        found = vectorise(
            probabilities, thresholds={"building": task.threshold}, min_area_m2=task.min_area_m2
        )
    else:
        found = _along_pixels(probabilities, task)
    write_layer(found, Path(task.out), layer="footprints")


def _along_pixels(probabilities: Path, task: Task) -> gpd.GeoDataFrame:
    with rasterio.open(probabilities) as dataset:
        traced = [component.outline for component in trace(_strips(dataset, task.threshold))]
        scale = np.array([dataset.transform.a, dataset.transform.e])
        corner = np.array([dataset.transform.c, dataset.transform.f])
        crs = dataset.crs
    outlines = shapely.transform(np.array(traced, dtype=object), lambda points: points * scale + corner)
    return gpd.GeoDataFrame(geometry=outlines[shapely.area(outlines) >= task.min_area_m2], crs=crs)


def _strips(dataset: rasterio.DatasetReader, threshold: float) -> Iterator[Strip]:
    for row in range(0, dataset.height, _STRIP_ROWS):
        rows = min(_STRIP_ROWS, dataset.height - row)
        values = dataset.read(1, window=Window(0, row, dataset.width, rows))
        mask = (values >= threshold * CERTAIN) & (values != NO_IMAGE)
        yield Strip(row, mask, values, np.zeros_like(mask))


if __name__ == "__main__":
    measure(polygons, "vigibati", "torch", "rasterio")
