"""Lists of cases, judged by what was withheld or planted, or by eye."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layout import joined, table
from on_file import VERDICTS, read, weights_note


def withheld_block(root: Path) -> str:
    """Return how many of the buildings that were taken out of the records are listed."""
    parts = []
    for file, what in (
        ("withheld_barnarp.json", "Barnarp (real orthophoto, Sweden)"),
        ("withheld_edigeo_13029.json", "EDIGEO sheet 13029 A (real plan, rendered image)"),
    ):
        result, absent = read(root, f"benchmarks/results/{file}")
        parts.append(f"**{what}.** " + (absent if result is None else _withheld_words(root, result)))
    return "\n\n".join(parts)


def demo_block(root: Path) -> str:
    """Return what the demonstration lists of what was planted."""
    result, absent = read(root, "benchmarks/results/demo.json")
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
    return joined(
        weights_note(root, result["detect"]["model"]["weights_sha256"]),
        table(("planted", "size, m²", "count", "listed", "listed as expected"), recall),
        table(("kind of case", "listed", "on something planted", "expected by the list"), precision),
        "The image is a rendering, and the model has learnt from others like it: these figures show that "
        "the chain holds together, not how well it does on a real town.",
    )


def nairobi_block(root: Path) -> str:
    """Return the verdicts of a person on the list of Nairobi, by kind and one by one."""
    result, absent = read(root, "benchmarks/results/nairobi.json")
    if result is None:
        return absent
    cases = result["cases"]
    rows = []
    for kind in dict.fromkeys(case["kind"] for case in cases):
        alike = [case for case in cases if case["kind"] == kind]
        verdicts = [sum(case["verdict"] == verdict for case in alike) for verdict in VERDICTS]
        rows.append([kind, len(alike), f"{sum(case['p_case'] for case in alike):.1f}", *verdicts])
    keys = ("rank", "case_id", "kind", "area_m2", "p_case", "verdict", "note")
    one_by_one = [[str(case[key]).replace("not_real", "not real") for key in keys] for case in cases]
    return joined(
        weights_note(root, result["weights_sha256"]),
        table(
            ("kind of case", "listed", "expected by the list", *(v.replace("_", " ") for v in VERDICTS)),
            rows,
        ),
        table(("rank", "case", "kind", "m²", "chance", "verdict", "what the image shows"), one_by_one),
    )


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
    note = weights_note(root, result["model"]["weights_sha256"])
    return f"{text} {note}".rstrip()


def _percent(share: float | None) -> str:
    return "" if share is None else f" ({100 * share:.0f} %)"
