"""Writes a made-up cadastre in the real formats: Etalab GeoJSON and a CNIG ``ZONE_URBA`` layer."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from vigibati.configs.files import whole_file
from vigibati.datasets.synth.plan import EPSG, GroundPlan
from vigibati.datasets.synth.records import CadastralPlan

Properties = Mapping[str, str | int | bool | None]

_DECIMALS = 7
_STREAM = 3
_POOL_SYMBOL = "65"
_MASS_REWRITE = date(2018, 11, 5)
_PLAN_APPROVED = "20230619"
_ZONE_NAMES = {
    "U": "Zone urbaine déjà équipée",
    "AUc": "Zone à urbaniser ouverte, à vocation d'habitat",
    "A": "Zone agricole à protéger",
    "N": "Zone naturelle et forestière",
}


@dataclass(frozen=True, slots=True)
class CadastreFiles:
    """The four files of the cadastral plan."""

    parcels: Path
    buildings: Path
    sheets: Path
    pools: Path


def write_cadastre(cadastre: CadastralPlan, folder: Path, *, insee: str, seed: int) -> CadastreFiles:
    """Write ``cadastre-INSEE-{parcelles,batiments,feuilles,tsurf}.json.gz`` in the layout of Etalab.

    Key order, identifiers, longitude and latitude with seven decimals (1 cm) and one feature a
    line follow the published files and datagouv/cadastre ``lib/convert/pci.js``. Etalab's
    buildings hold no pools: those are in ``tsurf``, whose property ``SYM`` is 65 as in EDIGEO.
    Bytes depend on the plan and the seed alone.

    Args:
        cadastre: The plan as drawn, EPSG:2154.
        folder: Where the files go; made when it is missing.
        insee: Code of the commune.
        seed: Decides dates and declared areas.

    Raises:
        OutputError: The folder cannot be written to.
    """
    dates = _Dates(seed)
    sheets = [_sheet(row, insee, dates) for row in cadastre.sheets.itertuples()]
    parcels = [_parcel(row, insee, dates) for row in cadastre.parcels.itertuples()]
    buildings = [
        {"type": "01" if row.durable else "02", "nom": None, "commune": insee, **dates.of(row.sheet_id, row.since)}
        for row in cadastre.buildings.itertuples()
    ]
    pools = [
        {"SYM": _POOL_SYMBOL, "commune": insee, **dates.of(row.sheet_id, row.since)}
        for row in cadastre.pools.itertuples()
    ]
    files = CadastreFiles(
        *(folder / f"cadastre-{insee}-{name}.json.gz" for name in ("parcelles", "batiments", "feuilles", "tsurf"))
    )
    _write_geojson(files.parcels, cadastre.parcels, parcels)
    _write_geojson(files.buildings, cadastre.buildings, buildings)
    _write_geojson(files.sheets, cadastre.sheets, sheets)
    _write_geojson(files.pools, cadastre.pools, pools)
    return files


def write_zones(plan: GroundPlan, folder: Path, *, insee: str) -> Path:
    """Write the zones of the local plan as the CNIG Shapefile ``PLU/INSEE_ZONE_URBA.shp``, EPSG:2154.

    Args:
        plan: The ground; zones are written where they truly are.
        folder: The folder that gets the folder ``PLU``.
        insee: Code of the commune.

    Raises:
        OutputError: The folder cannot be written to.
    """
    target = folder / "PLU" / f"{insee}_ZONE_URBA.shp"
    rules = f"{insee}_reglement_{_PLAN_APPROVED}.pdf"
    zones = gpd.GeoDataFrame(
        {
            "LIBELLE": [zone.libelle for zone in plan.zones],
            "LIBELONG": [_ZONE_NAMES[zone.typezone] for zone in plan.zones],
            "TYPEZONE": [zone.typezone for zone in plan.zones],
            "NOMFIC": [rules for _ in plan.zones],
            "URLFIC": ["" for _ in plan.zones],
            "IDURBA": [f"{insee}_PLU_{_PLAN_APPROVED}" for _ in plan.zones],
            "DATVALID": [_PLAN_APPROVED for _ in plan.zones],
        },
        geometry=[zone.outline for zone in plan.zones],
        crs=EPSG,
    )
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / target.name
        approved = f"{_PLAN_APPROVED[:4]}-{_PLAN_APPROVED[4:6]}-{_PLAN_APPROVED[6:]}"
        # The table's header would hold today's date: bytes must not change from day to day.
        zones.to_file(written, engine="pyogrio", encoding="UTF-8", DBF_DATE_LAST_UPDATE=approved)
        parts = sorted(Path(scratch).iterdir(), key=lambda part: (part.suffix == ".shp", part.suffix))
        for part in parts:
            with whole_file(target.with_name(part.name)) as temporary:
                temporary.write_bytes(part.read_bytes())
    return target


class _Dates:
    """Dates as the French plan holds them: ``created`` is the vectorisation unless the thing is younger."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng([seed, _STREAM])
        self.vectorised: dict[str, date] = {}

    def of(self, sheet_id: str, since: int) -> dict[str, str]:
        vectorised = self.vectorised.setdefault(sheet_id, date(2004, 1, 5) + self._days(1500))
        # Declared within the year that follows: 90 days by law, often longer.
        declared = date(max(since, 1), 7, 1) + self._days(365)
        created = max(vectorised, declared)
        return {"created": created.isoformat(), "updated": max(created, _MASS_REWRITE).isoformat()}

    def declared_area_m2(self, area_m2: float) -> int:
        return max(1, round(area_m2 * (1 + 0.01 * self.generator.standard_normal())))

    def surveyed(self) -> bool:
        return bool(self.generator.random() < 1 / 3)

    def _days(self, most: int) -> timedelta:
        return timedelta(days=int(self.generator.integers(most)))


def _sheet(row: object, insee: str, dates: _Dates) -> Properties:
    sheet_id, section = str(row.sheet_id), str(row.section)  # type: ignore[attr-defined]
    return {
        "id": sheet_id,
        "commune": insee,
        "prefixe": "000",
        "section": section,
        "numero": sheet_id[-2:],
        "qualite": "01",
        "modeConfection": "02",
        "echelle": 1000,
        **dates.of(sheet_id, 0),
    }
