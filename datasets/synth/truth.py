"""Writes what is truly there: the planted cases, the offsets of the cadastre, the standing buildings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray

from vigibati.configs.atomic_files import GEOPACKAGE_VERSION, whole_file
from vigibati.datasets.synth.cadastre.displacement import Displacement
from vigibati.datasets.synth.plan.ground_plan import EPSG, Building, GroundPlan, outlines

_TOUCHING_M = 0.4
_SAMPLE_M = 25.0


def planted_cases(plan: GroundPlan, *, year: int) -> gpd.GeoDataFrame:
    """Return everything that a comparison of image and records should find, EPSG:2154.

    A roof that stands within 0.4 m (two pixels) of a recorded one, directly or through other
    roofs, makes one block with it in the image: the comparison can only call it an extension,
    whatever was planted.

    Args:
        plan: The ground.
        year: Year of the image.

    Returns:
        Columns ``truth_id``, ``kind`` (undeclared_house, extension, shed, pool,
        demolished_record), ``case_kind`` (new_building, extension, pool, not_seen),
        ``area_m2`` of the true outline, ``since`` (first year, missing when demolished).
    """
    standing = plan.standing(year)
    rows: list[tuple[str, str, int | None, shapely.Polygon]] = [
        (building.planted, "extension" if known else "new_building", building.since, building.outline)
        for building, known in zip(standing, _beside_recorded(standing), strict=True)
        if building.planted != "recorded"
    ]
    pools = [pool for pool in plan.pools if pool.planted == "pool" and pool.stands(year)]
    rows += [("pool", "pool", pool.since, pool.outline) for pool in pools]
    rows += [("demolished_record", "not_seen", None, record.outline) for record in plan.demolished]
    return gpd.GeoDataFrame(
        {
            "truth_id": pd.array([f"T{number:04d}" for number in range(1, len(rows) + 1)], dtype="str"),
            "kind": pd.array([row[0] for row in rows], dtype="str"),
            "case_kind": pd.array([row[1] for row in rows], dtype="str"),
            "area_m2": np.array([round(row[3].area, 2) for row in rows], dtype=np.float64),
            "since": pd.array([row[2] for row in rows], dtype="Int32"),
        },
        geometry=[row[3] for row in rows],
        crs=EPSG,
    )


def offset_table(sheets: gpd.GeoDataFrame, displacement: Displacement) -> gpd.GeoDataFrame:
    """Return what was added to each sheet of the cadastre, EPSG:2154.

    Args:
        sheets: ``sheet_id`` and true outline.
        displacement: What the cadastre was displaced by.

    Returns:
        Columns ``sheet_id``, ``dx_m`` and ``dy_m`` (the shift alone), ``mean_dx_m`` and
        ``mean_dy_m`` (with the mean warp of the sheet: what a perfect registration by sheet
        undoes), true outline.
    """
    shifts = {shift.sheet_id: (shift.dx_m, shift.dy_m) for shift in displacement.shifts}
    rows = []
    for sheet_id, outline in zip(sheets["sheet_id"], sheets.geometry, strict=True):
        points = _points_within(outline)
        mean = displacement.at(points, [sheet_id] * len(points)).mean(axis=0)
        rows.append((sheet_id, *shifts[sheet_id], *mean.tolist()))
    table = pd.DataFrame(rows, columns=["sheet_id", "dx_m", "dy_m", "mean_dx_m", "mean_dy_m"])
    return gpd.GeoDataFrame(table, geometry=sheets.geometry.to_numpy(), crs=EPSG)


def write_truth(plan: GroundPlan, path: Path, *, year: int, offsets: gpd.GeoDataFrame | None = None) -> None:
    """Write the GeoPackage 1.2 that results are scored against, EPSG:2154, true positions.

    Layers: ``planted`` (see `planted_cases`), ``buildings`` (every roof that stands, with
    ``recorded``) and, when the cadastre was displaced, ``offsets`` (see `offset_table`).

    Args:
        plan: The ground.
        path: The file.
        year: Year of the image.
        offsets: What was added to the cadastre.

    Raises:
        OutputError: The file cannot be written there.
    """
    layers = {"planted": planted_cases(plan, year=year), "buildings": _buildings(plan.standing(year))}
    if offsets is not None:
        layers["offsets"] = offsets
    with whole_file(path) as temporary:
        for name, layer in layers.items():
            pyogrio.write_dataframe(
                layer,
                temporary,
                layer=name,
                driver="GPKG",
                geometry_type="Polygon",
                dataset_options={"VERSION": GEOPACKAGE_VERSION},
            )


def _beside_recorded(standing: Sequence[Building]) -> NDArray[np.bool_]:
    """Return for each roof whether the block of roofs that it belongs to holds a recorded one."""
    blocks = shapely.get_parts(shapely.union_all(shapely.buffer(outlines(standing), _TOUCHING_M / 2)))
    recorded = [building for building in standing if building.planted == "recorded"]
    known = shapely.union_all(shapely.point_on_surface(outlines(recorded)))
    shapely.prepare(blocks)
    with_record = shapely.union_all(blocks[shapely.intersects(blocks, known)])
    shapely.prepare(with_record)
    return shapely.intersects(with_record, shapely.point_on_surface(outlines(standing)))


def _buildings(standing: Sequence[Building]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "building_id": np.arange(1, len(standing) + 1, dtype=np.int64),
            "recorded": np.array([building.planted == "recorded" for building in standing], dtype=np.bool_),
            "planted": pd.array([building.planted for building in standing], dtype="str"),
            "durable": np.array([building.durable for building in standing], dtype=np.bool_),
            "since": np.array([building.since for building in standing], dtype=np.int32),
            "roof": pd.array([building.roof for building in standing], dtype="str"),
            "height_m": np.array([building.height_m for building in standing], dtype=np.float64),
            "area_m2": np.array([round(building.outline.area, 2) for building in standing], dtype=np.float64),
        },
        geometry=[building.outline for building in standing],
        crs=EPSG,
    )


def _points_within(outline: shapely.Polygon) -> NDArray[np.float64]:
    """Return grid points (n, 2) inside a polygon, or one point of it when it is small."""
    minx, miny, maxx, maxy = outline.bounds
    columns, rows = np.meshgrid(np.arange(minx, maxx, _SAMPLE_M), np.arange(miny, maxy, _SAMPLE_M))
    points = np.column_stack([columns.ravel(), rows.ravel()])
    inside = points[shapely.contains_xy(outline, points)]
    return inside if len(inside) else shapely.get_coordinates(outline.representative_point())
