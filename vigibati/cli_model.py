"""``vigibati train | evaluate``: the verbs about models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vigibati import options
from vigibati.configs.files import whole_file
from vigibati.console import as_json, listener

Config = Annotated[Path, typer.Option("--config", help="Recipe (YAML) of the training.")]
Data = Annotated[list[Path], typer.Option("--data", help="Manifest of chips (CSV); may be repeated.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(train)
    app.command()(evaluate)


def train(
    config: Config,
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; call again to go on with it.")],
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", help="Checkpoint to start from; random weights if left out."),
    ] = None,
    device: options.Device = "auto",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that read chips.")] = 1,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model and write it as a checkpoint: OUT/checkpoint.

    Example: vigibati train --config configs/recipes/light.yaml --data chips.csv --out runs/light
    """
    from vigibati.configs.recipe import Recipe
    from vigibati.datasets.manifest import read_manifests
    from vigibati.inference.device import choose_device
    from vigibati.training.train import train as run

    checkpoint = run(
        Recipe.read(config),
        read_manifests(data),
        out,
        start_from=start_from,
        accelerator=choose_device(device).type,
        workers=workers,
        progress=listener(silent=json or quiet),
    )
    if not quiet:
        typer.echo(
            as_json({"checkpoint": checkpoint.folder, "weights_sha256": checkpoint.contract.weights_sha256})
        )


def evaluate(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", help="Folder of the checkpoint to measure.")],
    config: Config,
    data: Data,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure a checkpoint on validation chips; writes evaluation.json and MODEL_CARD.md beside it.

    Example:
    vigibati evaluate --checkpoint runs/light/checkpoint --config configs/recipes/light.yaml --data chips.csv
    """
    from vigibati.configs.recipe import Recipe
    from vigibati.datasets.manifest import read_manifests
    from vigibati.inference.checkpoint import load_checkpoint
    from vigibati.training.card import model_card
    from vigibati.training.evaluate import evaluate as run
    from vigibati.training.train import read_runs

    model = load_checkpoint(checkpoint)
    evaluation = run(
        model, Recipe.read(config), read_manifests(data), progress=listener(silent=json or quiet)
    )
    for name, text in (
        ("evaluation.json", as_json(evaluation)),
        ("MODEL_CARD.md", model_card(model.contract, evaluation, read_runs(checkpoint)).rstrip()),
    ):
        with whole_file(checkpoint / name) as part:
            part.write_text(text + "\n", encoding="utf-8")
    if not quiet:
        typer.echo(as_json(evaluation))
