"""The cadastral plan of a made-up commune: what its records hold, drawn as the French plan draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from vigibati.datasets.synth.cadastre.displacement import Displacement, jitter
from vigibati.datasets.synth.plan.ground_plan import EPSG, GroundPlan, outlines

OVERHANG_M = 0.3
"""How far roofs reach beyond walls: the cadastre draws walls, the image shows roofs."""

NOISE_M = 0.1
"""Standard deviation of a building's vertices in the plan."""

_GAP_M = 0.1
_GRID_M = 0.01
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
    two roofs meet. Buildings are cut at parcel limits, as the French plan does. Coordinates are
    whole centimetres, as in EDIGEO.

    Args:
        plan: The ground.
        insee: Code of the commune, five characters.
        year: Year of the image that the records will be compared with.

    Raises:
        ValueError: The plan has no sheet, a section has two sheets or none, or ``insee`` is not
            five characters.
    """
    if len(insee) != len("99007"):
        raise ValueError(f"insee must have five characters, not {insee!r}")
    sections = [sheet.section for sheet in plan.sheets]
    if not sections or len(set(sections)) != len(sections):
        raise ValueError("there must be sheets, and one for each section")
    if missing := {parcel.section for parcel in plan.parcels} - set(sections):
        raise ValueError(f"parcels lie in sections without a sheet: {sorted(missing)}")
    sheets = _table(
        {"sheet_id": [f"{_section_id(insee, section)}01" for section in sections], "section": sections},
        _largest(_on_grid([sheet.outline for sheet in plan.sheets])),
    )
    parcels = _table(
        {
            "parcel_id": [f"{_section_id(insee, p.section)}{p.number:04d}" for p in plan.parcels],
            "section": [p.section for p in plan.parcels],
            "number": [p.number for p in plan.parcels],
            "sheet_id": [f"{_section_id(insee, p.section)}01" for p in plan.parcels],
        },
        _largest(_on_grid(outlines(plan.parcels))),
    )
    pools = [pool for pool in plan.pools if pool.planted == "recorded" and pool.stands(year)]
    water = _largest(_on_grid(outlines(pools)))
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


def _recorded_walls(plan: GroundPlan, year: int) -> gpd.GeoDataFrame:
    """Return recorded walls: each roof within its block less the overhang at the block's free edges."""
    recorded = [building for building in plan.standing(year) if building.planted == "recorded"]
    roofs = np.array(outlines(recorded), dtype=object)
    blocks = shapely.union_all(shapely.buffer(outlines(plan.standing(year)), _GAP_M / 2, join_style="mitre"))
    shrunk = shapely.get_parts(shapely.buffer(blocks, -OVERHANG_M - _GAP_M / 2, join_style="mitre"))
    roof, block = _meeting(roofs, shrunk)
    gone = np.array([record.outline for record in plan.demolished], dtype=object)
    demolished = shapely.buffer(gone, -OVERHANG_M, join_style="mitre")
    columns: dict[str, list[str] | list[int] | list[bool]] = {
        "durable": [*(recorded[place].durable for place in roof), *(True for _ in demolished)],
        "since": [*(recorded[place].since for place in roof), *(0 for _ in demolished)],
    }
    return _table(columns, np.concatenate([shapely.intersection(roofs[roof], shrunk[block]), demolished]))


def _cut_at_parcels(
    walls: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, sheets: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    drawn, limits = walls.geometry.to_numpy(), parcels.geometry.to_numpy()
    wall, parcel = _meeting(drawn, limits)
    in_parcel = shapely.intersection(drawn[wall], limits[parcel])
    held_m2 = np.bincount(wall, weights=shapely.area(in_parcel), minlength=len(drawn))
    over = np.flatnonzero(shapely.area(drawn) - held_m2 >= _SMALLEST_M2)
    on_road = shapely.difference(drawn[over], shapely.union_all(limits))
    pieces = pd.DataFrame(
        {
            "wall": np.concatenate([wall, over]),
            "sheet_id": parcels["sheet_id"].iloc[parcel].tolist() + _sheet_of(on_road, sheets),
            "geometry": np.concatenate([in_parcel, on_road]),
        }
    )
    geometry, owner = shapely.get_parts(_on_grid(pieces["geometry"].to_numpy()), return_index=True)
    drawable = (
        (shapely.get_type_id(geometry) == shapely.GeometryType.POLYGON)
        & (shapely.area(geometry) >= _SMALLEST_M2)
        & ~shapely.is_empty(shapely.buffer(geometry, -_NARROWEST_M / 2))
    )
    kept = pieces.iloc[owner[drawable]].assign(geometry=geometry[drawable])
    kept = kept.sort_values("wall", kind="stable").reset_index(drop=True)
    known = walls.drop(columns="geometry").iloc[kept["wall"]].reset_index(drop=True)
    known = known.assign(sheet_id=kept["sheet_id"])
    return gpd.GeoDataFrame(known, geometry=kept["geometry"].to_numpy(), crs=EPSG)


def _on_grid(shapes: Sequence[Polygon] | NDArray[np.object_]) -> NDArray[np.object_]:
    gridded = shapely.set_precision(np.array(shapes, dtype=object), _GRID_M)
    # Shapes that keep the grid as their precision lose whole buildings: GEOS then snaps inside
    # every operation, and a negative buffer can come out empty.
    return shapely.set_precision(gridded, 0)


def _largest(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return one polygon for each shape: a neck narrower than the grid cuts a polygon in two."""
    return np.array([max(shapely.get_parts(shape), key=shapely.area) for shape in shapes], dtype=object)


def _meeting(shapes: NDArray[np.object_], others: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the pairs that intersect as rows of indices (2, n); either side may be empty."""
    return shapely.STRtree(others).query(shapes, predicate="intersects").reshape(2, -1)


def _sheet_of(shapes: NDArray[np.object_], sheets: gpd.GeoDataFrame) -> list[str]:
    """Return the sheet that each shape lies on, or the nearest one."""
    nearest = shapely.STRtree(sheets.geometry.to_numpy()).nearest(shapely.point_on_surface(shapes))
    return [str(sheet_id) for sheet_id in sheets["sheet_id"].iloc[nearest]]
