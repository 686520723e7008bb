"""A true plan made into a case whose answer is known: spoiled records, made-up footprints."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.benchmark.altered_plan import Shares, spoil
from vigibati.cadastre.benchmark.displaced_plan import Disorder, Displaced, displace
from vigibati.cadastre.benchmark.simulated_detector import Detections, Quality, simulate
from vigibati.cadastre.crs import working_crs
from vigibati.cadastre.morphology import moved_by
from vigibati.cadastre.overlap import as_array
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.cadastre.tables import SHEET_COLUMNS, conform
from vigibati.configs.errors import SettingsError
from vigibati.configs.rules import ComparisonRules
from vigibati.workflow.inputs import CadastralInputs, read_cadastral_inputs

_AROUND_M = 50.0


@dataclass(frozen=True, slots=True)
class PlanSettings:
    """What is done to a plan, and how well it is detected.

    Attributes:
        quality: Of the detections, perfect or realistic.
        shares: How much is changed.
        disorder: How badly the records are placed; its shift is replaced by each of ``shifts_m``.
        shifts_m: How far each sheet is moved.
        seeds: Of the draws; every seed is run with every shift.
    """

    quality: Quality
    shifts_m: tuple[float, ...]
    seeds: tuple[int, ...]
    shares: Shares = field(default_factory=Shares)
    disorder: Disorder = field(default_factory=Disorder)


def plan_settings(
    quality: str, *, shifts_m: tuple[float, ...], seeds: tuple[int, ...], fraction: float | None = None
) -> PlanSettings:
    """Return settings from what a user gives.

    Args:
        quality: Of the detections.
        shifts_m: How far each sheet is moved.
        seeds: Of the draws.
        fraction: Share of the buildings that is withheld; the usual one when None.

    Raises:
        SettingsError: No such quality.
    """
    shares = Shares() if fraction is None else Shares(withheld=fraction)
    if quality not in get_args(Quality):
        qualities = ", ".join(get_args(Quality))
        raise SettingsError("--detections", f"'{quality}' is unknown", f"use model, {qualities}")
    return PlanSettings(quality=cast("Quality", quality), shifts_m=shifts_m, seeds=seeds, shares=shares)


@dataclass(frozen=True, slots=True, eq=False)
class SpoiledPlan:
    """One made-up case: the truth, what the cadastre says of it, what the detector shows of it."""

    pieces: gpd.GeoDataFrame
    displaced: Displaced
    detections: Detections
    inputs: CadastralInputs
    imaged: shapely.Geometry


def read_plan(records: Path, *, hints: RecordsHints = NO_HINTS) -> CadastralInputs:
    """Read a true plan in the projected CRS of its place, without pools, parcels and zones.

    Args:
        records: True records.
        hints: What overrides their files.

    Raises:
        RecordsError: It cannot be read.
    """
    frame = read_records(records, hints=hints).records
    crs = working_crs(frame.crs, tuple(frame.total_bounds))
    inputs = read_cadastral_inputs(records=records, parcels=None, crs=crs, hints=hints)
    return replace(inputs, parcels=None, records=inputs.records[inputs.records["kind"] != "pool"])


def spoiled_plan(
    inputs: CadastralInputs, *, settings: PlanSettings, shift_m: float, seed: int, rules: ComparisonRules
) -> SpoiledPlan:
    """Make one case, with draws of its own for every seed and shift."""
    draw = int(np.random.SeedSequence([seed, round(1000 * shift_m)]).generate_state(1)[0])
    pieces = spoil(inputs.records, seed=draw, bounds_m2=rules.bands_m2, shares=settings.shares)
    recorded = pieces[pieces["what"].isin(("kept", "demolished"))]
    displaced = displace(recorded, seed=draw, disorder=replace(settings.disorder, shift_m=shift_m))
    sheets = _sheets(inputs, pieces, displaced)
    return SpoiledPlan(
        pieces=pieces,
        displaced=displaced,
        detections=simulate(pieces, quality=settings.quality, seed=draw),
        inputs=replace(
            inputs, records=displaced.records, record_set=replace(inputs.record_set, sheets=sheets)
        ),
        imaged=shapely.union_all(shapely.buffer(as_array(sheets), _AROUND_M)),
    )


def residuals_m(plan: SpoiledPlan, registered: gpd.GeoDataFrame) -> pd.Series[float]:
    """Return how far each record lies from the roof that it stands for, after registration, in metres.

    It is the error of the estimated displacement, as the mean over the record's vertices, the noise of
    which is no error of registration. Records without a roof in the detections are left out.

    Args:
        plan: The case.
        registered: Its records as moved onto the footprints, in any order.

    Returns:
        Distances by ``record_id``.
    """
    before = plan.displaced.records
    estimated = _means(registered.set_index("record_id").loc[before["record_id"]]) - _means(before)
    whole = before["record_id"].str.replace(r"/[12]$", "", regex=True)
    row = plan.pieces.reset_index().set_index("record_id")["index"].loc[whole].to_numpy()
    stands = (plan.pieces["what"] == "kept").to_numpy() & ~plan.detections.missing
    error = estimated + plan.displaced.moved_m - plan.detections.lean_m[row]
    seen = stands[row]
    return pd.Series(np.hypot(*error[seen].T), index=before["record_id"].to_numpy()[seen])


def _means(layer: gpd.GeoDataFrame) -> NDArray[np.float64]:
    xy, owner = shapely.get_coordinates(as_array(layer), return_index=True)
    count = np.bincount(owner, minlength=len(layer))
    return np.column_stack([np.bincount(owner, axis, len(layer)) / count for axis in xy.T])


def _sheets(inputs: CadastralInputs, pieces: gpd.GeoDataFrame, displaced: Displaced) -> gpd.GeoDataFrame:
    """Return where the cadastre speaks, as displaced as it is: the sheets, or all around the buildings."""
    names = list(displaced.fields)
    sheets = inputs.record_set.sheets
    if sheets is None:
        ground = [
            shapely.GeometryCollection(list(as_array(pieces[pieces["sheet_id"] == name]))).convex_hull
            for name in names
        ]
        sheets = gpd.GeoDataFrame(
            {"sheet_id": names}, geometry=shapely.buffer(ground, _AROUND_M), crs=pieces.crs
        )
    sheets = sheets[sheets["sheet_id"].isin(names)]
    shift_m = np.array([displaced.fields[str(name)].shift_m for name in sheets["sheet_id"]])
    moved = moved_by(as_array(sheets), shift_m)
    return conform(sheets.set_geometry(moved, crs=sheets.crs), SHEET_COLUMNS)
