"""From a probability raster to a layer of footprints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from vigibati.configs.paths import StrPath, as_path
from vigibati.configs.progress import SILENT, Progress
from vigibati.inference.vectorisation.vectorise import vectorise as outline
from vigibati.workflow.layer_files import check_layer_place, write_layer


def vectorise(
    probabilities: StrPath,
    *,
    out: StrPath | None = None,
    thresholds: Mapping[str, float] | None = None,
    min_area_m2: float = 4.0,
    regular: bool = True,
    progress: Progress = SILENT,
) -> gpd.GeoDataFrame:
    """Outline what a probability raster shows.

    Pixels whose probability reaches the threshold of their class are joined by their sides. Holes
    below 2 m² are filled; outlines are simplified by 0.3 m; what is below ``min_area_m2`` or
    nowhere 1 m wide is dropped. Buildings then get straight walls and right angles.

    Args:
        probabilities: Raster of ``segment``.
        out: GeoPackage to write them to; nothing is written when None.
        thresholds: Probability per class, such as ``{"building": 0.6}``, in place of those that the
            raster carries.
        min_area_m2: Smallest area on the ground that is kept.
        regular: Whether buildings get straight walls; otherwise outlines are simplified only.
        progress: Told of finished megapixels.

    Returns:
        Footprints in the raster's CRS, in reading order of their first pixel: ``footprint_id`` from 1,
        ``kind`` (class name), ``probability`` (0-1), ``area_m2`` (on the ground), ``at_edge`` (within one
        pixel of the image's edge or of a place without image), geometry Polygon.

    Raises:
        RasterError: The file is no raster of probabilities, or is damaged.
        SettingsError: A threshold is of an unknown class, or not between 0 and 1.
        OutputError: No GeoPackage can be written there, or another file would be lost.
    """
    layer = as_path(out)
    if layer is not None:
        check_layer_place(layer, layer="footprints")
    table = outline(
        Path(probabilities),
        thresholds=thresholds,
        min_area_m2=min_area_m2,
        regular=regular,
        progress=progress,
    )
    if layer is not None:
        write_layer(table, layer, layer="footprints")
    return table
