"""Rewrites the figures of README.md and docs/ from the files that the measurements left.

A block lies between ``<!-- figures:NAME -->`` and ``<!-- /figures:NAME -->``; what stands there is
made from ``checkpoints/`` and ``benchmarks/results/``, never typed in. ``--check`` changes nothing
and exits 1 when a block is stale.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from vigibati.configs.files import whole_file
from vigibati.configs.sources import source_credits

_BLOCK: Final = re.compile(r"(<!-- figures:([a-z-]+) -->\n).*?(<!-- /figures:\2 -->)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- /?figures:[^>]*-->")
_ABSENT: Final = "*Not measured yet: `{path}` is not there.*"
_OTHER_WEIGHTS: Final = "*Measured with other weights (`{found}…`) than the shipped ones (`{shipped}…`).*"
_VERDICTS: Final = ("real", "unclear", "not_real")
_STARTS: Final = {"imagenet": "ImageNet", "none": "random weights"}
_SHORT: Final = 12
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

_QUALITIES: Final = {
    "perfect": "Perfect footprints: what stands, with eaves of 0.3 m",
    "realistic": "Realistic footprints: uneven eaves, leaning roofs, noise, 5 % overlooked, 5 % invented",
}
_LARGE: Final = (("withheld", ">40"),)
_GONE: Final = (("demolished", "20-40"), ("demolished", ">40"))
_FOUND_LINES: Final = {
    "withheld, > 40 m²": (_LARGE, (1.0, 0.99)),
    "withheld, 20–40 m²": ((("withheld", "20-40"),), (0.99, 0.97)),
    "withheld, 5–20 m²": ((("withheld", "5-20"),), (0.95, 0.88)),
    "the same, alone": ((("solo", "5-20"),), None),
    "joined pieces as one, from 5 m²": (
        (("groups", "5-20"), ("groups", "20-40"), ("groups", ">40")),
        None,
    ),
    "extension, from 2 m deep": ((("extension", ">=2 m"),), (0.97, 0.95)),
    "extension, 1.2–2 m": ((("extension", "1.2-2 m"),), (0.75, 0.70)),
    "extension, under 1.2 m": ((("extension", "<1.2 m"),), None),
    "demolished, from 20 m²": (_GONE, (0.98, 0.97)),
    "demolished, 5–20 m²": ((("demolished", "5-20"),), (0.90, 0.85)),
}
"""What is counted in a row of the comparison, and what is aimed at with perfect and realistic footprints."""
_DENSE_5_20: Final = (0.85, 0.70)
_OFF: Final = {
    "median_m": (0.12, 0.20),
    "p95_m": (0.30, 0.45),
    "max_m": None,
    "share_over_1_m": (0.002, 0.005),
}
_OFF_WORDS: Final = {
    "median_m": "left after registration, median, m",
    "p95_m": "p95, m",
    "max_m": "largest, m",
    "share_over_1_m": "records more than 1 m off",
}
_OWN_FALSE: Final = (0.3, 0.8)
_USUAL_SHARE: Final = 0.2
_ADAPT_BANDS: Final = ("large", "medium", "small")
_ADAPT_HEADER: Final = (
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
_ADAPT_NOTE: Final = (
    "Start: the model before. Rounds: out of fold, without calibration. Calibrated: the result. The upper "
    "bound learnt in the same way from the true outlines. IoU and ECE are measured against true outlines "
    "that the adaptation never saw; a footprint comes true when more than half of it lies on true ones. "
    "Listed: as `new_building`. In brackets: with buildings that are plainly visible and missing from the "
    "truth. The last column walks down the list from the surest case until nine in ten of the withheld "
    "buildings from 60 m² on are listed."
)


def main() -> None:
    """Rewrite or check every block of this repository."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a block is stale")
    check = parser.parse_args().check
    root = Path(__file__).resolve().parents[1]
    stale = [page for page in pages(root) if _is_stale(page, root)]
    for page in stale:
        if not check:
            with whole_file(page) as part:
                part.write_text(rebuilt(page, root), encoding="utf-8")
        print(f"{page.relative_to(root)}: {'stale; run benchmarks/figures.py' if check else 'rewritten'}")
    if check and stale:
        sys.exit(1)


def pages(root: Path) -> Iterator[Path]:
    """Yield the pages that may hold blocks."""
    yield root / "README.md"
    yield from sorted((root / "docs").rglob("*.md"))


def rebuilt(page: Path, root: Path) -> str:
    """Return a page with every block made anew.

    Raises:
        ValueError: A mark is not closed, or names a block that does not exist.
    """
    text = page.read_text(encoding="utf-8")
    marks, blocks = _MARK.findall(text), _BLOCK.findall(text)
    if len(marks) != 2 * len(blocks):
        raise ValueError(f"{page}: a figures mark is not closed: {marks}")
    for _, name, _ in blocks:
        if name not in BLOCKS:
            raise ValueError(f"{page}: no figures '{name}'; there are {', '.join(BLOCKS)}")
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](root)}\n{found[3]}", text)


def _is_stale(page: Path, root: Path) -> bool:
    return rebuilt(page, root) != page.read_text(encoding="utf-8")


def _model(root: Path) -> str:
    evaluation, absent = _read(root, "checkpoints/evaluation.json")
    if evaluation is None:
        return absent
    rows = []
    for source, name, of, figures in _measured(evaluation):
        pixels, objects = figures["pixels"], figures["objects"]
        boundary, outlines = figures.get("boundary", {}), figures.get("outlines", {})
        agreement = [_share(pixels[key]) for key in ("precision", "recall", "f1")]
        counts = [objects["truth"], _share(objects["recall"]), _share(objects["precision"])]
        contours = [_share(boundary.get("iou")), _share(boundary.get("iou_2_percent"))]
        row = [_place(source), name, of["chips"], _bounded(pixels, "iou"), *agreement, *contours]
        rows.append([*row, *counts, _bounded(objects, "f1"), _share(outlines.get("polis_m"))])
    header = ("validation source", "class", "chips", "IoU", "precision", "recall", "F1")
    contours = ("boundary IoU, 0.6 m", "boundary IoU, 2 %")
    counts = ("true objects from 20 m²", "found", "right", "F1 of objects", "PoLiS, m")
    table = _table((*header, *contours, *counts), rows)
    note = (
        "In brackets: 95 % intervals of a bootstrap over chips. Pixels come first; boundary IoU counts those "
        "within 0.6 m, or 2 % of the diagonal of a chip, of a contour alone. Objects from 20 m² are matched "
        "one to one at IoU above 0.5: how many there are, the share that was found, the share of what was "
        "found that is right. PoLiS is the mean distance between the outlines of matched objects and the "
        "true ones. Validation chips were used to choose settings: this is no blind test."
    )
    return _joined(_weights_note(root, evaluation["weights_sha256"]), table, note)


def _measured(evaluation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    for source, of in evaluation["sources"].items():
        for name, figures in of["classes"].items():
            yield source, name, of, figures


def _calibration(root: Path) -> str:
    evaluation, absent = _read(root, "checkpoints/evaluation.json")
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
                errors = [_share(each[key]) for each in (pixels, objects) for key in ("ece_before", "ece")]
                place = "all real sources" if group == "real" else _place(group)
                # The second half is judged by what ships.
                shipped = objects["halves"][1]
                alone = f"{_share(shipped['ece'])} ({shipped['count']})"
                rows.append([place, name, *errors, _share(objects["ece_by_chance"]), objects["count"], alone])
    header = ("validation source", "class", "pixel ECE before", "after", "object ECE before", "after")
    note = (
        "ECE is the mean gap between a probability and how often it comes true, on validation chips, each "
        "half of them judged by a calibration that was fitted on the other half; *by chance* is the gap that "
        "right probabilities would show with so few objects. *By the shipped one* is the half that it never "
        "saw. An object comes true when more than half of it lies on true ones."
    )
    return _joined(
        _weights_note(root, evaluation["weights_sha256"]),
        _table((*header, "by chance", "objects", "by the shipped one (objects)"), rows),
        note,
    )


def _withheld(root: Path) -> str:
    parts = []
    for file, what in (
        ("withheld_barnarp.json", "Barnarp (real orthophoto, Sweden)"),
        ("withheld_edigeo_13029.json", "EDIGEO sheet 13029 A (real plan, rendered image)"),
    ):
        result, absent = _read(root, f"benchmarks/results/{file}")
        parts.append(f"**{what}.** " + (absent if result is None else _withheld_words(root, result)))
    return "\n\n".join(parts)


def _withheld_words(root: Path, result: dict[str, Any]) -> str:
    settings, headline = result["settings"], result["headline"]
    recall = [line for line in result["score"]["recall"] if line["size_band"] == "all"]
    listed, withheld = sum(line["found"] for line in recall), result["withheld"]
    large, of_large = headline["withheld_from_60_m2"], headline["listed_as_new_building"]
    new, right = headline["new_building_cases"], headline["on_a_withheld_building"]
    visible = headline["visible_and_missing_from_the_records"]
    moved = f", the others moved by {settings['shift_m']:g} m" if settings["shift_m"] else ""
    text = (
        f"{withheld} of {result['records']} records were withheld{moved}. Listed, as a case of any kind: "
        f"{listed} of {withheld}. Withheld from 60 m² and listed as `new_building`: {of_large} of {large}"
        f"{_percent(headline['share_listed'])}. Of {new} `new_building` cases, {right} lie on a withheld "
        f"building"
    )
    if visible:
        text += f" and {visible} more on a building that is plainly visible and missing from the records"
    text += f": {right + visible} of {new} are right{_percent(headline['share_right'])}."
    note = _weights_note(root, result["model"]["weights_sha256"])
    return f"{text} {note}".rstrip()


def _demo(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/demo.json")
    if result is None:
        return absent
    planted = result["planted"]
    recall = [
        [line["kind"], line["size_band"], line["count"], line["found"], line["same_kind"]]
        for line in planted["recall"]
    ]
    precision = [
        [line["kind"], line["count"], line["right"], line["expected"]] for line in planted["precision"]
    ]
    return _joined(
        _weights_note(root, result["detect"]["model"]["weights_sha256"]),
        _table(("planted", "size, m²", "count", "listed", "listed as expected"), recall),
        _table(("kind of case", "listed", "on something planted", "expected by the list"), precision),
        "The image is a rendering, and the model has learnt from others like it: these figures show that "
        "the chain holds together, not how well it does on a real town.",
    )


def _comparison_truth(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/withheld_plans.json")
    if result is None:
        return absent
    parts = []
    for number, (quality, words) in enumerate(_QUALITIES.items()):
        places = {name: of[quality] for name, of in result["places"].items() if quality in of}
        if places:
            heads = [f"{name} ({of['buildings']})" for name, of in places.items()]
            rows = _truth_rows([of["total"] for of in places.values()], number)
            parts += [f"**{words}.**", _table(("", "aimed at", *heads), rows)]
    note = (
        "In brackets: buildings of the plan; pieces found of those that the detector shows. Of each plan a "
        "fifth of the buildings is withheld, a tenth cut, 8 % of the recorded ones are demolished; the "
        "records are then moved by 0 to 3 m a sheet, bent by 1 m with periods of 200 to 700 m, moved by "
        "0.3 m a block, and every vertex by 0.15 m. A piece is found when one case of any kind covers a "
        "quarter of it, or all together 40 %. What is left is measured against the roof. On dense blocks "
        f"{_DENSE_5_20[0]:.2f} and {_DENSE_5_20[1]:.2f} are aimed at from 5 to 20 m²."
    )
    return _joined(*parts, note)


def _nairobi(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/nairobi.json")
    if result is None:
        return absent
    cases = result["cases"]
    rows = []
    for kind in dict.fromkeys(case["kind"] for case in cases):
        alike = [case for case in cases if case["kind"] == kind]
        verdicts = [sum(case["verdict"] == verdict for case in alike) for verdict in _VERDICTS]
        rows.append([kind, len(alike), f"{sum(case['p_case'] for case in alike):.1f}", *verdicts])
    keys = ("rank", "case_id", "kind", "area_m2", "p_case", "verdict", "note")
    one_by_one = [[str(case[key]).replace("not_real", "not real") for key in keys] for case in cases]
    return _joined(
        _weights_note(root, result["weights_sha256"]),
        _table(
            ("kind of case", "listed", "expected by the list", *(v.replace("_", " ") for v in _VERDICTS)),
            rows,
        ),
        _table(("rank", "case", "kind", "m²", "chance", "verdict", "what the image shows"), one_by_one),
    )


def _truth_rows(totals: list[dict[str, Any]], number: int) -> list[list[object]]:
    rows: list[list[object]] = []
    for key, aims in _OFF.items():
        factor, form = (100, "{:.1f} %") if key == "share_over_1_m" else (1, "{:.2f}")
        aim = "–" if aims is None else f"≤ {form.format(factor * aims[number])}"
        rows.append([_OFF_WORDS[key], aim, *(form.format(factor * of["residual"][key]) for of in totals)])
    for words, (lines, aims) in _FOUND_LINES.items():
        aim = "–" if aims is None else f"≥ {aims[number]:.2f}"
        rows.append([words, aim, *(_found_of(of, lines) for of in totals)])
    rows.append(["found with the expected kind", "–", *(_kinds_right(of) for of in totals)])
    false = [f"{of['own_false_per_100_records']:.2f}" for of in totals]
    rows.append(["false cases of its own in 100 records", f"≤ {_OWN_FALSE[number]:g}", *false])
    excused = [sum(of["detector_false"].values()) for of in totals]
    rows.append(["cases on the detector's own errors", "–", *excused])
    seconds = [f"{1000 * of['cpu_s'] / of['records']:.1f}" for of in totals]
    rows.append(["processor s in 1 000 records", "–", *seconds])
    return rows


def _found_of(total: dict[str, Any], lines: Sequence[tuple[str, str]]) -> str:
    chosen = [line for line in total["recall"] if (line["measure"], line["band"]) in lines]
    count, found = (sum(line[name] for line in chosen) for name in ("count", "found"))
    return f"{found / count:.3f} ({found}/{count})" if count else "–"


def _kinds_right(total: dict[str, Any]) -> str:
    chosen = [line for line in total["recall"] if line["measure"] == "withheld" and line["band"] != ">40"]
    found, right = (sum(line[name] for line in chosen) for name in ("found", "same_kind"))
    return f"{right / found:.3f}" if found else "–"


def _architectures(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/architectures.json")
    if result is None:
        return absent
    sources = list(result["networks"][0]["building_iou"])
    rows = []
    for network in result["networks"]:
        name = f"{network['architecture']}, {network['encoder']}"
        reached = [_share(network["building_iou"][source]) for source in sources]
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
    return _joined(_table((*header, "Mpx/s", "MB"), rows), note)


def _outlines(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/outlines.json")
    if result is None:
        return absent
    rows = [
        [
            scene,
            how,
            figures["matched"],
            _share(figures["object_f1_from_smallest"]),
            _share(figures["iou_of_matched"]),
            f"{figures['polis_mean_m']:.2f}",
            f"{figures['polis_median_m']:.2f}",
            figures["vertices"],
        ]
        for scene, of_scene in result["scenes"].items()
        for how, figures in of_scene.items()
    ]
    header = ("scene", "outlines", "matched", f"F1 from {result['smallest_m2']:g} m²", "IoU of matches")
    return _table((*header, "PoLiS mean, m", "PoLiS median, m", "vertices"), rows)


def _peers(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/peers.json")
    if result is None:
        return absent
    machine, settings, reference = result["machine"], result["settings"], result["reference"]
    parts = []
    for name, scene in result["scenes"].items():
        ours = scene["tools"].get(reference, {}).get("seconds")
        rows = [_peer_row(tool, figures, ours) for tool, figures in scene["tools"].items()]
        title = f"**{_SCENES[name]}**, {scene['raster']['megapixels']:.0f} Mpx:"
        parts += [title, _table(_PEER_HEADER, rows)]
    note = (
        f"From GeoTIFF ({scene['raster']['coding']}) to GeoPackage on {machine['cores']} cores "
        f"({machine['processor']}), same weights and torch, threshold {settings['threshold']:g}, polygons "
        f"from {settings['min_area_m2']:g} m²; the peers in windows of {settings['window_px']} px that "
        f"overlap by {settings['overlap_px']} px, VigiBâti with its own. The fastest of "
        f"{result['repeats']} runs, each in a process of its own; *started* counts its start and imports "
        f"too. Memory is the largest resident set, in brackets without what the imports hold. IoU is that "
        f"of the union of all polygons; Raster Vision puts its own half a pixel aside."
    )
    return _joined(*parts, note, _geoai_predict_words(result.get("geoai_predict_geotiff")))


def _geoai_predict_words(told: dict[str, Any] | None) -> str:
    if told is None or told.get("jpeg_ycbcr") is None:
        return ""
    text = f"geoai's other way, `predict_geotiff`, ends after the whole inference with `{told['jpeg_ycbcr']}`"
    if told["next_run_to_the_same_file"] is not None:
        text += f"; the next run to the same file with `{told['next_run_to_the_same_file']}`"
    return f"{text} ({told['version']})."


_PEER_HEADER: Final = (
    *("tool", "Mpx/s", "started", "times ours", "processor s", "memory, MiB", "polygons"),
    *("IoU with the exact answer", "IoU with ours"),
)


def _peer_row(tool: str, figures: dict[str, Any], ours: float | None) -> list[object]:
    name = _TOOLS[tool]
    if "error" in figures:
        return [name, figures["error"], *["–"] * (len(_PEER_HEADER) - 2)]
    package = next(iter(figures["versions"].values()))
    megapixels = figures["mpx_per_s"] * figures["seconds"]
    return [
        f"{name} {package}",
        _share(figures["mpx_per_s"]),
        _share(megapixels / figures["seconds_with_start"]),
        "–" if ours is None else f"{figures['seconds'] / ours:.1f}",
        f"{figures['cpu_seconds']:.0f}",
        f"{figures['peak_mib']:.0f} ({figures['peak_mib'] - figures['imported_mib']:.0f})",
        figures["polygons"],
        _fine(figures["iou_with_exact"]),
        _fine(figures["iou_with_reference"]),
    ]


def _performance(root: Path) -> str:
    """One row for each thing that was timed or counted, from whichever results are there."""
    rows: list[Sequence[object]] = []
    for read in (_scale_rows, _vectorise_rows, _engine_rows, _comparison_rows):
        rows += read(root)
    return _table(("what", "figure", "how it was measured"), rows)


def _scale_rows(root: Path) -> list[Sequence[object]]:
    result, absent = _read(root, "benchmarks/results/scale_run.json")
    if result is None:
        return [("a mosaic of gigapixels", "", absent)]
    low, high = result["runs"][0], result["runs"][-1]
    busy = high["report"]["busy_s"]
    slowest = max(busy, key=busy.__getitem__)
    how = f"{high['megapixels'] / 1000:.1f} Gpx in tiles of {result['tile_px']} px, near-free network"
    return [
        ("blocks decoded for each one needed", f"{high['blocks_decoded'] / high['blocks_needed']:.3f}", how),
        (
            "largest memory, and what it grows by with the height",
            f"{high['peak_mib']:.0f} MiB, {100 * result['peak_grows_by']:+.1f} %",
            f"{result['width_px']} px wide; {low['megapixels']:.0f} and {high['megapixels']:.0f} Mpx",
        ),
        ("image to footprints", f"{high['mpx_per_s']:.1f} Mpx/s", f"{how}, {result['cores']} cores"),
        (
            f"wall clock of the whole run by its slowest stage ({slowest})",
            f"{high['report']['seconds'] / busy[slowest]:.2f}",
            f"the same; merging comes after it: {high['report']['merge_s']:.0f} of {high['seconds']:.0f} s",
        ),
    ]


def _vectorise_rows(root: Path) -> list[Sequence[object]]:
    result, absent = _read(root, "benchmarks/results/vectorise.json")
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
    result, absent = _read(root, "benchmarks/results/engines.json")
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
    result, absent = _read(root, "benchmarks/results/comparison.json")
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


def _energy(root: Path) -> str:
    rows = []
    runs, absent_runs = _read(root, "checkpoints/training.json")
    for run in runs or ():
        what = f"training, epochs {run['from_epoch']} to {run['to_epoch']} of recipe `{run['recipe']}`"
        energy = _watt_hours(run["energy_kwh"])
        rows.append([what, run["device"], f"{run['minutes']:g} min", energy, run["energy_method"]])
    demo, absent_demo = _read(root, "benchmarks/results/demo.json")
    if demo is not None:
        speed, energy = demo["detect"]["segmentation"], demo["detect"]["energy"] or {}
        what = f"`detect` on the demonstration, {speed['megapixels']:.1f} Mpx"
        time = f"{speed['seconds'] / 60:.1f} min of segmentation"
        method = energy.get("method", "not measured")
        rows.append([what, speed["device"], time, _watt_hours(energy.get("kwh")), method])
    table = _table(("what", "device", "time", "energy", "how measured"), rows) if rows else ""
    return _joined(table, absent_runs, absent_demo)


def _adapt(root: Path) -> str:
    result, absent = _read(root, "benchmarks/results/adapt.json")
    if result is None:
        return absent
    runs = list(result["runs"].values())
    bounds = {run["start"]: run for run in runs if run["place"] == "barnarp" and not run["withheld"]}
    spoilt = [run for run in runs if run["place"] == "barnarp" and run["withheld"]]
    usual = [
        run for run in spoilt if round(run["withheld"] / run["of"], 1) == _USUAL_SHARE and not run["below_m2"]
    ]
    parts = []
    for run in usual:
        rows = [_adapt_row(stage, figures) for stage, figures in run["stages"].items()]
        bound = bounds.get(run["start"])
        if bound is not None:
            rows.append(_adapt_row("upper bound", bound["stages"]["calibrated"]))
        withheld = f"{run['withheld']} of {run['of']} withheld, moved by {run['shift_m']:g} m and bent"
        parts += [f"**Barnarp from `{run['start']}`**, {withheld}.", _table(_ADAPT_HEADER, rows)]
        if bound is not None:
            parts.append(_gain_words(run, bound))
    parts += _adapt_shares([run for run in spoilt if not run["below_m2"]])
    parts += _adapt_without_small([run for run in spoilt if run["below_m2"]])
    parts += [_adapt_elsewhere(run) for run in runs if run["place"] != "barnarp"]
    return _joined(*parts, _ADAPT_NOTE)


def _adapt_row(stage: str, figures: dict[str, Any]) -> list[object]:
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
        cut = f"{_share(reached['right'] / count)} ({_share(reached['right_or_visible'] / count)}) of {count}"
    eces = [_three(figures[key]) for key in ("pixel_ece", "object_ece")]
    return [stage, _three(figures["iou"]), *eces, *withheld, right, cut]


def _gain_words(run: dict[str, Any], bound: dict[str, Any]) -> str:
    start, end = (run["stages"][stage]["iou"] for stage in ("start", "calibrated"))
    top = bound["stages"]["calibrated"]["iou"]
    share = (end - start) / (top - start)
    spent = f"{run['steps']} steps a training, {run['folds']} folds, {run['rounds']} rounds"
    return f"That is {100 * share:.0f} % of the way to the upper bound, an IoU of {top:.3f} ({spent})."


def _adapt_shares(runs: list[dict[str, Any]]) -> list[str]:
    """Return what happens as more buildings are withheld, of the start that most runs have."""
    starts = [run["start"] for run in runs]
    most = max(starts, key=starts.count, default=None)
    chosen = sorted((run for run in runs if run["start"] == most), key=lambda run: run["withheld"])
    if len(chosen) <= 1:
        return []
    rows = []
    for run in chosen:
        before, after = run["stages"]["start"], run["stages"]["calibrated"]
        rows.append([f"{run['withheld']} of {run['of']}", _three(before["iou"]), *_adapt_row("", after)[1:]])
    header = ("withheld", "IoU before", *_ADAPT_HEADER[1:])
    return [f"**As more buildings are withheld**, from `{most}`.", _table(header, rows)]


def _adapt_without_small(runs: list[dict[str, Any]]) -> list[str]:
    parts = []
    for run in runs:
        rows = [_adapt_row(stage, run["stages"][stage]) for stage in ("start", "calibrated")]
        words = (
            f"**A kind that is never recorded**: all {run['withheld']} buildings below {run['below_m2']:g} m²"
        )
        parts += [f"{words} are withheld, from `{run['start']}`.", _table(_ADAPT_HEADER, rows)]
    return parts


def _adapt_elsewhere(run: dict[str, Any]) -> str:
    where = "A made-up commune of 4 km²" if run["place"] == "commune" else "Nairobi, with its own records"
    header = ["stage", "agreement with records, IoU", "records seen", "beside records"]
    agreed = run["agreement"]
    stages = dict(run["stages"])
    rows: list[list[object]] = []
    for stage, figures in stages.items():
        # What is calibrated shows the same outlines as the last round, unless that was refused.
        final = list(agreed.values())[-1] if run["accepted"] else agreed["start"]
        each = agreed.get(stage, final)
        name = (
            "refused: the start is gone on with" if stage == "calibrated" and not run["accepted"] else stage
        )
        row = [name, _three(each["iou"]), f"{100 * each['seen']:.0f} %", each["off_record"]]
        listed = figures["list"]
        if run["place"] == "commune":
            row += [_three(figures["iou"]), *(_three(figures[key]) for key in ("pixel_ece", "object_ece"))]
            row += [f"{found} of {count}" for found, count in listed["recall"].values()]
            row += [f"{right} of {count}" for right, count in listed["precision"].values()]
        else:
            row += [sum(listed["cases"].values())]
            row += [f"{listed['still_listed'].get(v, 0)} of {listed['judged'].get(v, 0)}" for v in _VERDICTS]
        rows.append(row)
    if run["place"] == "commune":
        last = stages["calibrated"]["list"]
        header += [
            "IoU with truth",
            "pixel ECE",
            "object ECE",
            *(f"{kind} listed" for kind in last["recall"]),
        ]
        header += [f"{kind} right" for kind in last["precision"]]
    else:
        header += ["cases", *(f"judged {verdict.replace('_', ' ')}, still listed" for verdict in _VERDICTS)]
    return _joined(f"**{where}**, in {run['folds']} folds, from `{run['start']}`.", _table(header, rows))


BLOCKS: Final[dict[str, Callable[[Path], str]]] = {
    "model": _model,
    "calibration": _calibration,
    "withheld": _withheld,
    "demo": _demo,
    "energy": _energy,
    "outlines": _outlines,
    "architectures": _architectures,
    "peers": _peers,
    "performance": _performance,
    "comparison-truth": _comparison_truth,
    "nairobi": _nairobi,
    "adapt": _adapt,
}
"""What can stand between two marks, by name."""


def _read(root: Path, path: str) -> tuple[Any, str]:
    """Return a result, or None and the words that say that it is missing."""
    file = root / path
    if not file.is_file():
        return None, _ABSENT.format(path=path)
    return json.loads(file.read_text(encoding="utf-8")), ""


def _weights_note(root: Path, found: str) -> str:
    contract, absent = _read(root, "checkpoints/contract.json")
    if contract is None:
        return absent
    shipped = contract["weights_sha256"]
    return "" if found == shipped else _OTHER_WEIGHTS.format(found=found[:_SHORT], shipped=shipped[:_SHORT])


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _fine(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _three(value: float) -> str:
    return f"{value:.3f}"


def _bounded(figures: dict[str, Any], key: str) -> str:
    bounds = figures.get(f"{key}_ci")
    value = _share(figures.get(key))
    return value if bounds is None else f"{value} ({bounds[0]:.2f}–{bounds[1]:.2f})"


def _place(source: str) -> str:
    known = source_credits()
    return known[source].place if source in known else source


def _percent(share: float | None) -> str:
    return "" if share is None else f" ({100 * share:.0f} %)"


def _watt_hours(kwh: float | None) -> str:
    return "–" if kwh is None else f"{1000 * kwh:.1f} Wh"


if __name__ == "__main__":
    main()
