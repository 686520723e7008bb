"""What VigiBâti takes: time, memory and energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from layout import joined, table
from on_file import read


def performance_block(root: Path) -> str:
    """Return one row for each thing that was timed or counted, from whichever results are there."""
    rows = [*_scale_rows(root), *_vectorise_rows(root), *_engine_rows(root), *_comparison_rows(root)]
    return table(("what", "figure", "how it was measured"), rows)


def energy_block(root: Path) -> str:
    """Return what training and the demonstration took."""
    rows = []
    runs, absent_runs = read(root, "checkpoints/training.json")
    for run in runs or ():
        what = f"training, epochs {run['from_epoch']} to {run['to_epoch']} of recipe `{run['recipe']}`"
        time, spent = f"{run['minutes']:g} min", _watt_hours(run["energy_kwh"])
        rows.append([what, run["device"], time, spent, run["energy_method"]])
    demo, absent_demo = read(root, "benchmarks/results/demo.json")
    if demo is not None:
        speed, energy = demo["detect"]["segmentation"], demo["detect"]["energy"] or {}
        what = f"`detect` on the demonstration, {speed['megapixels']:.1f} Mpx"
        time = f"{speed['seconds'] / 60:.1f} min of segmentation"
        method = energy.get("method", "not measured")
        rows.append([what, speed["device"], time, _watt_hours(energy.get("kwh")), method])
    measured = table(("what", "device", "time", "energy", "how measured"), rows) if rows else ""
    return joined(measured, absent_runs, absent_demo)


def _scale_rows(root: Path) -> list[Sequence[object]]:
    result, absent = read(root, "benchmarks/results/scale_run.json")
    if result is None:
        return [("a mosaic of gigapixels", "", absent)]
    low, high = result["runs"][0], result["runs"][-1]
    how = f"{high['megapixels'] / 1000:.1f} Gpx in tiles of {result['tile_px']} px, near-free network"
    return [
        ("blocks decoded for each one needed", f"{high['blocks_decoded'] / high['blocks_needed']:.3f}", how),
        (
            "largest memory, and what it grows by with the height",
            f"{high['peak_mib']:.0f} MiB, {100 * result['peak_grows_by']:+.1f} %",
            f"{result['width_px']} px wide; {low['megapixels']:.0f} and {high['megapixels']:.0f} Mpx",
        ),
        ("image to footprints", f"{high['mpx_per_s']:.1f} Mpx/s", f"{how}, {result['cores']} cores"),
        _by_slowest_stage(high, "the same"),
        _by_slowest_stage(
            result["shipped"], f"{result['shipped']['megapixels']:.0f} Mpx, shipped network on torch"
        ),
    ]


def _by_slowest_stage(run: dict[str, Any], how: str) -> Sequence[object]:
    report = run["report"]
    busy = report["busy_s"]
    slowest = max(busy, key=busy.__getitem__)
    return (
        f"wall clock of the whole run by its slowest stage ({slowest})",
        f"{report['seconds'] / busy[slowest]:.2f}",
        f"{how}; merging comes after it: {report['merge_s']:.0f} of {run['seconds']:.0f} s",
    )


def _vectorise_rows(root: Path) -> list[Sequence[object]]:
    result, absent = read(root, "benchmarks/results/vectorise.json")
    if result is None:
        return [("tracing", "", absent)]
    rows: list[Sequence[object]] = []
    for share in result["shares"].values():
        how = f"{100 * share['foreground']:.0f} % foreground, {share['components']} outlines, one core"
        rows += [
            ("tracing", f"{share['trace_mpx_per_s']} Mpx/s", how),
            ("the same by rasterio.features.shapes", f"{share['rasterio_shapes_mpx_per_s']} Mpx/s", how),
            (
                "`vectorise`, simplified; with straight walls",
                f"{share['vectorise_simplified_mpx_per_s']}; {share['vectorise_straight_mpx_per_s']} Mpx/s",
                f"{how}, from a COG",
            ),
        ]
    return rows


def _engine_rows(root: Path) -> list[Sequence[object]]:
    result, absent = read(root, "benchmarks/results/engines.json")
    if result is None:
        return [("the network on a processor", "", absent)]
    size, engines = next(iter(result["windows"].items()))
    return [
        (
            f"shipped network, {name}",
            f"{of['mpx_per_s']:.2f} Mpx/s, {of['ratio']:.2f} ×",
            f"windows of {size}, {result['threads']} threads; apart by up to {of['max_difference']:.3f}",
        )
        for name, of in engines.items()
        if isinstance(of, dict)
    ]


def _comparison_rows(root: Path) -> list[Sequence[object]]:
    result, absent = read(root, "benchmarks/results/comparison.json")
    if result is None:
        return [("the comparison of a département", "", absent)]
    how = (
        f"{result['footprints']} footprints, {result['records']} records, {result['machine']['cores']} cores"
    )
    return [
        (
            f"`{name}` of a département",
            f"{part['wall_s']:.1f} s",
            f"{how}; up to {part['peak_rss_gb']:.1f} GB",
        )
        for name, part in result["parts"].items()
        if name in {"register", "compare", "publish cases alone"}
    ]


def _watt_hours(kwh: float | None) -> str:
    return "–" if kwh is None else f"{1000 * kwh:.1f} Wh"
