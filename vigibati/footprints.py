"""From orthophotos to footprints: the half of the pipeline that knows nothing of the cadastre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyproj
import shapely

from vigibati.cadastre.crs import working_crs
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.ortho import Orthophoto, open_ortho
from vigibati.inference.checkpoint import Checkpoint, load_checkpoint, shipped_checkpoint
from vigibati.inference.coverage import imaged_area
from vigibati.inference.device import Device
from vigibati.inference.segment import SegmentReport, segment
from vigibati.inference.vectorise import vectorise


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
    paths: Sequence[Path], *, checkpoint: Path | None, crs: str | None
) -> tuple[Orthophoto, Checkpoint, pyproj.CRS]:
    """Open an image with the model that is to read it, and choose the CRS to work in.

    Args:
        paths: Files of the orthophoto.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        crs: CRS of files that do not state it.

    Raises:
        RasterError: The image cannot be used, or not by this model.
        CheckpointError: The checkpoint cannot be used.
    """
    model = load_checkpoint(checkpoint or shipped_checkpoint())
    ortho = open_ortho(paths, gsd_m=model.contract.gsd_m, crs=crs)
    return ortho, model, working_crs(ortho.grid.crs, ortho.grid.bounds)


def find_footprints(
    ortho: Orthophoto,
    model: Checkpoint,
    probabilities: Path,
    *,
    crs: pyproj.CRS,
    device: str = "auto",
    progress: Progress = SILENT,
) -> Footprints:
    """Segment an orthophoto and outline what was found.

    Args:
        ortho: The image.
        model: The network and its contract.
        probabilities: Probability raster to write; it is kept, so that another threshold needs no
            second pass.
        crs: Projected CRS of the result.
        device: auto, cpu, cuda or openvino.
        progress: Listener.
    """
    report = segment(ortho, model, probabilities, device=Device.choose(device), progress=progress)
    table = vectorise(probabilities, progress=progress)
    imaged = gpd.GeoSeries([imaged_area(probabilities)], crs=ortho.grid.crs).to_crs(crs).iloc[0]
    return Footprints(table=table.to_crs(crs), imaged=imaged, report=report)
