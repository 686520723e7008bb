"""geoai: its semantic segmentation of a GeoTIFF, then its polygons.

``semantic_segmentation`` itself only builds stock networks around a file of weights; this calls
the function that it hands them to.
"""

from __future__ import annotations

from pathlib import Path

import geoai
import torch
from geoai.train import semantic_inference_on_geotiff
from network import Network
from task import Task, measure


def polygons(task: Task) -> None:
    """Write the mask, then its outlines."""
    mask = Path(task.out).with_suffix(".tif")
    # It opens an earlier output before it replaces it.
    mask.unlink(missing_ok=True)
    semantic_inference_on_geotiff(
        Network(task.weights("classes")),
        task.raster,
        str(mask),
        window_size=task.window_px,
        overlap=task.overlap_px,
        batch_size=task.batch,
        num_channels=3,
        num_classes=2,
        device=torch.device("cpu"),
        probability_threshold=task.threshold,
        quiet=True,
    )
    geoai.raster_to_vector(str(mask), task.out, min_area=task.min_area_m2)


if __name__ == "__main__":
    measure(polygons, "geoai-py", "torch", "rasterio")
