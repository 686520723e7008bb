"""The script of an expert: MONAI's sliding windows, rasterio's shapes, pyogrio's GeoPackage.

The raster is read whole, as the inferer needs it.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyogrio
import rasterio
import rasterio.features
import shapely
import torch
from monai.inferers import SlidingWindowInferer
from network import Network
from task import Task, measure


def polygons(task: Task) -> None:
    """Infer, threshold, outline, write."""
    with rasterio.open(task.raster) as dataset:
        pixels, transform, crs = dataset.read(), dataset.transform, dataset.crs
    network = Network(task.weights("logit"))
    inferer = SlidingWindowInferer(
        roi_size=(task.window_px, task.window_px),
        sw_batch_size=task.batch,
        overlap=task.overlap_px / task.window_px,
        mode="gaussian",
        buffer_steps=4,
        buffer_dim=0,
    )
    with torch.inference_mode():
        # A copy in float32 of the whole image: the inferer cuts windows out of one tensor.
        probabilities = inferer(torch.from_numpy(pixels)[None].float() / 255, network).sigmoid()
    mask = (probabilities[0, 0] >= task.threshold).numpy().astype(np.uint8)
    traced = rasterio.features.shapes(mask, mask=mask, transform=transform)
    outlines = np.array([shapely.geometry.shape(shape) for shape, _ in traced], dtype=object)
    kept = outlines[shapely.area(outlines) >= task.min_area_m2]
    pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=kept, crs=crs), task.out, use_arrow=True)


if __name__ == "__main__":
    measure(polygons, "monai", "torch", "rasterio")
