"""``vigibati export``: the verb that gives a model to other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.workflow.json_output import as_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(export)


def export(
    onnx: Annotated[Path, typer.Option("--onnx", help="ONNX file to write; NAME.stac.json lies beside it.")],
    checkpoint: options.Checkpoint = None,
    tile_px: Annotated[
        int, typer.Option("--tile-px", help="Side of the tiles that the file takes, a multiple of 32.")
    ] = 1024,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write a model as ONNX for the QGIS plugin Deepness, checked against the network, and a STAC item.

    Example: vigibati export --onnx buildings.onnx
    """
    progress = listener(silent=json or quiet)
    report = vigibati.export(onnx, checkpoint=checkpoint, tile_px=tile_px, progress=progress)
    if not quiet:
        typer.echo(as_json(report))
