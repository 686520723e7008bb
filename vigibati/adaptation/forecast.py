"""What an adaptation would do, told before any of it is done."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.adaptation.run_setup import AdaptSettings, step_seconds
from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.overlap import as_array
from vigibati.datasets.chips.spatial_folds import cut_folds
from vigibati.datasets.chips.territory_chips import choose_windows
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.workflow.place import Place

# Below, buildings are sheds and annexes; a cadastre that draws them has far more than one in a hundred.
_LIGHT_M2 = 20.0
_FEW_LIGHT = 0.01


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an adaptation would do.

    Attributes:
        buildings: Records of buildings in each fold.
        pieces: Of the image, that labels would be made for.
        trainings: Models that would be trained.
        steps: Of each, at the time that was given or by the settings.
        seconds_per_step: As timed here.
        training_minutes: Of all trainings together; looking at the image comes on top.
        warnings: What would limit the result.
    """

    buildings: tuple[int, ...]
    pieces: int
    trainings: int
    steps: int
    seconds_per_step: float
    training_minutes: float
    warnings: tuple[str, ...]


def outlook(place: Place, settings: AdaptSettings) -> Outlook:
    """Tell what an adaptation would do; writes nothing.

    Args:
        place: What it would be adapted to, and the model to start from.
        settings: How.

    Raises:
        InputError: There are too few records.
    """
    inputs, learning, grid = place.inputs, settings.learning, place.image.grid
    records = inputs.records
    folds = ground_of_folds(place.image, records, settings.folds)
    middles = shapely.centroid(as_array(records[records["kind"] != "pool"]))
    cover = records_cover(records, parcels=inputs.parcels, sheets=inputs.record_set.sheets)
    (ground,) = gpd.GeoSeries([cover], crs=records.crs).to_crs(grid.crs)
    windows = choose_windows(
        grid, ground, chip_px=learning.chip_px, most=learning.most_chips, seed=learning.seed
    )
    step_s = step_seconds(place.model, settings)
    given = settings.minutes
    steps = learning.steps if given is None else int(given * 60 / (step_s * settings.trainings))
    return Outlook(
        buildings=tuple(int(shapely.intersects(fold, middles).sum()) for fold in folds),
        pieces=len(windows),
        trainings=settings.trainings,
        steps=steps,
        seconds_per_step=round(step_s, 3),
        training_minutes=round(steps * settings.trainings * step_s / 60, 1),
        warnings=warnings_about(records),
    )


def ground_of_folds(image: Orthophoto, records: gpd.GeoDataFrame, count: int) -> NDArray[np.object_]:
    """Cut the ground of an image into folds, in the CRS of the records."""
    ground = gpd.GeoSeries([shapely.box(*image.grid.bounds)], crs=image.grid.crs)
    points = shapely.get_coordinates(shapely.centroid(as_array(records)))
    west, south, east, north = ground.to_crs(records.crs).total_bounds
    return cut_folds(points, (west, south, east, north), count=count)


def warnings_about(records: gpd.GeoDataFrame) -> tuple[str, ...]:
    """Say what kind of building records lack: a model that learns from them learns not to see it."""
    buildings = records[records["kind"] != "pool"]
    small = float((buildings.area < _LIGHT_M2).mean())
    if small < _FEW_LIGHT and not (buildings["kind"] == "light").any():
        lacking = f"the records hold no light building, and {small:.1%} of them are below {_LIGHT_M2:g} m²"
        return (f"{lacking}: what is adapted to them learns not to see sheds and annexes",)
    return ()
