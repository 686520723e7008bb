"""The cadastral plan of a made-up commune: what its records hold, drawn as the French plan draws it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from vigibati.datasets.synth.offsets import Displacement, jitter
from vigibati.datasets.synth.plan import EPSG, GroundPlan

OVERHANG_M = 0.3
"""How far roofs reach beyond walls: the cadastre draws walls, the image shows roofs."""

NOISE_M = 0.1
"""Standard deviation of a building's vertices in the plan."""

_GAP_M = 0.1
_SMALLEST_M2 = 1.0
_NARROWEST_M = 0.4


@dataclass(frozen=True, slots=True)
class CadastralPlan:
    """The four layers of a cadastral plan, EPSG:2154; each row names its ``sheet_id``.

    Args:
        sheets: ``sheet_id``, ``section``.
        parcels: ``parcel_id`` (14 characters), ``section``, ``number``, ``sheet_id``.
        buildings: ``durable``, ``since`` (0 when not known), ``sheet_id``; cut at parcel limits.
        pools: ``since``, ``sheet_id``.
    """

    sheets: gpd.GeoDataFrame
    parcels: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    pools: gpd.GeoDataFrame


def draw_records(plan: GroundPlan, *, insee: str, year: int) -> CadastralPlan:
    """Draw what the records hold, at its true position.

    Recorded buildings and pools that stand in that year, and records of demolished ones; what
    was planted is absent. Outlines are walls: the roofs less an overhang of 0.3 m, except where
    two roofs meet. Buildings are cut at parcel limits, as the French plan does.

    Args:
        plan: The ground.
        insee: Code of the commune, five characters.
        year: Year of the image that the records will be compared with.

    Raises:
        ValueError: A section has two sheets or none, or ``insee`` is not five characters.
    """
    if len(insee) != len("99007"):
        raise ValueError(f"insee must have five characters, not {insee!r}")
    sections = [sheet.section for sheet in plan.sheets]
    if len(set(sections)) != len(sections):
        raise ValueError("each section must have one sheet")
    if missing := {parcel.section for parcel in plan.parcels} - set(sections):
        raise ValueError(f"parcels lie in sections without a sheet: {sorted(missing)}")
    sheets = _table(
        {"sheet_id": [f"{_section_id(insee, section)}01" for section in sections], "section": sections},
        [sheet.outline for sheet in plan.sheets],
    )
    parcels = _table(
        {
            "parcel_id": [f"{_section_id(insee, p.section)}{p.number:04d}" for p in plan.parcels],
            "section": [p.section for p in plan.parcels],
            "number": [p.number for p in plan.parcels],
            "sheet_id": [f"{_section_id(insee, p.section)}01" for p in plan.parcels],
        },
        [p.outline for p in plan.parcels],
    )
    pools = [pool for pool in plan.pools if pool.planted == "recorded" and pool.stands(year)]
    water = _array([pool.outline for pool in pools])
    return CadastralPlan(
        sheets=sheets,
        parcels=parcels,
        buildings=_cut_at_parcels(_recorded_walls(plan, year), parcels, sheets),
        pools=_table({"since": [pool.since for pool in pools], "sheet_id": _sheet_of(water, sheets)}, water),
    )


def displace(cadastre: CadastralPlan, displacement: Displacement, *, seed: int) -> CadastralPlan:
    """Return the plan as its makers drew it: every layer displaced, buildings with noise as well."""

    def moved(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        geometry = displacement.move(layer.geometry.to_numpy(), layer["sheet_id"].tolist())
        return layer.set_geometry(geometry, crs=EPSG)

    buildings = moved(cadastre.buildings)
    noisy = jitter(buildings.geometry.to_numpy(), sigma_m=NOISE_M, seed=seed)
    return replace(
        cadastre,
        sheets=moved(cadastre.sheets),
        parcels=moved(cadastre.parcels),
        buildings=buildings.set_geometry(noisy, crs=EPSG),
        pools=moved(cadastre.pools),
    )


def _section_id(insee: str, section: str) -> str:
    return f"{insee}000{section.rjust(2, '0')}"


def _table(columns: dict[str, list[str] | list[int] | list[bool]], outlines: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=outlines, crs=EPSG)


def _array(polygons: list[shapely.Polygon]) -> NDArray[np.object_]:
    return np.array([*polygons, None], dtype=object)[:-1]


def _recorded_walls(plan: GroundPlan, year: int) -> gpd.GeoDataFrame:
    """Return recorded walls: the block that a roof belongs to less the overhang at its free edges."""
    roofs = _array([building.outline for building in plan.standing(year)])
    recorded = [building for building in plan.standing(year) if building.planted == "recorded"]
    blocks = shapely.union_all(shapely.buffer(roofs, _GAP_M / 2, join_style="mitre"))
    walls = shapely.buffer(blocks, -OVERHANG_M - _GAP_M / 2, join_style="mitre")
    shapely.prepare(walls)
    standing = shapely.intersection(_array([building.outline for building in recorded]), walls)
    gone = shapely.buffer(_array([record.outline for record in plan.demolished]), -OVERHANG_M, join_style="mitre")
    columns: dict[str, list[str] | list[int] | list[bool]] = {
        "durable": [*(building.durable for building in recorded), *(True for _ in gone)],
        "since": [*(building.since for building in recorded), *(0 for _ in gone)],
    }
    return _table(columns, np.concatenate([standing, gone]))


def _cut_at_parcels(
    walls: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, sheets: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    outlines, limits = walls.geometry.to_numpy(), parcels.geometry.to_numpy()
    inside, parcel = shapely.STRtree(limits).query(outlines, predicate="intersects")
    in_parcel = shapely.intersection(outlines[inside], limits[parcel])
    on_road = shapely.difference(outlines, shapely.union_all(limits))
    nearest = _sheet_of(on_road, sheets)
    pieces = pd.DataFrame(
        {
            "wall": np.concatenate([inside, np.arange(len(walls))]),
            "sheet_id": np.concatenate([parcels["sheet_id"].to_numpy(object)[parcel], np.array(nearest, object)]),
            "geometry": np.concatenate([in_parcel, on_road]),
        }
    )
    geometry, owner = shapely.get_parts(pieces["geometry"].to_numpy(), return_index=True)
    drawable = (
        (shapely.get_type_id(geometry) == shapely.GeometryType.POLYGON)
        & (shapely.area(geometry) >= _SMALLEST_M2)
        & ~shapely.is_empty(shapely.buffer(geometry, -_NARROWEST_M / 2))
    )
    kept = pieces.iloc[owner[drawable]].assign(geometry=geometry[drawable])
    kept = kept.sort_values("wall", kind="stable").reset_index(drop=True)
    known = walls.drop(columns="geometry").iloc[kept["wall"]].reset_index(drop=True)
    return gpd.GeoDataFrame(known.assign(sheet_id=kept["sheet_id"]), geometry=kept["geometry"].to_numpy(), crs=EPSG)


def _sheet_of(outlines: NDArray[np.object_], sheets: gpd.GeoDataFrame) -> list[str]:
    """Return the sheet that each outline lies on, or the nearest; empty outlines get the first."""
    if not len(outlines):
        return []
    points = shapely.point_on_surface(outlines)
    points = np.where(shapely.is_empty(points), sheets.geometry.iloc[0].centroid, points)
    nearest = shapely.STRtree(sheets.geometry.to_numpy()).nearest(points)
    return [str(sheet_id) for sheet_id in sheets["sheet_id"].to_numpy(object)[nearest]]
