from __future__ import annotations

import json
from typing import Any

import pytest

from vigibati.configs.contract import Calibration, ModelContract, TrainingSource
from vigibati.configs.sources import source_credits
from vigibati.training.publishing.model_card import model_card

Table = list[dict[str, str]]


BANDS = [
    {"from_m2": 0.0, "to_m2": 60.0, "truth": 0, "found": 0, "recall": None, "precision": None, "f1": None},
    {"from_m2": 60.0, "to_m2": None, "truth": 3, "found": 2, "recall": 0.5, "precision": 0.75, "f1": 0.6},
]


def figures(iou: float | None, truth: int) -> dict[str, Any]:
    bounds = None if iou is None else [iou - 0.1, iou + 0.05]
    pixels = {"iou": iou, "iou_ci": bounds, "precision": 0.25, "recall": 0.125, "f1": None}
    objects = {"truth": truth, "found": 40, "recall": 0.75, "precision": 0.5, "f1": 0.6, "f1_ci": [0.5, 0.7]}
    return {
        "pixels": pixels,
        "boundary": {"iou": 0.41, "iou_ci": [0.35, 0.45], "iou_2_percent": 0.62},
        "objects": {**objects, "bands": BANDS},
        "outlines": {"count": 12, "polis_m": 0.61, "polis_m_ci": [0.5, 0.72], "area_bias": -0.058},
    }


def errors(before: float, after: float | None, **chance: float | None) -> dict[str, Any]:
    bounds = {"ece_before_ci": [before - 0.01, before + 0.01], "ece_ci": after and [after, after + 0.02]}
    by_half = [
        {"count": 140, "ece": 0.04, "ece_by_chance": 0.07},
        {"count": 124, "ece": 0.05, "ece_by_chance": 0.08},
    ]
    return {"count": 264, "ece_before": before, "ece": after, "halves": after and by_half, **bounds, **chance}


FIT: dict[str, Any] = {
    "weights_sha256": "a" * 64,
    "classes": {
        "building": {
            "sources": ["barnarp", "geneva"],
            "chips": 43,
            "pixels": 488_401,
            "objects": 325,
            "real_objects": 97,
            "temperature": 0.8432,
            "object_slope": 2.8258,
            "object_offset": -4.1269,
        }
    },
}
FIT["other_half"] = {"classes": {"building": FIT["classes"]["building"] | {"objects": 140}}}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    objects = errors(0.468, 0.043, ece_before_by_chance=0.06, ece_by_chance=0.051)
    groups = {
        "real": {"building": {"chips": 47, "pixels": errors(0.021, 0.012), "objects": objects}},
        "tiny": {"building": {"chips": 0, "pixels": None, "objects": None}},
    }
    return {
        "checkpoint": "light",
        "weights_sha256": "a" * 64,
        "data_sha256": "b" * 64,
        "split": "val",
        "thresholds": {"building": 0.5, "pool": 0.4},
        "intervals": {"level": 0.95, "resamples": 1000, "over": "chips"},
        "sources": {
            "barnarp": {"chips": 11, "gsd_m": 0.2, "classes": {"building": figures(0.812, 70)}},
            "synthetic": {
                "chips": 12,
                "gsd_m": 0.2,
                "classes": {"building": figures(0.9, 71), "pool": figures(None, 0)},
            },
        },
        "calibration": {"calibrated": True, "fit": FIT, "object_smallest_m2": 4.0, "groups": groups},
    }


@pytest.fixture
def contract() -> ModelContract:
    return ModelContract(
        name="light",
        architecture="unet",
        encoder="resnet18",
        decoder_channels=(96, 64, 48, 32, 16),
        bands=("red", "green", "blue"),
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
        gsd_m=0.2,
        class_names=("building", "pool"),
        thresholds=(0.5, 0.4),
        margin_px=96,
        sources=(
            TrainingSource(name="barnarp", chips=100, megapixels=6.554, share=0.75),
            TrainingSource(name="own|town", chips=7, megapixels=0.5, share=0.25),
        ),
        data_sha256="c" * 64,
        weights_sha256="a" * 64,
        trained_with="0.1.0",
        recipe="light",
    )


CALIBRATION = Calibration(temperature=0.8432, object_slope=2.8258, object_offset=-4.1269)
RUN = {"recipe": "light", "from_epoch": 0, "to_epoch": 16, "device": "cpu", "minutes": 31.5}
UNMEASURED = {**RUN, "energy_kwh": None, "energy_method": "not measured"}
MEASURED = {**RUN, "energy_kwh": 0.0312, "energy_method": "codecarbon 3, this process, offline"}


def tables(card: str) -> list[Table]:
    """The tables of a card, each as a list of rows by column name."""
    found: list[Table] = []
    for block in card.split("\n\n"):
        lines = block.splitlines()
        if lines[0].startswith("| "):
            header, rule, *rows = (
                [cell.strip() for cell in line.strip("|").replace("\\|", "¦").split(" | ")] for line in lines
            )
            assert set(rule) == {"---"}
            found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def test_the_figures_are_those_of_the_evaluation(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    pixels, objects, bands, *_ = tables(model_card(contract, evaluation, [UNMEASURED]))
    measured = [
        (source, str(of["chips"]), name, values)
        for source, of in evaluation["sources"].items()
        for name, values in of["classes"].items()
    ]
    assert len(pixels) == len(objects) == 3
    for (source, chips, name, values), pixel, whole in zip(measured, pixels, objects, strict=True):
        assert (pixel["validation source"], pixel["class"], pixel["chips"]) == (source, name, chips)
        for key, column in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
            assert pixel[column] == shown(values["pixels"][key])
        assert pixel["IoU"].partition(" ")[0] == shown(values["pixels"]["iou"])
        assert pixel["boundary IoU, 0.6 m"] == "0.410 (0.35–0.45)"
        assert pixel["boundary IoU, 2 %"] == "0.620"
        assert (whole["validation source"], whole["class"]) == (source, name)
        assert (whole["true objects"], whole["found"]) == (str(values["objects"]["truth"]), "40")
        assert (whole["recall"], whole["precision"], whole["F1"]) == ("0.750", "0.500", "0.600 (0.50–0.70)")
        assert (whole["PoLiS, m"], whole["area bias"]) == ("0.610 (0.50–0.72)", "-5.8 %")
    assert pixels[0]["IoU"] == "0.812 (0.71–0.86)"
    # A band that holds nothing has no row.
    assert [(row["size, m²"], row["true objects"], row["F1"]) for row in bands] == [
        ("from 60", "3", "0.600")
    ] * 3


def test_every_source_is_credited(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    *_, sources, _ = tables(model_card(contract, evaluation, [UNMEASURED]))
    known, unknown = sources
    credit = source_credits()["barnarp"]
    assert known == {
        "source": "barnarp",
        "chips": "100",
        "Mpx": "6.554",
        "share of samples": "0.750",
        "place": credit.place,
        "credit": credit.credit,
        "licence": credit.licence,
        "what to know": credit.note,
    }
    # A bar in a name would break the table.
    assert unknown["source"] == "own¦town"
    assert {unknown[name] for name in ("place", "credit", "licence", "what to know")} == {"–"}


def test_energy_is_told_or_said_to_be_unknown(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    *_, runs = tables(model_card(contract, evaluation, [UNMEASURED, MEASURED]))
    assert [(run["energy, kWh"], run["how measured"]) for run in runs] == [
        ("–", "not measured"),
        ("0.031", "codecarbon 3, this process, offline"),
    ]
    assert [(run["from epoch"], run["to epoch"], run["device"]) for run in runs] == [("0", "16", "cpu")] * 2


def test_the_card_says_what_the_model_is_and_is_not(
    contract: ModelContract, evaluation: dict[str, Any]
) -> None:
    card = model_card(contract, evaluation, [UNMEASURED])
    assert card.startswith("# Model card: light\n")
    assert "about 0.2 m per pixel (red, green, blue)" in card
    assert "unet with encoder resnet18, decoder channels [96, 64, 48, 32, 16]" in card
    assert "Thresholds: building 0.5, pool 0.4." in card
    for print_ in ("a", "b", "c"):
        assert f"`{print_ * 64}`" in card
    assert "## Limits" in card
    for name in ("reliability.png", "precision_recall.png"):
        assert f"]({name})" in card


def test_the_card_says_how_probabilities_came_about(
    contract: ModelContract, evaluation: dict[str, Any]
) -> None:
    card = model_card(contract.model_copy(update={"calibrations": (CALIBRATION,) * 2}), evaluation, [])
    *_, calibration, halves, fit, _, _ = tables(card)
    (row,) = calibration
    assert (row["validation source"], row["pixel ECE"], row["objects"]) == (
        "real",
        "0.012 (0.01–0.03)",
        "264",
    )
    assert (row["object ECE before"], row["object ECE"], row["by chance alone"]) == (
        "0.468 (0.46–0.48)",
        "0.043 (0.04–0.06)",
        "0.051",
    )
    assert (fit[0]["fitted on"], fit[0]["objects"], fit[0]["of them real"]) == (
        "barnarp, geneva",
        "325",
        "97",
    )
    assert [(row["half"], row["objects"]) for row in fit] == [("first (shipped)", "325"), ("second", "140")]
    columns = ("judged half", "fitted on half", "object ECE", "by chance alone", "objects")
    assert [tuple(row[column] for column in columns) for row in halves] == [
        ("first", "second", "0.040", "0.070", "140"),
        ("second", "first (shipped)", "0.050", "0.080", "124"),
    ]
    assert "No chip is judged by a calibration that was fitted on it" in card
    assert "not calibrated" not in card


def test_the_card_says_when_nothing_was_calibrated(
    contract: ModelContract, evaluation: dict[str, Any]
) -> None:
    evaluation["calibration"] |= {"calibrated": False, "fit": None}
    of_real = evaluation["calibration"]["groups"]["real"]["building"]
    of_real["pixels"] = errors(0.021, None)
    of_real["objects"] = errors(0.468, None, ece_before_by_chance=0.06, ece_by_chance=None)
    card = model_card(contract, evaluation, [])
    *_, (row,), _, _ = tables(card)
    assert (row["object ECE before"], row["object ECE"], row["by chance alone"]) == (
        "0.468 (0.46–0.48)",
        "–",
        "0.060",
    )
    assert card.count("not calibrated") == 2


def test_a_record_without_the_fit_on_the_other_half_has_a_card(
    contract: ModelContract, evaluation: dict[str, Any]
) -> None:
    evaluation["calibration"]["fit"] = {"classes": FIT["classes"]}
    of_objects = evaluation["calibration"]["groups"]["real"]["building"]["objects"]
    of_objects["halves"] = [{"count": 0, "ece": None, "ece_by_chance": None}, of_objects["halves"][1]]
    *_, halves, fit, _, _ = tables(model_card(contract, evaluation, []))
    assert [row["half"] for row in fit] == ["first (shipped)"]
    assert [row["object ECE"] for row in halves] == ["–", "0.050"]


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ({"weights": "none"}, "random weights"),
        ({"weights": "imagenet"}, "an encoder trained on ImageNet, images of the web under many terms"),
        ({"weights": "light"}, "the weights of `light`"),
        ({}, "not recorded"),
    ],
)
def test_the_card_says_what_the_training_started_from(
    contract: ModelContract, evaluation: dict[str, Any], weights: dict[str, str], told: str
) -> None:
    card = model_card(contract, evaluation, [{**MEASURED, **weights}, MEASURED])
    assert f"What its first run started from: {told}." in card
    *_, runs = tables(card)
    assert [run["started from"] for run in runs] == [told, "not recorded"]


def test_the_same_figures_give_the_same_card(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    first = model_card(contract, evaluation, [MEASURED])
    # The figures may come back from their file, too.
    second = model_card(contract.model_copy(), json.loads(json.dumps(evaluation)), [dict(MEASURED)])
    assert first == second


def test_a_model_of_unknown_making_has_a_card(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    *_, runs = tables(model_card(contract, evaluation, []))
    assert runs == []
