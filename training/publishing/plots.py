"""The figures of an evaluation as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vigibati.configs.atomic_files import whole_file

_BEFORE, _AFTER, _RIGHT = "#b0b0b0", "#1f5fa8", "#555555"
# A share of so few is left to chance, and would only hide the others.
_FEWEST = {"pixels": 100, "objects": 5}


def draw_reliability(evaluation: Mapping[str, Any], out: Path) -> None:
    """Draw how often probabilities come true, before and after calibration.

    One row of diagrams per class and group, pixels on the left, objects on the right; a point is
    as large as the share of its bin. Bins with fewer than 100 pixels or 5 objects are left out.

    Args:
        evaluation: Result of ``evaluate``.
        out: PNG.

    Raises:
        OutputError: The picture cannot be written.
    """
    rows = [
        (group, name, figures)
        for group, of_group in evaluation["calibration"]["groups"].items()
        for name, figures in of_group.items()
        if figures["chips"]
    ]
    drawing = Figure(figsize=(6.4, 3.1 * max(1, len(rows))), layout="constrained")
    grid = drawing.subplots(max(1, len(rows)), 2, squeeze=False)
    for axes, (group, name, figures) in zip(grid, rows, strict=False):
        for place, what in zip(axes, ("pixels", "objects"), strict=True):
            _reliability(place, figures[what], _FEWEST[what])
            place.set_title(f"{group}, {name}: {what}", fontsize=9)
    _save(drawing, out)


def draw_precision_recall(evaluation: Mapping[str, Any], out: Path) -> None:
    """Draw precision over recall of the pixels, threshold by threshold.

    Args:
        evaluation: Result of ``evaluate``.
        out: PNG.

    Raises:
        OutputError: The picture cannot be written.
    """
    drawing = Figure(figsize=(5.2, 4.4), layout="constrained")
    axes = drawing.subplots()
    for source, of_source in evaluation["sources"].items():
        for name, figures in of_source["classes"].items():
            curve, pixels = figures["by_threshold"], figures["pixels"]
            pairs = zip(curve["recall"], curve["precision"], strict=True)
            known = [(recall, precision) for recall, precision in pairs if None not in (recall, precision)]
            label = f"{source}, {name} (dot: {evaluation['thresholds'][name]:g})"
            (line,) = axes.plot([pair[0] for pair in known], [pair[1] for pair in known], label=label)
            if None not in (pixels["recall"], pixels["precision"]):
                axes.plot(pixels["recall"], pixels["precision"], "o", color=line.get_color(), markersize=5)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1), title="pixels by threshold")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="lower left")
    _save(drawing, out)


def _reliability(axes: Axes, figures: Mapping[str, Any], fewest: int) -> None:
    axes.plot((0, 1), (0, 1), "--", color=_RIGHT, linewidth=1)
    for end, colour, word in (("_before", _BEFORE, "before"), ("", _AFTER, "calibrated")):
        bins = figures[f"bins{end}"]
        if bins is None:
            continue
        shown = [row for row in bins if row[0] >= fewest]
        total = sum(row[0] for row in bins)
        label = f"{word}: ECE {figures[f'ece{end}']:.3f}" if bins else word
        axes.plot([row[1] for row in shown], [row[2] for row in shown], color=colour, label=label)
        sizes = [12 + 150 * row[0] / total for row in shown]
        axes.scatter([row[1] for row in shown], [row[2] for row in shown], sizes, color=colour, alpha=0.6)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_xlabel("probability", fontsize=8)
    axes.set_ylabel("came true", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, loc="upper left", title=f"n = {figures['count']:,}", title_fontsize=7)


def _save(drawing: Figure, out: Path) -> None:
    with whole_file(out) as temporary:
        drawing.savefig(temporary, format="png", dpi=100)
