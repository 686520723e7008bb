"""Times the comparison of a made-up département: one million records, 200 000 footprints.

Writes benchmarks/results/comparison.json. Example, at a fiftieth of the size:
python -P benchmarks/comparison.py --scale 0.02 --out /tmp/comparison.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from vigibati.cadastre.cases.context import enrich
from vigibati.cadastre.cases.rank import rank
from vigibati.cadastre.comparison.compare import compare
from vigibati.cadastre.comparison.records_cover import records_cover
from vigibati.cadastre.publishing.columns import arrange
from vigibati.cadastre.publishing.geopackage import publish
from vigibati.cadastre.readers import read_records
from vigibati.cadastre.registration.register import register
from vigibati.cadastre.tables import RECORD_COLUMNS, SHEET_COLUMNS, conform
from vigibati.configs.rules import load_rules

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks" / "results" / "comparison.json"
CRS = "EPSG:2154"

RECORDS = 1_000_000
CASES_PUBLISHED = 200_000
_ORIGIN_M = (800_000.0, 6_200_000.0)
_SHEET_M = 1000.0
_SITES = (4, 5)  # rows of houses per sheet, across and up
_HOUSES = 8  # per row
_IMAGED = 0.2
_SEEN = 0.97
_NEW = 0.03
_EXTENDED = 0.04
_NEW_POOLS = 0.3
_WALL_TO_WALL = 0.6
_ELLS = 0.2
_ANNEXES = 0.25

Corners = NDArray[np.float64]
T = TypeVar("T")


def main() -> None:
    """Make the tables, time every part and write the result file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the département, by area")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scattered", action="store_true", help="footprints all over, not sheet by sheet")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    world = _World(np.random.default_rng(given.seed), given.scale, scattered=given.scattered)
    with tempfile.TemporaryDirectory() as folder:
        result = {"machine": _machine(), "scale": given.scale, "seed": given.seed}
        result |= {"scattered": given.scattered} | _measure(world, Path(folder), given.scale)
    given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


class _World:
    """Records, sheets, footprints and the imaged ground of a made-up département."""

    def __init__(self, chance: np.random.Generator, scale: float, *, scattered: bool) -> None:
        per_sheet = _SITES[0] * _SITES[1] * _HOUSES * (1 + _ANNEXES)
        count = max(4, round(RECORDS * scale / per_sheet))
        columns = int(np.ceil(np.sqrt(count)))
        corner = np.column_stack([np.arange(count) % columns, np.arange(count) // columns]) * _SHEET_M
        corner += _ORIGIN_M
        squares = shapely.box(*corner.T, *(corner + _SHEET_M).T)
        names = np.array([f"13001000A{number:05d}" for number in range(count)], dtype=object)
        self.sheets = conform(gpd.GeoDataFrame({"sheet_id": names}, geometry=squares, crs=CRS), SHEET_COLUMNS)
        corners, sheet = _houses(chance, corner)
        kinds = chance.choice(["durable", "light", "pool"], len(corners), p=[0.85, 0.12, 0.03])
        table = {
            "record_id": [f"r{number:07d}" for number in range(len(corners))],
            "kind": kinds,
            "source": "made up",
            "sheet_id": names[sheet],
            "updated": "2024-01-01",
        }
        self.records = conform(
            gpd.GeoDataFrame(table, geometry=shapely.polygons(corners), crs=CRS), RECORD_COLUMNS
        )
        imaged = np.arange(len(squares)) < 0 if scattered else chance.permutation(count) < _IMAGED * count
        self.imaged = shapely.union_all(squares if scattered else squares[imaged])
        looked_at = chance.random(len(corners)) < _IMAGED if scattered else imaged[sheet]
        self.footprints = _footprints(
            chance, corners, sheet, kinds, looked_at & (chance.random(len(corners)) < _SEEN), count
        )


def _houses(chance: np.random.Generator, corner: Corners) -> tuple[Corners, NDArray[np.intp]]:
    """Return (n, 7, 2) closed rings of houses in rows, many wall to wall, and (n,) their sheets."""
    across, up = _SITES
    shape = (len(corner), across * up, _HOUSES)
    site = np.stack(np.meshgrid(np.arange(across) + 0.5, np.arange(up) + 0.5), axis=-1).reshape(-1, 2)
    middle = (
        corner[:, np.newaxis]
        + site * (_SHEET_M / across, _SHEET_M / up)
        + chance.normal(0, 5, (*shape[:2], 2))
    )
    angle = chance.uniform(0, np.pi, shape[:2])[..., np.newaxis]
    width, depth = chance.uniform(6, 16, shape), chance.uniform(6, 17, shape)
    gap = np.where(chance.random(shape) < _WALL_TO_WALL, 0.0, chance.uniform(2, 8, shape))
    along = np.cumsum(width + gap, axis=2)
    start = along - width - along[..., -1:] / 2
    notch = np.where(chance.random(shape) < _ELLS, chance.uniform(0.3, 0.6, shape), 1.0)
    houses = _ells(start, np.zeros(shape), width, depth, notch)
    annexe_depth = chance.uniform(2, 5, shape)
    annexes = _ells(
        start, -annexe_depth, np.minimum(width, chance.uniform(4, 7, shape)), annexe_depth, np.ones(shape)
    )
    built = chance.random(shape) < _ANNEXES
    sheet = np.broadcast_to(np.arange(len(corner))[:, np.newaxis, np.newaxis], shape)

    def placed(rings: Corners) -> Corners:
        u, v = rings[..., 0], rings[..., 1]
        turn = angle[..., np.newaxis]
        turned = np.stack([u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)], axis=-1)
        return turned + middle[:, :, np.newaxis, np.newaxis]

    rings = np.concatenate([placed(houses).reshape(-1, 7, 2), placed(annexes)[built]])
    owner = np.concatenate([sheet.ravel(), sheet[built]])
    order = np.argsort(owner, kind="stable")
    return np.round(rings[order], 2), owner[order]


def _ells(
    u: NDArray[np.float64],
    v: NDArray[np.float64],
    width: NDArray[np.float64],
    depth: NDArray[np.float64],
    notch: NDArray[np.float64],
) -> Corners:
    """Return (..., 7, 2) closed rings: rectangles of which the far right corner may be cut out."""
    cut_u, cut_v = u + width * np.where(notch < 1, notch, 0.5), v + depth * notch
    ring = [
        (u, v),
        (u + width, v),
        (u + width, cut_v),
        (cut_u, cut_v),
        (cut_u, v + depth),
        (u, v + depth),
        (u, v),
    ]
    return np.stack([np.stack(point, axis=-1) for point in ring], axis=-2)


def _footprints(
    chance: np.random.Generator,
    corners: Corners,
    sheet: NDArray[np.intp],
    kinds: NDArray[np.str_],
    seen: NDArray[np.bool_],
    sheets: int,
) -> gpd.GeoDataFrame:
    """Return the seen records, shifted sheet by sheet and noised, some extended, with some new ones."""
    shift = chance.normal(0.8, 0.6, (sheets, 2))
    outlines = corners[seen] + shift[sheet[seen]][:, np.newaxis]
    outlines[:, :-1] += chance.normal(0, 0.15, outlines[:, :-1].shape)
    outlines[:, -1] = outlines[:, 0]
    kind = np.where(kinds[seen] == "pool", "pool", "building")
    new = np.flatnonzero(chance.random(len(outlines)) < _NEW / _SEEN)
    # Between the rows of houses there are 100 m.
    fresh = outlines[new] + chance.uniform(40, 60, (len(new), 1, 2))
    kind = np.concatenate([kind, np.where(chance.random(len(new)) < _NEW_POOLS, "pool", "building")])
    grown = np.flatnonzero(chance.random(len(outlines)) < _EXTENDED)
    # The far wall moves out by 3 to 8 m.
    back = outlines[grown, 4:6] - outlines[grown][:, [1, 0]]
    out = back / np.linalg.norm(back, axis=-1, keepdims=True)
    outlines[grown, 4:6] += out * chance.uniform(3, 8, (len(grown), 1, 1))
    shapes = shapely.polygons(np.concatenate([outlines, fresh]))
    whole = shapely.is_valid(shapes)
    shapes = shapes[whole]
    table = {
        "footprint_id": np.arange(1, len(shapes) + 1),
        "kind": kind[whole],
        "probability": chance.beta(8, 2, len(shapes)),
        "area_m2": shapely.area(shapes),
        "at_edge": False,
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


class _Clock:
    """Wall and CPU seconds of each part, and the most memory that the process had held by its end."""

    def __init__(self) -> None:
        self.parts: dict[str, dict[str, float]] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.parts[name] = {
            "wall_s": round(time.perf_counter() - wall, 2),
            "cpu_s": round(time.process_time() - cpu, 2),
            "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        }
        return result


def _measure(world: _World, folder: Path, scale: float) -> dict[str, object]:
    rules, clock = load_rules(), _Clock()
    for name in ("records.gpkg", "records.fgb"):
        pyogrio.write_dataframe(world.records, folder / name)
        clock(f"read {name.rpartition('.')[2]}", lambda path=folder / name: read_records(path))
    footprints, records, sheets = world.footprints, world.records, world.sheets
    offsets = clock("register", lambda: register(footprints, records, rules=rules))
    cover = clock("cover", lambda: records_cover(records, parcels=None, sheets=offsets.apply(sheets)))
    imaged = world.imaged
    comparison = clock(
        "compare", lambda: compare(footprints, records, offsets, rules=rules, cover=cover, imaged=imaged)
    )
    enriched = clock("enrich", lambda: enrich(comparison.cases, parcels=None, zones=None))
    ranked = clock("rank", lambda: rank(enriched, rules=rules, lang="fr"))
    # As many cases as the figure asks for, whatever was found.
    wanted = round(CASES_PUBLISHED * scale)
    cases = ranked.iloc[np.resize(np.arange(len(ranked)), wanted)].assign(rank=np.arange(1, wanted + 1))
    moved = offsets.apply(records)
    out = folder / "cases.gpkg"
    nothing = {"footprints": footprints.iloc[:0], "records": moved.iloc[:0], "parcels": None}
    clock("arrange cases", lambda: arrange(cases, "cases"))
    clock("publish cases alone", lambda: publish(out, cases=cases, **nothing, provenance={}))
    layers = {"footprints": footprints, "records": moved, "parcels": None}
    clock("publish all layers", lambda: publish(out, cases=cases, **layers, provenance={}))
    return {
        "records": len(records),
        "sheets": len(sheets),
        "footprints": len(footprints),
        "cases_published": len(cases),
        "comparison": asdict(comparison.report),
        "parts": clock.parts,
    }


def _machine() -> dict[str, object]:
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "geos": shapely.geos_version_string,
        "gdal": ".".join(map(str, pyogrio.__gdal_version__)),
    }


if __name__ == "__main__":
    main()
