from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def figures(root: Path) -> ModuleType:
    folder = root / "benchmarks" / "figures"
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        module = importlib.import_module("pages")
    # Other tests load scripts by short names too.
    for file in folder.glob("[!_]*.py"):
        sys.modules.pop(file.stem, None)
    return module


def page_with(folder: Path, text: str) -> Path:
    page = folder / "README.md"
    page.write_text(text, encoding="utf-8")
    return page


def put(folder: Path, path: str, value: object) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(json.dumps(value), encoding="utf-8")


def pixels_and_objects() -> dict[str, Any]:
    return {
        "pixels": {"iou": 0.7512, "iou_ci": [0.7, 0.8], "precision": 0.9, "recall": None, "f1": 0.858},
        "boundary": {"iou": 0.41, "iou_2_percent": 0.618},
        "objects": {"truth": 31, "recall": 0.804, "precision": 0.5, "f1": 0.617, "f1_ci": None},
        "outlines": {"polis_m": 0.644},
    }


def test_a_missing_result_is_said_in_words(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "a\n<!-- figures:demo -->\nold 0.99\n<!-- /figures:demo -->\nb\n")
    text = figures.rebuilt(page, tmp_path)
    words = "*Not measured yet: `benchmarks/results/demo.json` is not there.*"
    assert text == f"a\n<!-- figures:demo -->\n{words}\n<!-- /figures:demo -->\nb\n"
    assert figures.rebuilt(page_with(tmp_path, text), tmp_path) == text


def test_the_model_table_shows_what_was_measured(figures: ModuleType, tmp_path: Path) -> None:
    source = {"chips": 40, "classes": {"building": pixels_and_objects()}}
    evaluation = {"weights_sha256": "a" * 64, "sources": {"barnarp": source, "ours": source}}
    put(tmp_path, "checkpoints/evaluation.json", evaluation)
    put(tmp_path, "checkpoints/contract.json", {"weights_sha256": "a" * 64})
    page = page_with(tmp_path, "<!-- figures:model -->\n<!-- /figures:model -->\n")
    text = figures.rebuilt(page, tmp_path)
    pixels = "building | 40 | 0.75 (0.70–0.80) | 0.90 | – | 0.86 | 0.41 | 0.62"
    figures_of_a_row = f"{pixels} | 31 | 0.80 | 0.50 | 0.62 | 0.64 |"
    assert f"| Barnarp, Jönköping, Sweden | {figures_of_a_row}" in text
    assert f"| ours | {figures_of_a_row}" in text
    assert "other weights" not in text


def test_calibration_is_shown_where_it_was_measured(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "<!-- figures:calibration -->\n<!-- /figures:calibration -->\n")
    put(tmp_path, "checkpoints/contract.json", {"weights_sha256": "a" * 64})
    calibration: dict[str, Any] = {"calibrated": False, "groups": {}}
    evaluation = {"weights_sha256": "a" * 64, "sources": {}, "calibration": calibration}
    put(tmp_path, "checkpoints/evaluation.json", evaluation)
    assert "*The shipped model is not calibrated.*" in figures.rebuilt(page, tmp_path)
    pixels = {"ece_before": 0.021, "ece": 0.012}
    objects: dict[str, Any] = {"ece_before": 0.468, "ece": 0.043, "ece_by_chance": 0.051, "count": 264}
    objects["halves"] = [{"count": 140, "ece": 0.03}, {"count": 124, "ece": 0.052}]
    calibration["calibrated"] = True
    calibration["groups"] = {
        "real": {"building": {"chips": 47, "pixels": pixels, "objects": objects}},
        "tiny": {"building": {"chips": 0, "pixels": None, "objects": None}},
    }
    put(tmp_path, "checkpoints/evaluation.json", evaluation)
    text = figures.rebuilt(page, tmp_path)
    assert "| all real sources | building | 0.02 | 0.01 | 0.47 | 0.04 | 0.05 | 264 | 0.05 (124) |" in text
    assert "tiny" not in text


def test_every_start_of_a_network_has_a_row(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "<!-- figures:architectures -->\n<!-- /figures:architectures -->\n")
    network = {"architecture": "unet", "encoder": "lite0", "building_iou": {"geneva": 0.512, "tiny": None}}
    rows = [
        {**network, "recipe": "light", "weights": weights, "mpx_per_s": 1.234, "megabytes": 8.4}
        for weights in ("imagenet", "none")
    ]
    result = {"steps": 150, "cores": 2, "device": "cpu", "window_px": 1024, "networks": rows}
    put(tmp_path, "benchmarks/results/architectures.json", result)
    text = figures.rebuilt(page, tmp_path)
    assert "| recipe | network | starts from | IoU geneva | IoU tiny | Mpx/s | MB |" in text
    assert "| `light` | unet, lite0 | ImageNet | 0.51 | – | 1.23 | 8.4 |" in text
    assert "| `light` | unet, lite0 | random weights | 0.51 | – | 1.23 | 8.4 |" in text
    assert "for 150 steps of eight crops of 256 px" in text


def test_figures_of_other_weights_are_told(figures: ModuleType, tmp_path: Path) -> None:
    put(tmp_path, "checkpoints/evaluation.json", {"weights_sha256": "a" * 64, "sources": {}})
    put(tmp_path, "checkpoints/contract.json", {"weights_sha256": "b" * 64})
    page = page_with(tmp_path, "<!-- figures:model -->\n<!-- /figures:model -->\n")
    assert "*Measured with other weights (`aaaaaaaaaaaa…`)" in figures.rebuilt(page, tmp_path)


def test_the_headline_of_withheld_buildings(figures: ModuleType, tmp_path: Path) -> None:
    bands = [{"size_band": "all", "found": 18}, {"size_band": ">60", "found": 17}]
    headline = {
        "withheld_from_60_m2": 18,
        "listed_as_new_building": 17,
        "share_listed": 0.9444,
        "new_building_cases": 26,
        "on_a_withheld_building": 16,
        "visible_and_missing_from_the_records": 2,
        "share_right": 0.6923,
    }
    result = {
        "settings": {"shift_m": 1.5},
        "model": {"weights_sha256": "a"},
        "records": 109,
        "withheld": 22,
        "headline": headline,
        "score": {"recall": bands},
    }
    put(tmp_path, "benchmarks/results/withheld_barnarp.json", result)
    put(tmp_path, "checkpoints/contract.json", {"weights_sha256": "a"})
    page = page_with(tmp_path, "<!-- figures:withheld -->\n<!-- /figures:withheld -->\n")
    text = figures.rebuilt(page, tmp_path)
    assert "22 of 109 records were withheld, the others moved by 1.5 m." in text
    assert (
        "case of any kind: 18 of 22. Withheld from 60 m² and listed as `new_building`: 17 of 18 (94 %)"
        in text
    )
    assert "16 lie on a withheld building and 2 more" in text
    assert "18 of 26 are right (69 %)." in text
    assert "*Not measured yet: `benchmarks/results/withheld_edigeo_13029.json` is not there.*" in text


def test_demonstration_and_energy(figures: ModuleType, tmp_path: Path) -> None:
    recall = {"kind": "shed", "size_band": "5-20", "count": 4, "found": 3, "same_kind": 2}
    segmentation = {"megapixels": 25.0, "seconds": 90.0, "device": "cpu"}
    demo = {
        "planted": {
            "recall": [recall],
            "precision": [{"kind": "pool", "count": 9, "right": 8, "expected": 8.5}],
        },
        "detect": {
            "model": {"weights_sha256": "a"},
            "segmentation": segmentation,
            "energy": {"kwh": 0.00212, "method": "codecarbon"},
        },
    }
    run = {
        "recipe": "light",
        "from_epoch": 0,
        "to_epoch": 16,
        "device": "cuda",
        "minutes": 12.0,
        "energy_kwh": None,
        "energy_method": "not measured",
    }
    put(tmp_path, "benchmarks/results/demo.json", demo)
    put(tmp_path, "checkpoints/training.json", [run])
    marks = "".join(f"<!-- figures:{name} -->\n<!-- /figures:{name} -->\n" for name in ("demo", "energy"))
    text = figures.rebuilt(page_with(tmp_path, marks), tmp_path)
    assert "| shed | 5-20 | 4 | 3 | 2 |" in text
    assert "| pool | 9 | 8 |" in text
    assert "| training, epochs 0 to 16 of recipe `light` | cuda | 12 min | – | not measured |" in text
    assert "25.0 Mpx | cpu | 1.5 min of segmentation | 2.1 Wh | codecarbon |" in text


def test_peers_stand_beside_ours(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "<!-- figures:peers -->\n<!-- /figures:peers -->\n")
    assert "`benchmarks/results/peers.json` is not there" in figures.rebuilt(page, tmp_path)
    # 64 Mpx in 4 s, and in 8 s of which 2 s were spent on starting.
    ours: dict[str, Any] = {
        "seconds": 4.0,
        "seconds_with_start": 6.4,
        "cpu_seconds": 7.6,
        "imported_mib": 800.0,
        "peak_mib": 1400.0,
        "mpx_per_s": 16.0,
        "versions": {"vigibati": "0.1.0", "torch": "2.15.0"},
        "polygons": 812,
        "iou_with_exact": 1.0,
        "iou_with_reference": 1.0,
    }
    slower = {"seconds": 8.0, "seconds_with_start": 10.0, "mpx_per_s": 8.0, "versions": {"monai": "1.6.1"}}
    tools = {
        "vigibati": ours,
        "monai": ours | slower | {"polygons": 811, "iou_with_exact": None, "iou_with_reference": 0.99987},
        "geoai": {"error": "cannot be installed: no wheel"},
    }
    result = {
        "machine": {"cores": 2, "processor": "tortoise"},
        "settings": {"threshold": 0.5, "min_area_m2": 4.0, "window_px": 512, "overlap_px": 128, "batch": 8},
        "repeats": 2,
        "reference": "vigibati",
        "geoai_predict_geotiff": {
            "version": "0.40.1",
            "jpeg_ycbcr": "E: no",
            "next_run_to_the_same_file": "E: stale",
        },
        "scenes": {"near-free": {"raster": {"megapixels": 64.0, "coding": "JPEG"}, "tools": tools}},
    }
    put(tmp_path, "benchmarks/results/peers.json", result)
    text = figures.rebuilt(page, tmp_path)
    assert "| VigiBâti, outlines along pixels 0.1.0 | 16.00 | 10.00 | 1.0 | 8 | 1400 (600) | 812 |" in text
    assert (
        "| MONAI, rasterio, pyogrio 1.6.1 | 8.00 | 6.40 | 2.0 | 8 | 1400 (600) | 811 | – | 0.9999 |" in text
    )
    assert "| geoai | cannot be installed: no wheel | – | – | – | – | – | – | – |" in text
    assert "2 cores (tortoise)" in text
    assert "`predict_geotiff`, ends after the whole inference with `E: no`; the next run" in text
    assert "to the same file with `E: stale` (0.40.1)." in text


def test_what_was_timed_is_one_table(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "<!-- figures:performance -->\n<!-- /figures:performance -->\n")
    text = figures.rebuilt(page, tmp_path)
    for name in ("scale_run", "vectorise", "engines", "comparison"):
        assert f"*Not measured yet: `benchmarks/results/{name}.json` is not there.*" in text
    low: dict[str, Any] = {"peak_mib": 1000.0, "megapixels": 250.0}
    high = {
        "peak_mib": 1020.0,
        "megapixels": 2000.0,
        "seconds": 110.0,
        "mpx_per_s": 18.2,
        "blocks_decoded": 1010,
        "blocks_needed": 1000,
        "report": {"seconds": 88.0, "busy_s": {"decode": 60.0, "infer": 80.0}, "merge_s": 21.7},
    }
    shipped = {
        "megapixels": 50.0,
        "seconds": 31.0,
        "report": {"seconds": 30.0, "busy_s": {"decode": 1.0, "infer": 28.0}, "merge_s": 0.6},
    }
    scale = {"width_px": 25000, "tile_px": 10000, "cores": 2, "peak_grows_by": 0.02, "runs": [low, high]}
    put(tmp_path, "benchmarks/results/scale_run.json", {**scale, "shipped": shipped})
    parts = {"compare": {"wall_s": 8.04, "cpu_s": 12.0, "peak_rss_gb": 2.43}, "rank": {"wall_s": 1.0}}
    size = {"footprints": 20, "records": 100, "machine": {"cores": 2}}
    put(tmp_path, "benchmarks/results/comparison.json", {**size, "parts": parts})
    text = figures.rebuilt(page, tmp_path)
    assert "| blocks decoded for each one needed | 1.010 | 2.0 Gpx in tiles of 10000 px" in text
    assert "| 1020 MiB, +2.0 % | 25000 px wide; 250 and 2000 Mpx |" in text
    assert "(infer) | 1.10 | the same; merging comes after it: 22 of 110 s |" in text
    assert "(infer) | 1.07 | 50 Mpx, shipped network on torch; merging comes after it: 1 of 31 s |" in text
    assert (
        "| `compare` of a département | 8.0 s | 20 footprints, 100 records, 2 cores; up to 2.4 GB |" in text
    )
    assert "`rank`" not in text


@pytest.mark.parametrize(
    ("marks", "told"),
    [
        ("<!-- figures:speed -->\n<!-- /figures:speed -->\n", "no figures 'speed'; there are model"),
        ("<!-- figures:demo -->\n", "a figures mark is not closed"),
    ],
)
def test_a_wrong_mark_is_refused(figures: ModuleType, tmp_path: Path, marks: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        figures.rebuilt(page_with(tmp_path, marks), tmp_path)


def test_the_figures_of_the_pages_are_those_on_file(root: Path) -> None:
    command = [sys.executable, "-P", str(root / "benchmarks" / "figures"), "--check"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_truth_about_the_comparison_is_told_by_place(figures: ModuleType, tmp_path: Path) -> None:
    page = page_with(tmp_path, "<!-- figures:comparison-truth -->\n<!-- /figures:comparison-truth -->\n")
    assert "*Not measured yet: `benchmarks/results/withheld_plans.json`" in figures.rebuilt(page, tmp_path)
    total = {
        "records": 500,
        "residual": {"median_m": 0.114, "p95_m": 0.3, "max_m": 1.6, "share_over_1_m": 0.0021},
        "recall": [
            {"measure": "withheld", "band": "5-20", "count": 40, "found": 38, "same_kind": 19},
            {"measure": "demolished", "band": "20-40", "count": 3, "found": 2, "same_kind": 2},
            {"measure": "demolished", "band": ">40", "count": 7, "found": 7, "same_kind": 7},
        ],
        "own_false_per_100_records": 0.4,
        "detector_false": {"new_building": 3, "not_seen": 2},
        "cpu_s": 1.25,
    }
    place = {"perfect": {"buildings": 239, "total": total}}
    put(tmp_path, "benchmarks/results/withheld_plans.json", {"places": {"cornillon": place}})
    text = figures.rebuilt(page, tmp_path)
    for row in (
        "|  | aimed at | cornillon (239) |",
        "| left after registration, median, m | ≤ 0.12 | 0.11 |",
        "| records more than 1 m off | ≤ 0.2 % | 0.2 % |",
        "| withheld, 5–20 m² | ≥ 0.95 | 0.950 (38/40) |",
        "| extension, 1.2–2 m | ≥ 0.75 | – |",
        "| demolished, from 20 m² | ≥ 0.98 | 0.900 (9/10) |",
        "| found with the expected kind | – | 0.500 |",
        "| false cases of its own in 100 records | ≤ 0.3 | 0.40 |",
        "| cases on the detector's own errors | – | 5 |",
        "| processor s in 1 000 records | – | 2.5 |",
    ):
        assert row in text
    assert "Realistic" not in text


def adapted(place: str, *, withheld: int = 22, start: str = "elsewhere", iou: float = 0.6) -> dict[str, Any]:
    reached = {"new_building": 10, "right": 7, "right_or_visible": 8}
    band = {"large": 4, "medium": 2, "small": 1}
    listed: dict[str, Any] = {"withheld": band, "as_new_building": band, "new_building": 20, "right": 9}
    listed |= {"right_or_visible": 11, "at_aimed_recall": reached, "cases": {"new_building": 20}}
    listed |= {"recall": {"shed": [1, 3]}, "precision": {"extension": [4, 5]}}
    listed |= {"still_listed": {"real": 2}, "judged": {"real": 3, "unclear": 1, "not_real": 9}}
    figures = {"iou": iou, "pixel_ece": 0.02, "object_ece": 0.1, "list": listed}
    agreed = {"iou": 0.5, "seen": 0.9, "off_record": 12}
    run: dict[str, Any] = {"place": place, "start": start, "folds": 2, "rounds": 1, "steps": 100}
    run |= {"accepted": place != "nairobi", "withheld": withheld, "of": 109, "below_m2": None, "shift_m": 3.0}
    stages = {"start": {**figures, "iou": 0.5}, "round 1": figures, "calibrated": figures}
    return {**run, "agreement": {"start": agreed, "round 1": agreed}, "stages": stages}


def test_the_gain_of_an_adaptation_is_told_against_its_bound(figures: ModuleType, tmp_path: Path) -> None:
    bound = adapted("barnarp", withheld=0, iou=0.65)
    runs = {"a": adapted("barnarp"), "b": bound, "c": adapted("commune"), "d": adapted("nairobi")}
    put(tmp_path, "benchmarks/results/adapt.json", {"runs": runs})
    page = page_with(tmp_path, "<!-- figures:adapt -->\n<!-- /figures:adapt -->\n")
    text = figures.rebuilt(page, tmp_path)
    spent = "(100 steps a training, 2 folds, 1 rounds)"
    assert f"That is 67 % of the way to the upper bound, an IoU of 0.650 {spent}." in text
    row = "0.020 | 0.100 | 4 of 4 | 2 of 2 | 1 of 1 | 9 (11) of 20 | 0.70 (0.80) of 10 |"
    assert f"| calibrated | 0.600 | {row}" in text
    assert f"| upper bound | 0.650 | {row}" in text
    assert "| calibrated | 0.500 | 90 % | 12 | 0.600 | 0.020 | 0.100 | 1 of 3 | 4 of 5 |" in text
    assert (
        "| refused: the start is gone on with | 0.500 | 90 % | 12 | 20 | 2 of 3 | 0 of 1 | 0 of 9 |" in text
    )
    # One share alone is no curve.
    assert "As more buildings are withheld" not in text


def test_the_shares_that_are_withheld_are_told_in_their_order(figures: ModuleType, tmp_path: Path) -> None:
    small = {**adapted("barnarp", withheld=40), "below_m2": 40}
    runs = {"a": adapted("barnarp", withheld=44), "b": adapted("barnarp", withheld=5), "c": small}
    put(tmp_path, "benchmarks/results/adapt.json", {"runs": runs})
    page = page_with(tmp_path, "<!-- figures:adapt -->\n<!-- /figures:adapt -->\n")
    text = figures.rebuilt(page, tmp_path)
    assert 0 < text.index("| 5 of 109 | 0.500 | 0.600 |") < text.index("| 44 of 109 | 0.500 | 0.600 |")
    assert "all 40 buildings below 40 m² are withheld, from `elsewhere`" in text
