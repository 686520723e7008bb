"""A commune rendered as photographs: made up, or from the ground plan of real records."""

from __future__ import annotations

from pathlib import Path

import pyproj

from vigibati.cadastre.readers import read_records
from vigibati.configs.paths import StrPath
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.synth.plan.from_polygons import plan_from_polygons
from vigibati.datasets.synth.plan.ground_plan import GroundPlan
from vigibati.datasets.synth.synthesise import SynthReport, synthesise, synthesise_from_plan

_LAMBERT_93 = pyproj.CRS.from_epsg(2154)


def synth(
    out: StrPath,
    *,
    seed: int = 7,
    size_km: float = 1.0,
    ground_plan: StrPath | None = None,
    progress: Progress = SILENT,
) -> SynthReport:
    """Render a made-up commune: orthophotos, cadastre, zones, and the truth about what is undeclared.

    Writes ``ortho.tif``, ``ortho_2021.tif``, ``cadastre-99007-*.json.gz``, ``PLU/99007_ZONE_URBA.shp`` and
    ``truth.gpkg``; with a ground plan, whose records exist already, ``ortho.tif`` and ``truth.gpkg`` alone.
    The same seed and size give the same files.

    Args:
        out: Folder to fill; files of the same name are replaced.
        seed: Decides everything that the ground plan does not say, not negative.
        size_km: Side of the square commune; of no meaning beside a ground plan.
        ground_plan: Real records of metropolitan France, such as an EDIGEO bundle, whose buildings, pools
            and parcels are drawn instead.
        progress: Listener.

    Raises:
        SettingsError: The seed or the size does not hold.
        RecordsError: The ground plan cannot be read.
        OutputError: The folder cannot be written to.
    """
    if ground_plan is None:
        return synthesise(seed=seed, size_km=size_km, out=Path(out), progress=progress)
    return synthesise_from_plan(_plan_of(ground_plan, seed), out=Path(out), insee=None, progress=progress)


def _plan_of(ground_plan: StrPath, seed: int) -> GroundPlan:
    found = read_records(Path(ground_plan), crs=_LAMBERT_93)
    # A record of several parts is drawn as several buildings.
    records = found.records.explode(ignore_index=True)
    buildings = records[records["kind"] != "pool"]
    parcels = found.parcels
    return plan_from_polygons(
        buildings=list(buildings.geometry),
        durable=list(buildings["kind"] != "light"),
        pools=list(records.geometry[records["kind"] == "pool"]),
        parcels=[] if parcels is None else list(parcels.explode(ignore_index=True).geometry),
        seed=seed,
    )
