from __future__ import annotations

from pathlib import Path

import pytest

from vigibati.datasets.grid import Window
from vigibati.inference.segmentation.ledger import MAX_ATTEMPTS
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.tiling import Unit

UNITS = [Unit(number, Window(0, 512 * number, 512, 512)) for number in range(3)]


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "probabilities.tif")
    folder.units.mkdir(parents=True)
    return folder


def test_units_of_a_share_are_forgiven_whoever_gave_them_up(run: RunFolder) -> None:
    for name, number in (("1-of-2", 0), ("host-17", 1), ("2-of-2", 2)):
        with run.ledger(name) as ledger:
            for _ in range(MAX_ATTEMPTS):
                ledger.begin([number])
                ledger.fail(number, "ValueError: no")
    with run.ledger("all"):
        run.forgive(UNITS[:2])
    assert [run.states()[each.number].given_up for each in UNITS] == [False, False, True]
