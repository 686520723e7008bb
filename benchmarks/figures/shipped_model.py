"""The shipped model on validation images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from layout import joined, rounded, table
from on_file import read, weights_note

from vigibati.configs.sources import source_credits


def model_block(root: Path) -> str:
    """Return what the shipped model reaches, by source and class."""
    evaluation, absent = read(root, "checkpoints/evaluation.json")
    if evaluation is None:
        return absent
    rows = []
    for source, name, of, figures in _measured(evaluation):
        pixels, objects = figures["pixels"], figures["objects"]
        boundary, outlines = figures.get("boundary", {}), figures.get("outlines", {})
        agreement = [rounded(pixels[key]) for key in ("precision", "recall", "f1")]
        counts = [objects["truth"], rounded(objects["recall"]), rounded(objects["precision"])]
        contours = [rounded(boundary.get("iou")), rounded(boundary.get("iou_2_percent"))]
        row = [_place(source), name, of["chips"], _bounded(pixels, "iou"), *agreement, *contours]
        rows.append([*row, *counts, _bounded(objects, "f1"), rounded(outlines.get("polis_m"))])
    header = (
        *("validation source", "class", "chips", "IoU", "precision", "recall", "F1"),
        *("boundary IoU, 0.6 m", "boundary IoU, 2 %"),
        *("true objects from 20 m²", "found", "right", "F1 of objects", "PoLiS, m"),
    )
    note = (
        "In brackets: 95 % intervals of a bootstrap over chips. Pixels come first; boundary IoU counts those "
        "within 0.6 m, or 2 % of the diagonal of a chip, of a contour alone. Objects from 20 m² are matched "
        "one to one at IoU above 0.5: how many there are, the share that was found, the share of what was "
        "found that is right. PoLiS is the mean distance between the outlines of matched objects and the "
        "true ones. Validation chips were used to choose settings: this is no blind test."
    )
    return joined(weights_note(root, evaluation["weights_sha256"]), table(header, rows), note)


def calibration_block(root: Path) -> str:
    """Return how far probabilities are from what comes true, before and after calibration."""
    evaluation, absent = read(root, "checkpoints/evaluation.json")
    if evaluation is None:
        return absent
    calibration = evaluation.get("calibration")
    if calibration is None or not calibration["calibrated"]:
        return "*The shipped model is not calibrated.*"
    rows = []
    for group, of_group in calibration["groups"].items():
        for name, figures in of_group.items():
            if figures["chips"]:
                pixels, objects = figures["pixels"], figures["objects"]
                errors = [rounded(each[key]) for each in (pixels, objects) for key in ("ece_before", "ece")]
                place = "all real sources" if group == "real" else _place(group)
                # The second half is judged by what ships.
                shipped = objects["halves"][1]
                alone = f"{rounded(shipped['ece'])} ({shipped['count']})"
                rows.append(
                    [place, name, *errors, rounded(objects["ece_by_chance"]), objects["count"], alone]
                )
    header = ("validation source", "class", "pixel ECE before", "after", "object ECE before", "after")
    note = (
        "ECE is the mean gap between a probability and how often it comes true, on validation chips, each "
        "half of them judged by a calibration that was fitted on the other half; *by chance* is the gap that "
        "right probabilities would show with so few objects. *By the shipped one* is the half that it never "
        "saw. An object comes true when more than half of it lies on true ones."
    )
    return joined(
        weights_note(root, evaluation["weights_sha256"]),
        table((*header, "by chance", "objects", "by the shipped one (objects)"), rows),
        note,
    )


def _measured(evaluation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    for source, of in evaluation["sources"].items():
        for name, figures in of["classes"].items():
            yield source, name, of, figures


def _bounded(figures: dict[str, Any], key: str) -> str:
    bounds = figures.get(f"{key}_ci")
    value = rounded(figures.get(key))
    return value if bounds is None else f"{value} ({bounds[0]:.2f}–{bounds[1]:.2f})"


def _place(source: str) -> str:
    known = source_credits()
    return known[source].place if source in known else source
