"""Adaptations of a model to a place that it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from adaptation_elsewhere import elsewhere
from layout import joined, rounded, table
from on_file import read

_USUAL_SHARE: Final = 0.2
_HEADER: Final = (
    "stage",
    "IoU",
    "pixel ECE",
    "object ECE",
    "withheld from 60 m² listed",
    "20–60 m²",
    "5–20 m²",
    "new buildings right (with those seen by eye)",
    "the same where 90 % of the large are listed",
)
_NOTE: Final = (
    "Start: the model before. Rounds: out of fold, without calibration. Calibrated: the result. The upper "
    "bound learnt in the same way from the true outlines. IoU and ECE are measured against true outlines "
    "that the adaptation never saw; a footprint comes true when more than half of it lies on true ones. "
    "Listed: as `new_building`. In brackets: with buildings that are plainly visible and missing from the "
    "truth. The last column walks down the list from the surest case until nine in ten of the withheld "
    "buildings from 60 m² on are listed."
)


def adapt_block(root: Path) -> str:
    """Return what every adaptation on file came to: Barnarp first, then elsewhere."""
    result, absent = read(root, "benchmarks/results/adapt.json")
    if result is None:
        return absent
    runs = list(result["runs"].values())
    barnarp = [run for run in runs if run["place"] == "barnarp"]
    bounds = {run["start"]: run for run in barnarp if not run["withheld"]}
    without_small = [run for run in barnarp if run["withheld"] and run["below_m2"]]
    by_chance = [run for run in barnarp if run["withheld"] and not run["below_m2"]]
    parts = []
    for run in by_chance:
        if round(run["withheld"] / run["of"], 1) == _USUAL_SHARE:
            parts += _by_stage(run, bounds.get(run["start"]))
    parts += _by_share(by_chance)
    parts += [_without_small(run) for run in without_small]
    parts += [elsewhere(run) for run in runs if run["place"] != "barnarp"]
    return joined(*parts, _NOTE)


def _by_stage(run: dict[str, Any], bound: dict[str, Any] | None) -> list[str]:
    rows = [[stage, *_cells(figures)] for stage, figures in run["stages"].items()]
    gain = ""
    if bound is not None:
        rows.append(["upper bound", *_cells(bound["stages"]["calibrated"])])
        gain = _gain_words(run, bound)
    withheld = f"{run['withheld']} of {run['of']} withheld, moved by {run['shift_m']:g} m and bent"
    return [f"**Barnarp from `{run['start']}`**, {withheld}.", table(_HEADER, rows), gain]


def _cells(figures: dict[str, Any]) -> list[object]:
    listed, reached = figures["list"], figures["list"]["at_aimed_recall"]
    withheld = [
        f"{listed['as_new_building'][band]} of {listed['withheld'][band]}"
        if listed["withheld"][band]
        else "–"
        for band in ("large", "medium", "small")
    ]
    right = f"{listed['right']} ({listed['right_or_visible']}) of {listed['new_building']}"
    cut = "–"
    if reached is not None:
        count = reached["new_building"]
        shares = [rounded(reached[key] / count) for key in ("right", "right_or_visible")]
        cut = f"{shares[0]} ({shares[1]}) of {count}"
    agreement = [rounded(figures[key], 3) for key in ("iou", "pixel_ece", "object_ece")]
    return [*agreement, *withheld, right, cut]


def _gain_words(run: dict[str, Any], bound: dict[str, Any]) -> str:
    start, end = (run["stages"][stage]["iou"] for stage in ("start", "calibrated"))
    top = bound["stages"]["calibrated"]["iou"]
    share = (end - start) / (top - start)
    spent = f"{run['steps']} steps a training, {run['folds']} folds, {run['rounds']} rounds"
    return f"That is {100 * share:.0f} % of the way to the upper bound, an IoU of {top:.3f} ({spent})."


def _by_share(runs: list[dict[str, Any]]) -> list[str]:
    """Return what happens as more buildings are withheld, of the start that most runs have."""
    starts = [run["start"] for run in runs]
    most = max(starts, key=starts.count, default=None)
    chosen = sorted((run for run in runs if run["start"] == most), key=lambda run: run["withheld"])
    if len(chosen) <= 1:
        return []
    rows = []
    for run in chosen:
        before, after = run["stages"]["start"], run["stages"]["calibrated"]
        rows.append([f"{run['withheld']} of {run['of']}", rounded(before["iou"], 3), *_cells(after)])
    header = ("withheld", "IoU before", *_HEADER[1:])
    return [f"**As more buildings are withheld**, from `{most}`.", table(header, rows)]


def _without_small(run: dict[str, Any]) -> str:
    rows = [[stage, *_cells(run["stages"][stage])] for stage in ("start", "calibrated")]
    withheld = f"all {run['withheld']} buildings below {run['below_m2']:g} m² are withheld"
    how = f"from `{run['start']}`, {run['steps']} steps a training"
    words = f"**A kind that is never recorded**: {withheld}, {how}."
    return joined(words, table(_HEADER, rows))
