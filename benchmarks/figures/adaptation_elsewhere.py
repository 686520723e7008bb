"""Adaptations elsewhere than at Barnarp: a made-up commune with planted differences, and Nairobi."""

from __future__ import annotations

from typing import Any

from layout import joined, rounded, table
from on_file import VERDICTS


def elsewhere(run: dict[str, Any]) -> str:
    """Return the stages of such an adaptation: how they agree with the records, and what else is known."""
    if run["place"] == "commune":
        where, known = "A made-up commune of 4 km²", _by_what_was_planted
    else:
        where, known = "Nairobi, with its own records", _by_eye
    rows = [[*_agreement(run, stage), *known(figures).values()] for stage, figures in run["stages"].items()]
    header = ("stage", "agreement with records, IoU", "records seen", "beside records")
    return joined(
        f"**{where}**, in {run['folds']} folds, from `{run['start']}`.",
        table((*header, *known(run["stages"]["calibrated"])), rows),
    )


def _agreement(run: dict[str, Any], stage: str) -> list[object]:
    agreed = run["agreement"]
    refused = stage == "calibrated" and not run["accepted"]
    name = "refused: the start is gone on with" if refused else stage
    # What is calibrated shows the same outlines as the last round, unless that was refused.
    final = list(agreed.values())[-1] if run["accepted"] else agreed["start"]
    each = agreed.get(stage, final)
    return [name, rounded(each["iou"], 3), f"{100 * each['seen']:.0f} %", each["off_record"]]


def _by_what_was_planted(figures: dict[str, Any]) -> dict[str, object]:
    listed = figures["list"]
    return {
        "IoU with truth": rounded(figures["iou"], 3),
        "pixel ECE": rounded(figures["pixel_ece"], 3),
        "object ECE": rounded(figures["object_ece"], 3),
        **{f"{kind} listed": f"{found} of {count}" for kind, (found, count) in listed["recall"].items()},
        **{f"{kind} right": f"{right} of {count}" for kind, (right, count) in listed["precision"].items()},
    }


def _by_eye(figures: dict[str, Any]) -> dict[str, object]:
    listed = figures["list"]
    cells: dict[str, object] = {"cases": sum(listed["cases"].values())}
    for verdict in VERDICTS:
        still, judged = (listed[key].get(verdict, 0) for key in ("still_listed", "judged"))
        cells[f"judged {verdict.replace('_', ' ')}, still listed"] = f"{still} of {judged}"
    return cells
