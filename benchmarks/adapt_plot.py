"""Draws what benchmarks/adapt.py measured on Barnarp into benchmarks/results/adapt.png."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

RESULTS = Path(__file__).parent / "results"
USUAL_SHARE = 0.2


def main() -> None:
    """Draw both pictures side by side."""
    runs = json.loads((RESULTS / "adapt.json").read_text(encoding="utf-8"))["runs"].values()
    spoilt = [run for run in runs if run["place"] == "barnarp" and run["withheld"] and not run["below_m2"]]
    starts = [run["start"] for run in spoilt]
    most = [run for run in spoilt if run["start"] == max(starts, key=starts.count)]
    most.sort(key=lambda run: run["withheld"])
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for run in most:
        if round(run["withheld"] / run["of"], 1) == USUAL_SHARE:
            _draw_lists(left, run)
    _draw_shares(right, most)
    figure.savefig(RESULTS / "adapt.png", dpi=110)


def _draw_lists(axes: Axes, run: dict[str, Any]) -> None:
    """Draw precision and recall of new buildings, walking down the list."""
    for stage, figures in run["stages"].items():
        of = sum(figures["list"]["withheld"][band] for band in ("large", "medium"))
        curve = figures["list"]["curve"]
        found = zip(curve["large"], curve["medium"], strict=True)
        recall = [(large + medium) / of for large, medium in found]
        precision = [right / count for count, right in enumerate(curve["right"], start=1)]
        axes.plot(recall, precision, label=stage, linestyle="--" if stage == "start" else "-")
    axes.set(
        xlabel="withheld buildings from 20 m² on that are listed",
        ylabel="cases so far that lie on a withheld building",
        title=f"{run['withheld']} of {run['of']} withheld: walking down the list",
        xlim=(0, 1.02),
        ylim=(0, 1.02),
    )
    axes.legend(loc="lower left")


def _draw_shares(axes: Axes, runs: list[dict[str, Any]]) -> None:
    """Draw what becomes of everything as more buildings are withheld."""
    shares = [100 * run["withheld"] / run["of"] for run in runs]
    for stage, style in (("start", "--"), ("calibrated", "-")):
        lists = [run["stages"][stage]["list"] for run in runs]
        lines = {
            "IoU": [run["stages"][stage]["iou"] for run in runs],
            "withheld from 60 m² listed": [
                each["as_new_building"]["large"] / max(each["withheld"]["large"], 1) for each in lists
            ],
            "precision where 90 % of these are listed": [_precision(each) for each in lists],
        }
        for (name, values), colour in zip(lines.items(), ("C0", "C1", "C2"), strict=True):
            axes.plot(shares, values, style, color=colour, marker="o", label=f"{name}, {stage}")
    axes.set(xlabel="buildings withheld, %", title="As more are withheld", ylim=(0, 1.02))
    axes.legend(fontsize="small")


def _precision(listed: dict[str, Any]) -> float:
    reached = listed["at_aimed_recall"]
    return reached["right_or_visible"] / reached["new_building"] if reached else float("nan")


if __name__ == "__main__":
    main()
