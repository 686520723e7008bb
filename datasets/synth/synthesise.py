"""Makes a synthetic commune: image, older image, cadastre, zones and truth, in one folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vigibati.configs.errors import OutputError, SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.synth.cadastre.displacement import SheetShift, draw_displacement
from vigibati.datasets.synth.cadastre.files import CadastreFiles, write_cadastre, write_zones
from vigibati.datasets.synth.cadastre.records import displace, draw_records
from vigibati.datasets.synth.plan.commune import plan_commune
from vigibati.datasets.synth.plan.ground_plan import GroundPlan
from vigibati.datasets.synth.rendering.render import render
from vigibati.datasets.synth.truth import offset_table, planted_cases, write_truth

INSEE = "99007"
"""Code of the made-up commune: 99 is the prefix of places abroad, so no French commune can bear it."""

YEAR = 2024
OLDER_YEAR = 2021
_GSD_M = 0.2
_MOST_KM = 100.0


@dataclass(frozen=True, slots=True)
class SynthReport:
    """What was made.

    Args:
        folder: Where everything lies.
        ortho: The image, RGB, EPSG:2154.
        older_ortho: The same place some years before, or None.
        cadastre: The files of the cadastral plan, or None.
        zones: The ``ZONE_URBA`` layer, or None.
        truth: What results are scored against.
        planted: How many cases of each kind were planted.
        buildings: Roofs that stand in the image.
        records: Buildings that the cadastre holds, after the cut at parcel limits.
        parcels: Parcels of the cadastre.
        megapixels: Size of one image.
        shifts: What was added to each sheet, without the warp.
    """

    folder: Path
    ortho: Path
    older_ortho: Path | None
    cadastre: CadastreFiles | None
    zones: Path | None
    truth: Path
    planted: Mapping[str, int]
    buildings: int
    records: int
    parcels: int
    megapixels: float
    shifts: tuple[SheetShift, ...]


def synthesise(*, seed: int, size_km: float, out: Path, progress: Progress = SILENT) -> SynthReport:
    """Make a synthetic commune and everything that a town would hold about it.

    Writes ``ortho.tif``, ``ortho_2021.tif``, ``cadastre-99007-*.json.gz``,
    ``PLU/99007_ZONE_URBA.shp`` and ``truth.gpkg``. The same seed and size give the same files.

    Args:
        seed: Decides everything, not negative.
        size_km: Side of the square.
        out: Folder; files of the same name are replaced.
        progress: Who hears of the advance.

    Raises:
        SettingsError: The seed or the size does not hold.
        OutputError: The folder cannot be written to.
    """
    if seed < 0:
        raise SettingsError("seed", f"{seed} is negative", "give 0 or more")
    if not (math.isfinite(size_km) and 0 < size_km <= _MOST_KM):
        raise SettingsError("size-km", f"{size_km} is not in 0 to {_MOST_KM:.0f}", "give kilometres, as 1")
    plan = plan_commune(seed=seed, size_km=size_km)
    return synthesise_from_plan(plan, out=out, insee=INSEE, progress=progress)


def synthesise_from_plan(
    plan: GroundPlan, *, out: Path, insee: str | None, progress: Progress = SILENT
) -> SynthReport:
    """Render a ground plan and write the files around it.

    Args:
        plan: What stands where.
        out: Folder; files of the same name are replaced.
        insee: Code of the commune; None when real records exist already: then only ``ortho.tif``
            and ``truth.gpkg`` are written.
        progress: Who hears of the advance.

    Raises:
        OutputError: The folder cannot be written to.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(out, "is a file", "give the name of a folder")
    report = _write_vectors(plan, out, insee)
    render(plan, report.ortho, gsd_m=_GSD_M, year=YEAR, seed=plan.seed, progress=progress)
    if report.older_ortho is not None:
        render(plan, report.older_ortho, gsd_m=_GSD_M, year=OLDER_YEAR, seed=plan.seed, progress=progress)
    return report


def _write_vectors(plan: GroundPlan, out: Path, insee: str | None) -> SynthReport:
    truth = out / "truth.gpkg"
    offsets = files = zones = None
    shifts: tuple[SheetShift, ...] = ()
    records = parcels = 0
    if insee is None:
        write_truth(plan, truth, year=YEAR)
    else:
        true_plan = draw_records(plan, insee=insee, year=YEAR)
        displacement = draw_displacement(true_plan.sheets["sheet_id"], seed=plan.seed)
        drawn = displace(true_plan, displacement, seed=plan.seed)
        files = write_cadastre(drawn, out, insee=insee, seed=plan.seed)
        zones = write_zones(plan, out, insee=insee)
        offsets = offset_table(true_plan.sheets, displacement)
        write_truth(plan, truth, year=YEAR, offsets=offsets)
        shifts, records, parcels = displacement.shifts, len(drawn.buildings), len(drawn.parcels)
    return SynthReport(
        folder=out,
        ortho=out / "ortho.tif",
        older_ortho=None if insee is None else out / f"ortho_{OLDER_YEAR}.tif",
        cadastre=files,
        zones=zones,
        truth=truth,
        planted=MappingProxyType(Counter(planted_cases(plan, year=YEAR)["kind"].tolist())),
        buildings=len(plan.standing(YEAR)),
        records=records,
        parcels=parcels,
        megapixels=plan.bounds.width_m * plan.bounds.height_m / _GSD_M**2 / 1e6,
        shifts=shifts,
    )
