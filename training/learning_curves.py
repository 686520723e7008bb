"""The learning curves of a run as a picture."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

from vigibati.configs.atomic_files import whole_file

_LOSSES = ("train_loss", "val_loss")


def draw_curves(log: Path, out: Path) -> None:
    """Draw losses and validation IoU over the epochs.

    Args:
        log: Folder with ``version_N/metrics.csv``, one per interruption; where an epoch was done
            twice, the later one counts.
        out: PNG.

    Raises:
        OutputError: The picture cannot be written.
    """
    curves = _read(log)
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    losses, shares = figure.subplots(1, 2)
    for name, points in sorted(curves.items()):
        axes = losses if name in _LOSSES else shares
        epochs = sorted(points)
        axes.plot([epoch + 1 for epoch in epochs], [points[epoch] for epoch in epochs], ".-", label=name)
    losses.set(title="loss", xlabel="epoch")
    shares.set(title="IoU on validation chips", xlabel="epoch", ylim=(0, 1))
    for axes in (losses, shares):
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    with whole_file(out) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _read(log: Path) -> dict[str, dict[int, float]]:
    curves: dict[str, dict[int, float]] = defaultdict(dict)
    versions = sorted(log.glob("version_*/metrics.csv"), key=lambda path: int(path.parent.name[8:]))
    for path in versions:
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle):
                for name, value in row.items():
                    if value and name not in ("epoch", "step"):
                        curves[name][int(row["epoch"])] = float(value)
    return curves
