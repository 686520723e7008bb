"""The tables of a model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vigibati.configs.contract import ModelContract
from vigibati.configs.sources import source_credits

_STARTS = {
    "none": "random weights",
    "imagenet": "an encoder trained on ImageNet, images of the web under many terms",
}


def pixel_table(evaluation: Mapping[str, Any]) -> str:
    """Return the agreement by pixel, and along the contours."""
    rows = [
        (
            source,
            name,
            evaluation["sources"][source]["chips"],
            _with_bounds(figures["pixels"], "iou"),
            figures["pixels"]["precision"],
            figures["pixels"]["recall"],
            figures["pixels"]["f1"],
            _with_bounds(figures["boundary"], "iou"),
            figures["boundary"]["iou_2_percent"],
        )
        for source, name, figures in _classes(evaluation)
    ]
    header = ("validation source", "class", "chips", "IoU", "precision", "recall", "F1")
    return _table((*header, "boundary IoU, 0.6 m", "boundary IoU, 2 %"), rows)


def object_table(evaluation: Mapping[str, Any]) -> str:
    """Return the agreement by object, and of the outlines of those that were found."""
    rows = [
        (
            source,
            name,
            *(figures["objects"][key] for key in ("truth", "found", "recall", "precision")),
            _with_bounds(figures["objects"], "f1"),
            figures["outlines"]["count"],
            _with_bounds(figures["outlines"], "polis_m"),
            _percent(figures["outlines"]["area_bias"]),
        )
        for source, name, figures in _classes(evaluation)
    ]
    header = ("validation source", "class", "true objects", "found", "recall", "precision", "F1")
    return _table((*header, "outlines", "PoLiS, m", "area bias"), rows)


def band_table(evaluation: Mapping[str, Any]) -> str:
    """Return the agreement by object for each size band that holds anything."""
    keys = ("truth", "recall", "found", "precision", "f1")
    rows = [
        (source, name, _band(band), *(band[key] for key in keys))
        for source, name, figures in _classes(evaluation)
        for band in figures["objects"]["bands"]
        if band["truth"] or band["found"]
    ]
    return _table(
        ("validation source", "class", "size, m²", "true objects", "recall", "found", "precision", "F1"), rows
    )


def calibration_table(evaluation: Mapping[str, Any]) -> str:
    """Return the calibration errors of each group of sources, every chip judged by what never saw it."""
    rows = []
    for group, name, figures in _judged(evaluation):
        pixels, objects = figures["pixels"], figures["objects"]
        errors = [_with_bounds(each, key) for each in (pixels, objects) for key in ("ece_before", "ece")]
        chance = objects["ece_before_by_chance" if objects["ece"] is None else "ece_by_chance"]
        rows.append((group, name, figures["chips"], *errors, chance, objects["count"]))
    header = ("validation source", "class", "chips", "pixel ECE before", "pixel ECE", "object ECE before")
    return _table((*header, "object ECE", "by chance alone", "objects"), rows)


def half_table(evaluation: Mapping[str, Any]) -> str:
    """Return the calibration errors half by half: that of the shipped calibration, and its double's."""
    rows = [
        (
            group,
            name,
            judged,
            fitted,
            pixels["ece"],
            objects["ece"],
            objects["ece_by_chance"],
            objects["count"],
        )
        for group, name, figures in _judged(evaluation)
        for (judged, fitted), pixels, objects in zip(
            (("first", "second"), ("second", "first (shipped)")),
            figures["pixels"]["halves"],
            figures["objects"]["halves"],
            strict=True,
        )
    ]
    header = ("validation source", "class", "judged half", "fitted on half", "pixel ECE", "object ECE")
    return _table((*header, "by chance alone", "objects"), rows)


def fit_table(fit: Mapping[str, Any]) -> str:
    """Return what each class was calibrated with, and on what."""
    halves = {"first (shipped)": fit["classes"], "second": fit.get("other_half", {"classes": {}})["classes"]}
    rows = [
        (
            half,
            name,
            ", ".join(of["sources"]),
            *(of[key] for key in ("chips", "objects", "real_objects")),
            *(of[key] for key in ("temperature", "object_slope", "object_offset")),
        )
        for half, classes in halves.items()
        for name, of in classes.items()
    ]
    header = ("half", "class", "fitted on", "chips", "objects", "of them real")
    return _table((*header, "temperature", "slope", "offset"), rows)


def source_table(contract: ModelContract) -> str:
    """Return where the training chips come from, and under which terms."""
    known = source_credits()
    rows = []
    for source in contract.sources:
        credit = known.get(source.name)
        origin = (credit.place, credit.credit, credit.licence, credit.note) if credit else (None,) * 4
        rows.append((source.name, source.chips, source.megapixels, source.share, *origin))
    header = ("source", "chips", "Mpx", "share of samples", "place", "credit", "licence", "what to know")
    return _table(header, rows)


def run_table(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the training runs with what they took."""
    keys = ("from_epoch", "to_epoch", "device", "minutes", "energy_kwh", "energy_method")
    rows = [(run["recipe"], started_from(run), *(run.get(key) for key in keys)) for run in runs]
    header = ("training run", "started from", "from epoch", "to epoch", "device", "minutes", "energy, kWh")
    return _table((*header, "how measured"), rows)


def started_from(run: Mapping[str, Any]) -> str:
    """Return the words for what the weights of a run were before it."""
    weights = run.get("weights")
    if weights is None:
        return "not recorded"
    return _STARTS.get(weights, f"the weights of `{weights}`")


def _classes(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for source, of_source in evaluation["sources"].items():
        for name, figures in of_source["classes"].items():
            yield source, name, figures


def _judged(evaluation: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for group, of_group in evaluation["calibration"]["groups"].items():
        for name, figures in of_group.items():
            if figures["chips"]:
                yield group, name, figures


def _table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def _with_bounds(figures: Mapping[str, Any], key: str) -> str:
    bounds = figures[f"{key}_ci"]
    value = _cell(figures[key])
    return value if bounds is None else f"{value} ({bounds[0]:.2f}–{bounds[1]:.2f})"


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:+.1f} %"


def _band(band: Mapping[str, Any]) -> str:
    if band["to_m2"] is None:
        return f"from {band['from_m2']:g}"
    return f"{band['from_m2']:g}–{band['to_m2']:g}"
