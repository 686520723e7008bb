"""From a raster of probabilities to footprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd

from vigibati.configs.progress import SILENT, Advance, Progress
from vigibati.datasets.orthophoto.safe_open import open_raster
from vigibati.inference.probabilities.raster import Header, read_header, read_strips
from vigibati.inference.vectorisation.components import Components, trace
from vigibati.inference.vectorisation.footprint_table import REACH_M, footprints_of
from vigibati.inference.vectorisation.streaming_join import settle


def vectorise(
    probabilities: Path,
    *,
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
        thresholds: Probability per class, in place of those that the raster carries.
        min_area_m2: Smallest area on the ground that is kept.
        regular: Whether buildings get straight walls; otherwise outlines are simplified only.
        progress: Told of finished megapixels.

    Returns:
        Footprints in the raster's CRS, in reading order of their first pixel: ``footprint_id``
        from 1, ``kind`` (class name), ``probability`` (how often footprints of such a mean
        probability are real, where the raster is that of a calibrated model; else the mean over
        the pixels of the class itself, 0-1), ``area_m2`` (on the ground, of the outline),
        ``at_edge`` (within one pixel of the image's edge or of a place without image), geometry
        Polygon.

    Raises:
        RasterError: The file is no raster of probabilities, or is damaged.
        SettingsError: A threshold is of an unknown class, or not between 0 and 1.
    """
    with open_raster(probabilities) as dataset:
        header = read_header(probabilities, dataset, thresholds)
        total = dataset.count * dataset.width * dataset.height / 1e6
        with progress.stage("vectorise", total=total, unit="Mpx") as advance:
            strips = _traced(header, dataset, advance)
            return footprints_of(
                settle(strips, cols=(), reach_px=REACH_M / header.grid.gsd_m),
                grid=header.grid,
                calibrations=header.calibrations,
                min_area_m2=min_area_m2,
                regular=regular,
            )


def _traced(
    header: Header,
    dataset: Any,  # noqa: ANN401 - rasterio has no types
    advance: Advance,
) -> Iterator[tuple[dict[str, Components], range]]:
    """Yield by class what is traced in each strip alone, and the rows of the strip."""
    bands = [read_strips(header, dataset, band, advance) for band in range(1, dataset.count + 1)]
    for strips in zip(*bands, strict=True):
        traced = [Components.concatenate(trace([strip])) for strip in strips]
        yield (
            dict(zip(header.thresholds, traced, strict=True)),
            range(strips[0].row, strips[0].row + len(strips[0].mask)),
        )
