"""What an adaptation is worth: agreement with the records and with what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import rasterio.windows
import shapely
from numpy.typing import NDArray

from vigibati.adaptation.fold_training import Workshop
from vigibati.adaptation.territory import LabelledTerritory, Registered, View, labels_of, registered
from vigibati.cadastre.overlap import as_array, near_pairs, union_by_left
from vigibati.configs.contract import Calibration, ModelContract
from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE
from vigibati.datasets.chips.soft_labels import Evidence, soft_labels
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.datasets.grid import Window
from vigibati.inference.probabilities.object_calibration import object_logits
from vigibati.inference.probabilities.zonal_mean import zonal_mean
from vigibati.training.calibration.temperature_scaling import fit_objects, fit_temperature
from vigibati.training.calibration.unrecorded_detections import OffRecord

_BUILDING = "building"
_LARGE_M2 = 20.0
_SEEN = 0.5
_PIXELS = 400_000


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far what a model sees agrees with what is known.

    Attributes:
        iou: Area that footprints of buildings and registered records share, over the area of both,
            where the records speak.
        seen: Share of the records from 20 m² on of which more than half is seen.
        off_record: Footprints of buildings from 20 m² on that lie on no record.
        decided: Cases that a person decided.
        decided_right: Those of them in which the model is of the same opinion.
    """

    iou: float
    seen: float
    off_record: int
    decided: int
    decided_right: int

    def is_worse_than(self, other: Agreement) -> bool:
        """Whether anything that was right before is less so now."""
        return self.iou < other.iou or self.decided_right < other.decided_right


def agreement(territory: LabelledTerritory, view: View) -> Agreement:
    """Measure what a model sees against the records, registered onto just that.

    Args:
        territory: Where.
        view: What it sees of all of it.
    """
    found, probabilities = registered(territory, view.footprints), view.probabilities
    roofs, buildings = found.roofs(_BUILDING), as_array(found.buildings)
    shapely.prepare(found.cover)
    roofs = roofs[shapely.intersects(found.cover, roofs) & _shown(probabilities, roofs, territory)]
    buildings_in = buildings[shapely.intersects(found.cover, buildings)]
    recorded, seen = shapely.union_all(roofs), shapely.union_all(buildings_in)
    shared = shapely.area(shapely.intersection(recorded, seen))
    both = shapely.area(recorded) + shapely.area(seen) - shared
    large = roofs[shapely.area(roofs) >= _LARGE_M2]
    over = union_by_left(near_pairs(large, buildings_in), buildings_in, count=len(large))
    part = shapely.area(shapely.intersection(large, over)) / np.maximum(shapely.area(large), 1e-9)
    beside = found.beside_records & (shapely.area(buildings) >= _LARGE_M2)
    cases = territory.decided.table
    means = zonal_mean(probabilities, cases.geometry, cases["class_name"].tolist())
    right = (means >= _SEEN) == cases["present"].to_numpy(dtype=bool)
    return Agreement(
        iou=round(float(shared / both), 4) if both else 0.0,
        seen=round(float((part > _SEEN).mean()), 4) if len(large) else 0.0,
        off_record=int(beside.sum()),
        decided=len(cases),
        decided_right=int(right.sum()),
    )


def _shown(
    probabilities: Path, outlines: NDArray[np.object_], territory: LabelledTerritory
) -> NDArray[np.bool_]:
    series = gpd.GeoSeries(outlines, crs=territory.crs)
    return ~np.isnan(zonal_mean(probabilities, series, [_BUILDING] * len(outlines)))


def calibrations(workshop: Workshop, view: View, contract: ModelContract) -> tuple[Calibration, ...]:
    """Fit what makes probabilities come true, on what models say of ground whose labels they never saw.

    Buildings alone are fitted: pixels to the soft labels of the records, footprints to whether they lie
    on records, or how likely they are buildings beside them. Another class keeps the line of the
    starting model, whose probabilities were its labels.

    Args:
        workshop: Where, and its pieces.
        view: Out of fold, of models without calibration.
        contract: Of the starting model.
    """
    territory = workshop.territory
    labels, off = labels_of(territory, [view])
    evidence = labels.evidence[_BUILDING]
    slope, offset = _objects(registered(territory, view.footprints), off)
    windows = [piece.window for piece in workshop.pieces]
    temperature = 1.0 if evidence is None else _temperature(territory, view, windows, evidence)
    fitted = Calibration(temperature=temperature, object_slope=slope, object_offset=offset)
    kept = contract.object_calibrations
    return tuple(
        fitted if name == _BUILDING else _of_objects(*kept.get(name, (1.0, 0.0)))
        for name in contract.class_names
    )


def _of_objects(slope: float, offset: float) -> Calibration:
    return Calibration(temperature=1, object_slope=slope, object_offset=offset)


def _objects(found: Registered, off: OffRecord) -> tuple[float, float]:
    sure = found.buildings["probability"].to_numpy(dtype=float)
    on, beside = found.on_records, found.beside_records
    real = np.where(on, 1.0, off.chance(sure))
    return fit_objects(sure[on | beside], real[on | beside])


def _temperature(
    territory: LabelledTerritory, view: View, windows: Sequence[Window], evidence: Evidence
) -> float:
    """Fit the temperature to pixels of full weight, a random part of them."""
    grid, band = territory.image.grid, territory.class_names.index(_BUILDING) + 1
    logits, real = [], []
    draw = np.random.default_rng(territory.settings.seed)
    share = min(1.0, _PIXELS / sum(window.width * window.height for window in windows))
    with rasterio.open(view.probabilities) as raster:
        for window in windows:
            part = rasterio.windows.Window(window.col, window.row, window.width, window.height)
            values = raster.read(band, window=part)
            target, weight = soft_labels(grid, window, evidence)
            used = (values != NO_IMAGE) & (weight == WEIGHT_SCALE) & (draw.random(values.shape) < share)
            logits.append(object_logits(values[used] / PROBABILITY_SCALE))
            real.append(target[used] / TARGET_SCALE)
    return fit_temperature(np.concatenate(logits), np.concatenate(real))
