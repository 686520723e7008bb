"""Ways of outlining beside each other, and networks that could have been shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from layout import joined, rounded, table
from on_file import read

_STARTS: Final = {"imagenet": "ImageNet", "none": "random weights"}


def outlines_block(root: Path) -> str:
    """Return how each way of outlining agrees with true outlines."""
    result, absent = read(root, "benchmarks/results/outlines.json")
    if result is None:
        return absent
    rows = [
        [
            scene,
            how,
            figures["matched"],
            rounded(figures["object_f1_from_smallest"]),
            rounded(figures["iou_of_matched"]),
            f"{figures['polis_mean_m']:.2f}",
            f"{figures['polis_median_m']:.2f}",
            figures["vertices"],
        ]
        for scene, of_scene in result["scenes"].items()
        for how, figures in of_scene.items()
    ]
    header = ("scene", "outlines", "matched", f"F1 from {result['smallest_m2']:g} m²", "IoU of matches")
    return table((*header, "PoLiS mean, m", "PoLiS median, m", "vertices"), rows)


def architectures_block(root: Path) -> str:
    """Return what each network reaches after the same short training, its speed and its size."""
    result, absent = read(root, "benchmarks/results/architectures.json")
    if result is None:
        return absent
    sources = list(result["networks"][0]["building_iou"])
    rows = []
    for network in result["networks"]:
        name = f"{network['architecture']}, {network['encoder']}"
        reached = [rounded(network["building_iou"][source]) for source in sources]
        speed, size = f"{network['mpx_per_s']:.2f}", f"{network['megabytes']:.1f}"
        start = _STARTS[network["weights"]]
        rows.append([f"`{network['recipe']}`", name, start, *reached, speed, size])
    header = ("recipe", "network", "starts from", *(f"IoU {source}" for source in sources))
    note = (
        f"Each was trained for {result['steps']} steps of eight crops of 256 px, far less than the shipped "
        f"model, to rank them; building IoU on validation chips. Compare rows of one start: where only some "
        f"encoders could start from ImageNet, these were trained from random weights too. Speed on "
        f"{result['cores']} cores ({result['device']}), in windows of {result['window_px']} px."
    )
    return joined(table((*header, "Mpx/s", "MB"), rows), note)
