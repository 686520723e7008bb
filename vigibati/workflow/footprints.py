"""From orthophotos to footprints: the half of the pipeline that knows nothing of the cadastre."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.readers import read_parcels
from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath, StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.territory import Territory
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
from vigibati.datasets.orthophoto.overlaps import hidden_files
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.probabilities.image_extent import imaged_area
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.options import ImageOptions

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Footprints:
    """What was found in the image, in the projected CRS that everything is compared in.

    Attributes:
        table: Footprints, as ``vectorise`` gives them.
        imaged: The ground that the image shows.
        report: What the segmentation did.
    """

    table: gpd.GeoDataFrame
    imaged: shapely.Geometry
    report: SegmentReport


def open_for(
    paths: StrPaths,
    *,
    checkpoint: StrPath | None,
    image: ImageOptions = ImageOptions(),
    territory: Territory | None = None,
) -> tuple[Orthophoto, Checkpoint, pyproj.CRS]:
    """Open an image with the model that is to read it, and choose the CRS to work in.

    Args:
        paths: Files of the orthophoto, folders of files, or lists of them.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        image: How the files are read.
        territory: Whose legal CRSs are meant; those of France when None.

    Raises:
        RasterError: The image cannot be used, or not by this model.
        CheckpointError: The checkpoint cannot be used.
    """
    model = load_checkpoint(checkpoint)
    ortho = open_ortho(
        as_paths(paths),
        gsd_m=model.contract.gsd_m,
        crs=image.crs,
        bands=model.contract.bands,
        band_order=image.bands,
        scale=image.scale,
    )
    if hidden := hidden_files(ortho):
        more = f", and {len(hidden) - 1} more files lie so" if len(hidden) > 1 else ""
        _LOG.warning(
            "%s lies wholly below %s and shows only where that has no image%s; older images go to --vintage",
            hidden[0].path,
            hidden[0].above.name,
            more,
        )
    return ortho, model, working_crs(ortho.grid.crs, ortho.grid.bounds, territory=territory)


def polygons_of(path: Path, *, crs: pyproj.CRS) -> NDArray[np.object_]:
    """Return the polygons of any layer of parcels or communes, in a CRS.

    Raises:
        RecordsError: It cannot be read.
    """
    polygons: NDArray[np.object_] = read_parcels(path, crs=crs, declared_crs=None).geometry.to_numpy()
    return polygons


def find_footprints(
    ortho: Orthophoto,
    model: Checkpoint,
    probabilities: Path,
    *,
    crs: pyproj.CRS,
    settings: SegmentSettings | None = None,
    progress: Progress = SILENT,
) -> Footprints:
    """Segment an orthophoto and outline what was found, in one pass.

    Args:
        ortho: The image.
        model: The network and its contract.
        probabilities: Probability raster to write; it is kept, so that another threshold needs no
            second pass.
        crs: Projected CRS of the result.
        settings: How it is segmented; footprints are traced in any case.
        progress: Listener.
    """
    settings = replace(settings or SegmentSettings(), traced=True)
    done = segment(ortho, model, probabilities, settings, progress=progress)
    if done.footprints is None:
        cause = "leaves the footprints to be merged"
        raise SettingsError("a shard", cause, "run vigibati segment, merge and compare one after the other")
    imaged = gpd.GeoSeries([imaged_area(probabilities)], crs=ortho.grid.crs).to_crs(crs).iloc[0]
    return Footprints(table=done.footprints.to_crs(crs), imaged=imaged, report=done.report)
