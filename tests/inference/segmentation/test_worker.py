from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from affine import Affine
from pyproj import CRS

from vigibati.configs.errors import OutputError
from vigibati.datasets.grid import PixelGrid, Window
from vigibati.inference.segmentation import worker
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.unit_files import UnitFiles

UNITS = [Unit(number, Window(0, 512 * number, 512, 512)) for number in range(3)]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "probabilities.tif")
    folder.units.mkdir(parents=True)
    return folder


def test_what_stopped_the_work_is_told_though_the_ledger_is_full_too(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(subject: str) -> Any:
        def fail(*_: object, **__: object) -> None:
            raise OutputError(subject, "no room", "make some")

        return fail

    monkeypatch.setattr(worker, "work_through", full("units"))
    grid = PixelGrid(CRS.from_epsg(2154), Affine(0.2, 0, 0, 0, -0.2, 0), 512, 512)
    context: Any = type("WorkerContext", (), {"files": UnitFiles(run.units, grid, ("building",), None)})
    with run.ledger("all") as ledger:
        monkeypatch.setattr(ledger, "release", full("ledger"))
        with pytest.raises(OutputError, match="units: no room"):
            worker.work_on(UNITS[:1], context, run, ledger, done=lambda _: None)
