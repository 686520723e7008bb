"""VigiBâti on a mosaic, in the two steps of a shard and a merge, so that the ledger can be kept."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from models import checkpoint
from task import Task, measure

from vigibati.datasets.ortho import open_ortho
from vigibati.inference.merge import merge
from vigibati.inference.run_folder import RunFolder
from vigibati.inference.segment import segment
from vigibati.inference.segment_settings import SegmentSettings, Shard
from vigibati.vectors import write_layer


def in_units(task: Task) -> dict[str, object]:
    """Segment, merge and write the footprints that users get."""
    model = checkpoint(task.model)
    probabilities = Path(task.out).with_suffix(".tif")
    settings = SegmentSettings(device="cpu", traced=True, shard=Shard(1, 1))
    with open_ortho([Path(task.raster)], gsd_m=model.contract.gsd_m) as ortho:
        report = segment(ortho, model, probabilities, settings).report
    units = RunFolder(probabilities).states()
    merged = merge(probabilities, traced=True)
    if merged.footprints is not None:
        write_layer(merged.footprints, Path(task.out), layer="footprints")
    reports = [state.report for _, state in sorted(units.items())]
    return {
        "report": asdict(report) | {"merge_s": round(merged.report.seconds, 3)},
        "footprints": 0 if merged.footprints is None else len(merged.footprints),
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
