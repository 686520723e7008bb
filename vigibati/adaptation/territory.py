"""A town's own ground as a source of labels: its image, its records, and what people decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.cases.decisions import Decided
from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.morphology import widened
from vigibati.cadastre.overlap import as_array, near_pairs, union_by_left
from vigibati.cadastre.registration.offsets import Offsets
from vigibati.cadastre.registration.register import register
from vigibati.configs.adaptation import Adaptation
from vigibati.configs.rules import ComparisonRules
from vigibati.datasets.chips.soft_labels import Evidence
from vigibati.datasets.chips.territory_chips import Labels
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.probabilities.zonal_mean import zonal_mean
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.training.calibration.unrecorded_detections import OffRecord, measure_off_record
from vigibati.workflow.inputs import CadastralInputs

_POOL, _BUILDING = "pool", "building"
_ON, _BESIDE = 0.5, 0.1


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one model sees of the territory, or of a part of it.

    Attributes:
        probabilities: Raster.
        footprints: Traced in it, in the working CRS.
        checkpoint: Folder of the model.
        report: What the segmentation did.
    """

    probabilities: Path
    footprints: gpd.GeoDataFrame
    checkpoint: Path
    report: SegmentReport


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTerritory:
    """A territory with everything that its labels come from.

    Attributes:
        image: The orthophoto.
        inputs: Records and parcels, in the working CRS.
        decided: What people decided, in the same.
        rules: Of registration and comparison.
        settings: How a model is adapted.
        class_names: Of the model.
    """

    image: Orthophoto
    inputs: CadastralInputs
    decided: Decided
    rules: ComparisonRules
    settings: Adaptation
    class_names: tuple[str, ...]

    @property
    def crs(self) -> pyproj.CRS:
        """CRS to work in."""
        return pyproj.CRS(self.inputs.records.crs)

    def on_image(self, outlines: NDArray[np.object_]) -> NDArray[np.object_]:
        """Bring outlines from the working CRS into that of the image."""
        moved: NDArray[np.object_] = (
            gpd.GeoSeries(outlines, crs=self.crs).to_crs(self.image.grid.crs).to_numpy()
        )
        return moved


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """The records as they lie on what a model sees.

    Attributes:
        records: Moved, with ``offset_m``, ``tolerance_m`` and ``overhang_m``.
        cover: Where the cadastre was drawn and its records took part.
        covered: (N,) share of each building footprint that lies on records and their tolerance.
        buildings: The footprints of buildings, in the order of ``covered``.
    """

    records: gpd.GeoDataFrame
    cover: shapely.Geometry
    covered: NDArray[np.float64]
    buildings: gpd.GeoDataFrame

    @property
    def on_records(self) -> NDArray[np.bool_]:
        """Which buildings lie on records for at least half, within the cover."""
        return self._within & (self.covered >= _ON)

    @property
    def beside_records(self) -> NDArray[np.bool_]:
        """Which buildings lie on records for less than a tenth, within the cover."""
        return self._within & (self.covered < _BESIDE)

    @property
    def _within(self) -> NDArray[np.bool_]:
        shapely.prepare(self.cover)
        within: NDArray[np.bool_] = shapely.intersects(self.cover, as_array(self.buildings))
        return within

    def roofs(self, kind: str) -> NDArray[np.object_]:
        """Return the records of a class as the image shows them: with the overhang of their roofs."""
        chosen = self.of(kind)
        overhang_m = 0.0 if kind == _POOL else chosen["overhang_m"].clip(lower=0).to_numpy(dtype=float)
        roofs: NDArray[np.object_] = shapely.buffer(as_array(chosen), overhang_m, join_style="mitre")
        return roofs

    def of(self, kind: str) -> gpd.GeoDataFrame:
        """Return the records of a class; none of a class that no cadastre knows."""
        pools = self.records["kind"] == _POOL
        return self.records[pools if kind == _POOL else ~pools if kind == _BUILDING else pools & ~pools]


def registered(
    territory: LabelledTerritory, footprints: gpd.GeoDataFrame, *, without: shapely.Geometry | None = None
) -> Registered:
    """Move the records onto footprints, and say which footprints lie on them.

    Args:
        territory: Where.
        footprints: What a model sees.
        without: Ground whose records take no part at all, not even in the registration.
    """
    inputs, rules = territory.inputs, territory.rules
    records = inputs.records
    if without is not None:
        records = records[~shapely.intersects(without, as_array(records))]
    offsets = register(footprints, records, rules=rules)
    moved = offsets.apply(records)
    cover = _cover(inputs, moved, offsets)
    if without is not None:
        # There everything that is seen would look like something that nobody recorded.
        cover = shapely.difference(cover, shapely.buffer(without, territory.settings.guard_m))
    buildings = footprints[footprints["kind"] == _BUILDING]
    near = moved[moved["kind"] != _POOL]
    return Registered(moved, cover, _covered(as_array(buildings), near), buildings)


def labels_of(
    territory: LabelledTerritory, views: Sequence[View], *, without: shapely.Geometry | None = None
) -> tuple[Labels, OffRecord]:
    """Return what is known of the territory, apart from one fold.

    Args:
        territory: Where.
        views: What models saw of it, from the first to the latest; none that learnt from ``without``.
        without: The fold whose labels must not be used; None for all that is known.

    Returns:
        The labels, and what they say of detections beside records.
    """
    latest, settings = views[-1], territory.settings
    found = registered(territory, latest.footprints, without=without)
    off = off_record(found)
    evidence: dict[str, Evidence | None] = {}
    for name in territory.class_names:
        recorded = name == _BUILDING or (name == _POOL and len(found.of(_POOL)) > 0)
        evidence[name] = _evidence(territory, name, found, views, off) if recorded else None
    cover = territory.on_image(shapely.get_parts(found.cover))
    return Labels(evidence, cover, views[0].probabilities, settings.unlabelled_weight), off


def off_record(found: Registered) -> OffRecord:
    """Measure how many of the detections beside records are buildings."""
    sure = found.buildings["probability"].to_numpy(dtype=float)
    return measure_off_record(sure[found.on_records], sure[found.beside_records])


def _evidence(
    territory: LabelledTerritory, name: str, found: Registered, views: Sequence[View], off: OffRecord
) -> Evidence:
    settings, rules = territory.settings, territory.rules.registration
    records = found.of(name)
    spread_m = records["tolerance_m"].to_numpy(dtype=float) / rules.residual_factor
    weight = np.where(_overlooked(territory, records, name, views), settings.unseen_weight, 1.0)
    standing = territory.decided.of(name, present=True).to_numpy()
    gone = territory.decided.of(name, present=False).to_numpy()
    seen = views[-1].footprints
    seen = seen[seen["kind"] == name]
    sure = seen["probability"].to_numpy(dtype=float)
    return Evidence(
        present=territory.on_image(np.concatenate([found.roofs(name), standing])),
        sigma_m=np.concatenate(
            [np.maximum(spread_m, settings.least_sigma_m), np.full(len(standing), settings.least_sigma_m)]
        ),
        weight=np.concatenate([weight, np.full(len(standing), settings.decided_weight)]),
        possible=territory.on_image(as_array(seen)),
        chance=off.chance(sure) if name == _BUILDING else sure,
        possible_weight=settings.off_record_weight,
        absent=territory.on_image(gone),
        absent_weight=settings.decided_weight,
    )


def _overlooked(
    territory: LabelledTerritory, records: gpd.GeoDataFrame, name: str, views: Sequence[View]
) -> NDArray[np.bool_]:
    """Return which records neither the first model nor the latest sees; none before there are two."""
    overlooked = np.full(len(records), len(views) > 1)
    for view in (views[0], views[-1]):
        if overlooked.any():
            means = zonal_mean(view.probabilities, records.geometry, [name] * len(records))
            overlooked &= means < territory.settings.unseen_below
    return overlooked


def _cover(inputs: CadastralInputs, moved: gpd.GeoDataFrame, offsets: Offsets) -> shapely.Geometry:
    sheets = inputs.record_set.sheets
    return records_cover(
        moved,
        parcels=None if inputs.parcels is None else offsets.apply(inputs.parcels),
        sheets=None if sheets is None else offsets.apply(sheets, nearest_if_unknown=True),
    )


def _covered(footprints: NDArray[np.object_], records: gpd.GeoDataFrame) -> NDArray[np.float64]:
    wide = widened(as_array(records), records["tolerance_m"].to_numpy(dtype=float))
    recorded = union_by_left(near_pairs(footprints, wide), wide, count=len(footprints))
    covered: NDArray[np.float64] = shapely.area(shapely.intersection(footprints, recorded)) / np.maximum(
        shapely.area(footprints), 1e-9
    )
    return covered
