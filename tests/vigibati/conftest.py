"""A place that the network that sees brightness reads without error, and the command line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from shapely.geometry import Polygon, box

from vigibati.cli.app import main

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.2
SIDE_PX = 400
# Column, row, width and height in pixels; all even, because the network halves the picture once.
SEEN_AND_RECORDED = ((60, 50, 60, 50), (280, 300, 80, 60))
SEEN_ALONE = (290, 70, 60, 40)
RECORDED_ALONE = (200, 190, 50, 50)


def on_the_ground(place: tuple[int, int, int, int]) -> Polygon:
    column, row, width, height = place
    left, top = LEFT + column * GSD_M, TOP - row * GSD_M
    return box(left, top - height * GSD_M, left + width * GSD_M, top)


@dataclass(frozen=True)
class Scene:
    """Files of a place 80 m wide: two houses that are recorded, one that is not, and one that is gone."""

    ortho: Path
    records: Path
    parcels: Path
    zones: Path

    @property
    def cadastre(self) -> tuple[str, ...]:
        return ("--records", str(self.records), "--parcels", str(self.parcels), "--zones", str(self.zones))


@dataclass(frozen=True)
class Ran:
    """What a run of the command line left behind."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def write_ortho() -> Callable[..., Path]:
    """Writer of a picture with bright rectangles on dark ground."""

    def write(path: Path, *places: tuple[int, int, int, int], **profile: Any) -> Path:
        height, width = profile.pop("height", SIDE_PX), profile.pop("width", SIDE_PX)
        values = np.full((3, height, width), 30, dtype=np.uint8)
        for column, row, across, down in places:
            values[:, row : row + down, column : column + across] = 210
        usual = {
            "driver": "GTiff",
            "count": 3,
            "dtype": "uint8",
            "crs": "EPSG:2154",
            "transform": Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP),
            "photometric": "rgb",
            "tiled": True,
            "blockxsize": 128,
            "blockysize": 128,
            "compress": "deflate",
        }
        with rasterio.open(path, "w", width=width, height=height, **{**usual, **profile}) as raster:
            raster.write(values)
        return path

    return write


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory, write_ortho: Callable[..., Path]) -> Scene:
    folder = tmp_path_factory.mktemp("scene")

    def write(name: str, places: list[Polygon], **columns: Any) -> Path:
        gpd.GeoDataFrame(columns, geometry=places, crs="EPSG:2154").to_file(folder / name)
        return folder / name

    whole = (0, 0, SIDE_PX, SIDE_PX)
    return Scene(
        ortho=write_ortho(folder / "ortho.tif", *SEEN_AND_RECORDED, SEEN_ALONE),
        records=write(
            "records.gpkg", [on_the_ground(place) for place in (*SEEN_AND_RECORDED, RECORDED_ALONE)]
        ),
        parcels=write("parcels.gpkg", [on_the_ground(whole)], id=["13029000AB0012"]),
        zones=write("zones.gpkg", [on_the_ground(whole)], LIBELLE=["Nh1"], TYPEZONE=["N"]),
    )


@pytest.fixture(autouse=True)
def _nothing_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its start takes longer than everything that is tested here, and so does the conversion of a network.
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.setattr("vigibati.inference.model.device._has_openvino", lambda: False)


@pytest.fixture
def vigibati(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """The command line as the console script calls it, in this process, to spare the loading of torch."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["vigibati", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        code = exit_.value.code
        return Ran(int(code) if isinstance(code, int) else 0, *capfd.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
