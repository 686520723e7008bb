"""What a run of ``detect`` made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd

from vigibati.cadastre.cases.budget import BudgetReport
from vigibati.cadastre.comparison.compare import ComparisonReport
from vigibati.inference.energy import Energy
from vigibati.inference.segmentation.report import SegmentReport

if TYPE_CHECKING:
    # It knows all that trains, which takes seconds to load.
    from vigibati.adaptation.report import AdaptReport


@dataclass(frozen=True, slots=True, eq=False)
class DetectReport:
    """What a run of ``detect`` made.

    Attributes:
        out: The GeoPackage.
        probabilities: Probability raster, kept for other thresholds.
        cases: The cases, by rank.
        offsets: One row per sheet.
        segmentation: What the segmentation did.
        adaptation: What the adaptation came to; None without one.
        vintages: The same of each older orthophoto, by year.
        comparison: Counts of the comparison.
        budget: What the planned visits buy.
        energy: Energy of the run; None where it was not measured.
        run_id: Name of the run, also in every case.
    """

    out: Path
    probabilities: Path
    cases: gpd.GeoDataFrame
    offsets: gpd.GeoDataFrame
    segmentation: SegmentReport
    adaptation: AdaptReport | None
    vintages: Mapping[int, SegmentReport]
    comparison: ComparisonReport
    budget: BudgetReport
    energy: Energy | None
    run_id: str
