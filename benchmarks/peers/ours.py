"""VigiBâti: from GeoTIFF to polygons, with outlines along pixels as the peers give them.

With a second argument ``straight``: with the outlines that users get.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from models import checkpoint
from task import Task, measure

from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.datasets.orthophoto.safe_open import open_raster
from vigibati.inference.probabilities.raster import read_header, read_strips
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.workflow.layer_files import write_layer


def polygons(task: Task) -> None:
    """Segment and outline with the settings that users get."""
    model = checkpoint(task.model)
    probabilities = Path(task.out).with_suffix(".tif")
    straight = "straight" in sys.argv[2:]
    with open_ortho([Path(task.raster)], gsd_m=model.contract.gsd_m) as ortho:
        settings = SegmentSettings(traced=straight, restart=True)
        found = segment(ortho, model, probabilities, settings).footprints
    if found is None:
        found = _along_pixels(probabilities, task)
    write_layer(found, Path(task.out), layer="footprints")


def _along_pixels(probabilities: Path, task: Task) -> gpd.GeoDataFrame:
    with open_raster(probabilities) as dataset:
        header = read_header(probabilities, dataset, {"building": task.threshold})
        strips = read_strips(header, dataset, 1, lambda _: None)
        traced = Components.concatenate(trace(strips)).outlines
    scale = np.array([header.grid.transform.a, header.grid.transform.e])
    corner = np.array([header.grid.transform.c, header.grid.transform.f])
    outlines = shapely.transform(traced, lambda points: points * scale + corner)
    return gpd.GeoDataFrame(
        geometry=outlines[shapely.area(outlines) >= task.min_area_m2], crs=header.grid.crs
    )


if __name__ == "__main__":
    measure(polygons, "vigibati", "torch", "rasterio")
