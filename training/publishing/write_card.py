"""What an evaluation leaves beside a checkpoint."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from vigibati.configs.atomic_files import whole_file
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.training.publishing.model_card import PRECISION_RECALL, RELIABILITY, model_card
from vigibati.training.publishing.plots import draw_precision_recall, draw_reliability
from vigibati.training.train import read_runs

_FLAT_LIST = re.compile(r"\[\s+([^\[\]{}]*?)\s+\]")


def write_report(
    checkpoint: Checkpoint, evaluation: Mapping[str, object], *, adapted: str | None = None
) -> None:
    """Write evaluation.json, MODEL_CARD.md and two pictures into the folder of a checkpoint.

    Args:
        checkpoint: What was measured.
        evaluation: Result of ``evaluate``.
        adapted: What is to be known of a model that ``adapt`` made; None of any other.

    Raises:
        OutputError: The folder cannot be written to.
    """
    folder = checkpoint.folder
    card = model_card(checkpoint.contract, evaluation, read_runs(folder), adapted=adapted)
    for name, text in (("evaluation.json", _compact(evaluation)), ("MODEL_CARD.md", card)):
        with whole_file(folder / name) as part:
            part.write_text(text, encoding="utf-8")
    draw_reliability(evaluation, folder / RELIABILITY)
    draw_precision_recall(evaluation, folder / PRECISION_RECALL)


def _compact(evaluation: Mapping[str, object]) -> str:
    """Return JSON with every list of numbers on one line."""
    text = json.dumps(evaluation, indent=1, ensure_ascii=False, allow_nan=False)
    return _FLAT_LIST.sub(lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", text) + "\n"
