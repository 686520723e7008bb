"""What is seen of a place, by the model as it is or adapted to the place first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.rules import ComparisonRules
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.model.checkpoint import Checkpoint, load_checkpoint
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.footprints import Footprints, find_footprints
from vigibati.workflow.options import RunOptions
from vigibati.workflow.place import Place
from vigibati.workflow.vintages import segment_vintages

if TYPE_CHECKING:
    from vigibati.adaptation.report import AdaptReport
    from vigibati.adaptation.run_setup import AdaptSettings


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What was seen of a place.

    Attributes:
        found: Footprints in the image.
        probabilities: Raster that they were traced in.
        model: That saw it; the adapted one where the model was adapted.
        adapted: What the adaptation came to; None without one.
        vintages: Raster and report of each older image, by year.
    """

    found: Footprints
    probabilities: Path
    model: Checkpoint
    adapted: AdaptReport | None
    vintages: Mapping[int, tuple[Path, SegmentReport]]


def segment_or_adapt(
    place: Place,
    older: Mapping[int, Orthophoto],
    out: Path,
    *,
    run: RunOptions,
    adaptation: AdaptSettings | None,
    rules: ComparisonRules,
    progress: Progress = SILENT,
) -> Sight:
    """Find footprints in the image of a place, and segment the older images too.

    Args:
        place: The orthophoto, its cadastre and the model; where parcels are known, what is farther than
            20 m from all of them is skipped.
        older: Older orthophotos by year.
        out: GeoPackage beside which the rasters and the folder of an adaptation are kept, by its name.
        run: Where the work is done, and what of an earlier call is taken.
        adaptation: How the model is first adapted to the place; it is taken as it is when None.
        rules: Of registration and comparison, by which an adaptation goes.
        progress: Listener.
    """
    probabilities, image_crs = out.with_name(f"{out.stem}_probabilities.tif"), place.image.grid.crs
    parcels = place.inputs.parcels
    settings = SegmentSettings(
        device=run.device,
        area=None if parcels is None else parcels.to_crs(image_crs).geometry.to_numpy(),
        dask=run.dask,
        restart=run.restart,
        retry_failed=run.retry_failed,
    )
    adapted, model = None, place.model
    if adaptation is None:
        found = find_footprints(
            place.image, model, probabilities, crs=place.crs, settings=settings, progress=progress
        )
    else:
        # It needs all that trains, which takes seconds to load.
        from vigibati.adaptation.adapt import adapt_to  # noqa: PLC0415

        folder = out.with_name(f"{out.stem}_adapted")
        adapted = adapt_to(
            place, folder, settings=adaptation, rules=rules, restart=run.restart, progress=progress
        )
        model, found = load_checkpoint(adapted.checkpoint), adapted.found(place.crs)
    return Sight(
        found=found,
        probabilities=probabilities if adapted is None else adapted.probabilities,
        model=model,
        adapted=adapted,
        vintages=segment_vintages(
            older, model, probabilities, settings, area_crs=image_crs, progress=progress
        ),
    )
