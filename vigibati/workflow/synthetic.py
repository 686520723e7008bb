"""Real ground plans rendered as photographs: the one thing of the synthetic commune that needs records."""

from __future__ import annotations

from pathlib import Path

import pyproj

from vigibati.cadastre.readers import read_records
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.synth.plan.from_polygons import plan_from_polygons
from vigibati.datasets.synth.synthesise import SynthReport, synthesise_from_plan

_LAMBERT_93 = pyproj.CRS.from_epsg(2154)


def synthesise_from_records(path: Path, *, seed: int, out: Path, progress: Progress = SILENT) -> SynthReport:
    """Render the buildings, pools and parcels of real records as an orthophoto.

    Args:
        path: Records of metropolitan France, such as an EDIGEO bundle.
        seed: Of everything that the records do not say: roofs, trees, crops, light.
        out: Folder to fill.
        progress: Listener.

    Raises:
        RecordsError: The records cannot be read.
    """
    found = read_records(path, crs=_LAMBERT_93)
    # A record of several parts is drawn as several buildings.
    records = found.records.explode(ignore_index=True)
    buildings = records[records["kind"] != "pool"]
    parcels = found.parcels
    plan = plan_from_polygons(
        buildings=list(buildings.geometry),
        durable=list(buildings["kind"] != "light"),
        pools=list(records.geometry[records["kind"] == "pool"]),
        parcels=[] if parcels is None else list(parcels.explode(ignore_index=True).geometry),
        seed=seed,
    )
    return synthesise_from_plan(plan, out=out, insee=None, progress=progress)
