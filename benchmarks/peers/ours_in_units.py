"""VigiBâti on a mosaic, in one call; the ledger is read before that removes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from models import checkpoint
from task import Task, measure

from vigibati.configs.progress import Advance
from vigibati.datasets.orthophoto.orthophoto import open_ortho
from vigibati.inference.segmentation.ledger import UnitState
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.layer_files import write_layer


class _Ledger:
    """Hears when the raster is begun, and keeps what is known of the units until then."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self.states: dict[int, UnitState] = {}

    @contextmanager
    def stage(self, name: str, total: float, unit: str, *, km2: float | None = None) -> Iterator[Advance]:  # noqa: ARG002 - the protocol's names
        if name == "merge":
            self.states = self._run.states()
        yield lambda _amount: None


def in_units(task: Task) -> dict[str, object]:
    """Segment, merge and write the footprints that users get."""
    model = checkpoint(task.model)
    probabilities = Path(task.out).with_suffix(".tif")
    settings = SegmentSettings(device="cpu", traced=True, restart=True)
    ledger = _Ledger(RunFolder(probabilities))
    with open_ortho([Path(task.raster)], gsd_m=model.contract.gsd_m) as ortho:
        done = segment(ortho, model, probabilities, settings, progress=ledger)
    units = ledger.states
    if done.footprints is not None:
        write_layer(done.footprints, Path(task.out), layer="footprints")
    reports = [state.report for _, state in sorted(units.items())]
    return {
        "report": asdict(done.report) | {"merge_s": done.report.busy_s["merge"]},
        "footprints": 0 if done.footprints is None else len(done.footprints),
        "blocks_decoded": sum(each["blocks_decoded"] for each in reports),
        "blocks_needed": sum(each["blocks_needed"] for each in reports),
        "ledger": [
            {"unit": number, "attempts": state.attempts}
            | {key: round(value, 3) for key, value in state.report.items() if key != "damaged"}
            for number, state in sorted(units.items())
        ],
    }


if __name__ == "__main__":
    measure(in_units, "vigibati", "torch", "rasterio")
