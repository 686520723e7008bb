from __future__ import annotations

import json
from typing import Any

import pytest

from vigibati.configs.contract import ModelContract, TrainingSource
from vigibati.configs.sources import source_credits
from vigibati.training.card import model_card

Table = list[dict[str, str]]


def figures(iou: float | None, truth: int) -> dict[str, Any]:
    pixels = {"iou": iou, "precision": 0.25, "recall": 0.125, "f1": None, "false_positive_share": 0.01}
    objects = {"truth": truth, "found": 40, "recall": 0.75, "precision": 0.5, "f1": 0.6, "bands": []}
    return {"pixels": pixels, "objects": objects}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    return {
        "checkpoint": "light",
        "weights_sha256": "a" * 64,
        "data_sha256": "b" * 64,
        "split": "val",
        "thresholds": {"building": 0.5, "pool": 0.4},
        "sources": {
            "barnarp": {"chips": 11, "gsd_m": 0.2, "classes": {"building": figures(0.812, 70)}},
            "synthetic": {
                "chips": 12,
                "gsd_m": 0.2,
                "classes": {"building": figures(0.9, 71), "pool": figures(None, 0)},
            },
        },
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
    pixels, objects, *_ = tables(model_card(contract, evaluation, [UNMEASURED]))
    measured = [
        (source, str(of["chips"]), name, values)
        for source, of in evaluation["sources"].items()
        for name, values in of["classes"].items()
    ]
    assert len(pixels) == len(objects) == 3
    for (source, chips, name, values), pixel, whole in zip(measured, pixels, objects, strict=True):
        assert (pixel["validation source"], pixel["class"], pixel["chips"]) == (source, name, chips)
        for key, column in (("iou", "IoU"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
            assert pixel[column] == shown(values["pixels"][key])
        assert (whole["validation source"], whole["class"]) == (source, name)
        assert (whole["true objects"], whole["found"]) == (str(values["objects"]["truth"]), "40")
        for key, column in (("recall", "recall"), ("precision", "precision"), ("f1", "F1")):
            assert whole[column] == shown(values["objects"][key])


def test_every_source_is_credited(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    _, _, sources, _ = tables(model_card(contract, evaluation, [UNMEASURED]))
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


def test_the_same_figures_give_the_same_card(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    first = model_card(contract, evaluation, [MEASURED])
    # The figures may come back from their file, too.
    second = model_card(contract.model_copy(), json.loads(json.dumps(evaluation)), [dict(MEASURED)])
    assert first == second


def test_a_model_of_unknown_making_has_a_card(contract: ModelContract, evaluation: dict[str, Any]) -> None:
    *_, runs = tables(model_card(contract, evaluation, []))
    assert runs == []
