"""``vigibati train | calibrate | evaluate``: the verbs about models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.workflow.json_output import as_json

Config = Annotated[Path, typer.Option("--config", help="Recipe (YAML) of the training.")]
Data = Annotated[list[Path], typer.Option("--data", help="Manifest of chips (CSV); may be repeated.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(train)
    app.command()(calibrate)
    app.command()(evaluate)


def train(
    config: Config,
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Folder of the run; call again to go on with it.")],
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", help="Checkpoint to start from, in place of what the recipe says."),
    ] = None,
    device: options.Device = "auto",
    devices: Annotated[
        int, typer.Option("--devices", min=1, help="How many of them train together, one process each.")
    ] = 1,
    workers: Annotated[
        int, typer.Option("--workers", min=0, help="Processes that read chips, for each device.")
    ] = 1,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model and write it as a checkpoint: OUT/checkpoint.

    Example: vigibati train --config configs/recipes/light.yaml --data chips.csv --out runs/light
    """
    # The helpers of a run on several devices are started with the same command; one speaks for all.
    quiet = quiet or os.environ.get("LOCAL_RANK", "0") != "0"
    checkpoint = vigibati.train(
        config,
        data=data,
        out=out,
        start_from=start_from,
        device=device,
        devices=devices,
        workers=workers,
        progress=listener(silent=json or quiet),
    )
    if not quiet:
        typer.echo(
            as_json({"checkpoint": checkpoint.folder, "weights_sha256": checkpoint.contract.weights_sha256})
        )


def calibrate(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", help="Folder of the checkpoint to calibrate.")],
    config: Config,
    data: Data,
    device: options.Device = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit on one half of the validation chips what makes probabilities come true; changes contract.json.

    Example:
    vigibati calibrate --checkpoint runs/light/checkpoint --config configs/recipes/light.yaml --data chips.csv
    """
    progress = listener(silent=json or quiet)
    fit = vigibati.calibrate(checkpoint, config=config, data=data, device=device, progress=progress)
    if not quiet:
        typer.echo(as_json(fit))


def evaluate(
    checkpoint: Annotated[Path, typer.Option("--checkpoint", help="Folder of the checkpoint to measure.")],
    config: Config,
    data: Data,
    device: options.Device = "auto",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure a checkpoint on validation chips; writes evaluation.json, MODEL_CARD.md and pictures beside it.

    Example:
    vigibati evaluate --checkpoint runs/light/checkpoint --config configs/recipes/light.yaml --data chips.csv
    """
    progress = listener(silent=json or quiet)
    evaluation = vigibati.evaluate(checkpoint, config=config, data=data, device=device, progress=progress)
    if not quiet:
        typer.echo(as_json(evaluation))
