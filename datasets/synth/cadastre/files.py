"""Writes a made-up cadastre in the real formats: Etalab GeoJSON and a CNIG ``ZONE_URBA`` layer."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from vigibati.configs.atomic_files import whole_file
from vigibati.datasets.synth.cadastre.records import CadastralPlan
from vigibati.datasets.synth.plan.ground_plan import EPSG, GroundPlan

Properties = Mapping[str, str | int | bool | None]

_DECIMALS = 7
_STREAM = 3
_POOL_SYMBOL = "65"
_MASS_REWRITE = date(2018, 11, 5)
_VINTAGE = date(2024, 12, 31)
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
    names = ("parcelles", "batiments", "feuilles", "tsurf")
    files = CadastreFiles(*(folder / f"cadastre-{insee}-{name}.json.gz" for name in names))
    _write_geojson(files.sheets, cadastre.sheets, _sheets(cadastre, insee, dates))
    _write_geojson(files.parcels, cadastre.parcels, _parcels(cadastre, insee, dates))
    _write_geojson(files.buildings, cadastre.buildings, _buildings(cadastre, insee, dates))
    _write_geojson(files.pools, cadastre.pools, _pools(cadastre, insee, dates))
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
        created = max(vectorised, min(declared, _VINTAGE))
        return {"created": created.isoformat(), "updated": max(created, _MASS_REWRITE).isoformat()}

    def declared_area_m2(self, area_m2: float) -> int:
        return max(1, round(area_m2 * (1 + 0.01 * self.generator.standard_normal())))

    def surveyed(self) -> bool:
        return bool(self.generator.random() < 1 / 3)

    def _days(self, most: int) -> timedelta:
        return timedelta(days=int(self.generator.integers(most)))


def _sheets(cadastre: CadastralPlan, insee: str, dates: _Dates) -> list[Properties]:
    layer = cadastre.sheets
    return [
        {
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
        for sheet_id, section in zip(layer["sheet_id"], layer["section"], strict=True)
    ]


def _parcels(cadastre: CadastralPlan, insee: str, dates: _Dates) -> list[Properties]:
    layer = cadastre.parcels
    columns = [layer[name] for name in ("parcel_id", "section", "number", "sheet_id")]
    return [
        {
            "id": parcel_id,
            "commune": insee,
            "prefixe": "000",
            "section": section,
            "numero": str(number),
            "contenance": dates.declared_area_m2(area_m2),
            "arpente": dates.surveyed(),
            **dates.of(sheet_id, 0),
        }
        for parcel_id, section, number, sheet_id, area_m2 in zip(*columns, layer.geometry.area, strict=True)
    ]


def _buildings(cadastre: CadastralPlan, insee: str, dates: _Dates) -> list[Properties]:
    layer = cadastre.buildings
    return [
        {"type": "01" if durable else "02", "nom": None, "commune": insee, **dates.of(sheet_id, since)}
        for durable, sheet_id, since in zip(layer["durable"], layer["sheet_id"], layer["since"], strict=True)
    ]


def _pools(cadastre: CadastralPlan, insee: str, dates: _Dates) -> list[Properties]:
    layer = cadastre.pools
    return [
        {"SYM": _POOL_SYMBOL, "commune": insee, **dates.of(sheet_id, since)}
        for sheet_id, since in zip(layer["sheet_id"], layer["since"], strict=True)
    ]


def _write_geojson(path: Path, layer: gpd.GeoDataFrame, properties: list[Properties]) -> None:
    """Write one feature a line; a property ``id`` is the feature's id as well."""
    features = []
    for held, outline in zip(properties, _in_degrees(layer.geometry.to_numpy()), strict=True):
        identity = {"id": held["id"]} if "id" in held else {}
        geometry = shapely.geometry.mapping(outline)
        feature = {"type": "Feature", **identity, "geometry": geometry, "properties": held}
        features.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(features) + "]}"
    with (
        whole_file(path) as temporary,
        temporary.open("wb") as handle,
        # No name and no time in the header: the same plan gives the same bytes.
        gzip.GzipFile(filename="", mode="wb", fileobj=handle, mtime=0) as packed,
    ):
        packed.write(text.encode())


def _in_degrees(outlines: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return polygons in EPSG:4326, longitude first, on the grid of the format, valid on it.

    Exteriors run counter-clockwise (RFC 7946). A polygon with a neck narrower than the grid
    falls into a MultiPolygon.
    """
    to_degrees = pyproj.Transformer.from_crs(EPSG, 4326, always_xy=True)
    points = shapely.get_coordinates(outlines)
    degrees = np.column_stack(to_degrees.transform(points[:, 0], points[:, 1]))
    gridded = shapely.set_precision(shapely.set_coordinates(outlines.copy(), degrees), 10.0**-_DECIMALS)
    # Without the grid as their precision, or each later operation would snap again.
    free = shapely.set_precision(gridded, 0)
    return shapely.orient_polygons(shapely.transform(free, lambda values: values.round(_DECIMALS)))
