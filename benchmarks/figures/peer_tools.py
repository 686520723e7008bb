"""VigiBâti beside other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from layout import joined, rounded, table
from on_file import read

_SCENES: Final = {
    "near-free": "A network of one multiplication: what is left is reading, cutting, joining and outlining",
    "shipped": "The shipped model",
}
_TOOLS: Final = {
    "vigibati": "VigiBâti, outlines along pixels",
    "vigibati, straight walls": "VigiBâti, straight walls",
    "monai": "MONAI, rasterio, pyogrio",
    "geoai": "geoai",
    "rastervision": "Raster Vision",
}
_PEER_HEADER: Final = (
    *("tool", "Mpx/s", "started", "times ours", "processor s", "memory, MiB", "polygons"),
    *("IoU with the exact answer", "IoU with ours"),
)


def peers_block(root: Path) -> str:
    """Return speed, memory and agreement of every tool, one table for each network."""
    result, absent = read(root, "benchmarks/results/peers.json")
    if result is None:
        return absent
    machine, settings, reference = result["machine"], result["settings"], result["reference"]
    parts = []
    for name, scene in result["scenes"].items():
        ours = scene["tools"].get(reference, {}).get("seconds")
        rows = [_peer_row(tool, figures, ours) for tool, figures in scene["tools"].items()]
        title = f"**{_SCENES[name]}**, {scene['raster']['megapixels']:.0f} Mpx:"
        parts += [title, table(_PEER_HEADER, rows)]
    note = (
        f"From GeoTIFF ({scene['raster']['coding']}) to GeoPackage on {machine['cores']} cores "
        f"({machine['processor']}), same weights and torch, threshold {settings['threshold']:g}, polygons "
        f"from {settings['min_area_m2']:g} m²; the peers in windows of {settings['window_px']} px that "
        f"overlap by {settings['overlap_px']} px, VigiBâti with its own. The fastest of "
        f"{result['repeats']} runs, each in a process of its own; *started* counts its start and imports "
        f"too. Memory is the largest resident set, in brackets without what the imports hold. IoU is that "
        f"of the union of all polygons; Raster Vision puts its own half a pixel aside."
    )
    return joined(*parts, note, _geoai_predict_words(result.get("geoai_predict_geotiff")))


def _geoai_predict_words(told: dict[str, Any] | None) -> str:
    if told is None or told.get("jpeg_ycbcr") is None:
        return ""
    text = f"geoai's other way, `predict_geotiff`, ends after the whole inference with `{told['jpeg_ycbcr']}`"
    if told["next_run_to_the_same_file"] is not None:
        text += f"; the next run to the same file with `{told['next_run_to_the_same_file']}`"
    return f"{text} ({told['version']})."


def _peer_row(tool: str, figures: dict[str, Any], ours: float | None) -> list[object]:
    name = _TOOLS[tool]
    if "error" in figures:
        return [name, figures["error"], *["–"] * (len(_PEER_HEADER) - 2)]
    package = next(iter(figures["versions"].values()))
    megapixels = figures["mpx_per_s"] * figures["seconds"]
    return [
        f"{name} {package}",
        rounded(figures["mpx_per_s"]),
        rounded(megapixels / figures["seconds_with_start"]),
        "–" if ours is None else f"{figures['seconds'] / ours:.1f}",
        f"{figures['cpu_seconds']:.0f}",
        f"{figures['peak_mib']:.0f} ({figures['peak_mib'] - figures['imported_mib']:.0f})",
        figures["polygons"],
        rounded(figures["iou_with_exact"], 4),
        rounded(figures["iou_with_reference"], 4),
    ]
