"""The comparison with the records alone, on plans whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from layout import joined, table
from on_file import read

_QUALITIES: Final = {
    "perfect": "Perfect footprints: what stands, with eaves of 0.3 m",
    "realistic": "Realistic footprints: uneven eaves, leaning roofs, noise, 5 % overlooked, 5 % invented",
}
_FOUND_LINES: Final = {
    "withheld, > 40 m²": ((("withheld", ">40"),), (1.0, 0.99)),
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
    "demolished, from 20 m²": ((("demolished", "20-40"), ("demolished", ">40")), (0.98, 0.97)),
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


def comparison_truth_block(root: Path) -> str:
    """Return what is found on each plan beside what is aimed at, for each quality of footprints."""
    result, absent = read(root, "benchmarks/results/withheld_plans.json")
    if result is None:
        return absent
    parts = []
    for number, (quality, words) in enumerate(_QUALITIES.items()):
        places = {name: of[quality] for name, of in result["places"].items() if quality in of}
        if places:
            heads = [f"{name} ({of['buildings']})" for name, of in places.items()]
            rows = _truth_rows([of["total"] for of in places.values()], number)
            parts += [f"**{words}.**", table(("", "aimed at", *heads), rows)]
    note = (
        "In brackets: buildings of the plan; pieces found of those that the detector shows. Of each plan a "
        "fifth of the buildings is withheld, a tenth cut, 8 % of the recorded ones are demolished; the "
        "records are then moved by 0 to 3 m a sheet, bent by 1 m with periods of 200 to 700 m, moved by "
        "0.3 m a block, and every vertex by 0.15 m. A piece is found when one case of any kind covers a "
        "quarter of it, or all together 40 %. What is left is measured against the roof. On dense blocks "
        f"{_DENSE_5_20[0]:.2f} and {_DENSE_5_20[1]:.2f} are aimed at from 5 to 20 m²."
    )
    return joined(*parts, note)


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
