"""What an adaptation came to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import geopandas as gpd
import pyproj
import rasterio

from vigibati.adaptation.agreement import Agreement
from vigibati.configs.contract import Calibration
from vigibati.inference.energy import Energy
from vigibati.inference.probabilities.image_extent import imaged_area
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.training.calibration.unrecorded_detections import OffRecord
from vigibati.workflow.footprints import Footprints


@dataclass(frozen=True, slots=True, eq=False)
class AdaptReport:
    """What an adaptation came to.

    Attributes:
        accepted: Whether it agrees with records and decisions at least as well as the starting model.
        probabilities: Raster to go on with: out of fold, or of the starting model where that is better.
        footprints: Traced in it, in the working CRS.
        segmentation: What the first look at the image did.
        checkpoint: Model for other places of the region, or the starting one.
        fold_checkpoints: Models of the folds; each never saw a label of its own.
        agreement: Of the starting model and after each round, out of fold.
        off_record: What was known, in the last round, of detections beside records, by fold.
        calibrations: Fitted out of fold, by class.
        steps: Training steps of each fold and round.
        minutes: Wall clock of this call.
        energy: Of this call; None where it was not measured.
        warnings: What limits the result.
    """

    accepted: bool
    probabilities: Path
    footprints: gpd.GeoDataFrame
    segmentation: SegmentReport
    checkpoint: Path
    fold_checkpoints: tuple[Path, ...]
    agreement: tuple[Agreement, ...]
    off_record: tuple[OffRecord, ...]
    calibrations: tuple[Calibration, ...]
    steps: int
    minutes: float
    energy: Energy | None
    warnings: tuple[str, ...]

    def found(self, crs: pyproj.CRS) -> Footprints:
        """Return what is to be compared with the records, in the CRS to work in."""
        with rasterio.open(self.probabilities) as raster:
            imaged = gpd.GeoSeries([imaged_area(self.probabilities)], crs=raster.crs.to_wkt())
        return Footprints(self.footprints, imaged.to_crs(crs).iloc[0], self.segmentation)

    def figures(self) -> dict[str, object]:
        """Return what was measured, without any path, JSON-ready."""
        stages = ["start", *(f"round {number}" for number in range(1, len(self.agreement)))]
        return {
            "accepted": self.accepted,
            "agreement": {name: asdict(each) for name, each in zip(stages, self.agreement, strict=True)},
            "off_record": [asdict(each) for each in self.off_record],
            "calibrations": [each.model_dump() for each in self.calibrations],
            "steps": self.steps,
            "minutes": self.minutes,
            "energy": self.energy and asdict(self.energy),
            "warnings": list(self.warnings),
        }

    def summary(self) -> dict[str, object]:
        """Return what a person or a machine wants to know of an adaptation, JSON-ready."""
        return {
            "probabilities": str(self.probabilities),
            "checkpoint": str(self.checkpoint),
            "fold_checkpoints": [str(folder) for folder in self.fold_checkpoints],
            **self.figures(),
        }
