"""Raster Vision: windows of a scene, smooth labels, vector output.

It writes GeoJSON in degrees and has no smallest area, so small polygons are dropped afterwards. Its
corners of pixels become map coordinates as centres would: all polygons lie half a pixel to the
lower right of what it found.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import geopandas as gpd
import rasterio
from network import Network
from rastervision.core.data import (
    ClassConfig,
    PolygonVectorOutputConfig,
    SemanticSegmentationLabels,
)
from rastervision.core.data.utils import make_ss_scene
from rastervision.pytorch_learner import (
    SemanticSegmentationGeoDataConfig,
    SemanticSegmentationLearner,
    SemanticSegmentationLearnerConfig,
    SemanticSegmentationSlidingWindowGeoDataset,
    SolverConfig,
)
from task import Task, measure

_CLASSES = ClassConfig(names=["background", "building"], null_class="background")


def polygons(task: Task) -> None:
    """Predict, keep the scores of both classes, outline, drop what is small."""
    scene = make_ss_scene(task.raster, class_config=_CLASSES)
    windows = SemanticSegmentationSlidingWindowGeoDataset(
        scene, size=task.window_px, stride=task.window_px - task.overlap_px
    )
    learner = SemanticSegmentationLearner(
        SemanticSegmentationLearnerConfig(
            data=SemanticSegmentationGeoDataConfig(class_config=_CLASSES, num_workers=0),
            solver=SolverConfig(batch_sz=task.batch),
        ),
        model=Network(task.weights("classes")),
        training=False,
    )
    labels = SemanticSegmentationLabels.from_predictions(
        windows.windows,
        learner.predict_dataset(windows, numpy_out=True, progress_bar=False),
        extent=scene.extent,
        num_classes=len(_CLASSES),
        smooth=True,
    )
    folder = Path(task.out).with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)
    outlines = PolygonVectorOutputConfig(class_id=1, denoise=0, threshold=task.threshold)
    labels.save(
        str(folder),
        crs_transformer=scene.raster_source.crs_transformer,
        class_config=_CLASSES,
        discrete_output=False,
        smooth_output=False,
        vector_outputs=[outlines],
    )
    with rasterio.open(task.raster) as dataset:
        crs = dataset.crs
    found = gpd.read_file(outlines.get_uri(str(folder / "vector_output"), _CLASSES)).to_crs(crs)
    found[found.area >= task.min_area_m2].to_file(task.out, driver="GPKG")


if __name__ == "__main__":
    measure(polygons, "rastervision-core", "torch", "rasterio")
