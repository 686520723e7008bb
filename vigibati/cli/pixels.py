"""``vigibati synth | vectorise``: the other verbs about pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.configs.errors import SettingsError
from vigibati.workflow.json_output import as_json


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(synth)
    app.command()(vectorise)


def synth(
    out: Annotated[Path, typer.Option("--out", help="Folder to fill.")],
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same commune.")] = 7,
    size_km: Annotated[float, typer.Option("--size-km", help="Side of the square commune, 0.2 to 20.")] = 1.0,
    ground_plan: Annotated[
        Path | None,
        typer.Option(
            "--ground-plan", help="Draw the buildings, pools and parcels of these real records instead."
        ),
    ] = None,
    chips: Annotated[
        int | None,
        typer.Option("--chips", min=1, help="Make this many labelled training chips instead of a commune."),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Render a made-up commune: orthophotos, cadastre, zones, and the truth about what is undeclared.

    Example: vigibati synth --seed 7 --size-km 1 --out commune
    """
    if ground_plan is not None and chips is not None:
        raise SettingsError("--chips", "does not go with --ground-plan", "leave one of them out")
    progress = listener(silent=json or quiet)
    if chips is not None:
        made = vigibati.synth_chips(seed=seed, count=chips, out=out, progress=progress)
        report: object = {"manifest": made}
    else:
        report = vigibati.synth(out, seed=seed, size_km=size_km, ground_plan=ground_plan, progress=progress)
    if not quiet:
        typer.echo(as_json(report))


def vectorise(
    probabilities: Annotated[Path, typer.Argument(help="Probability raster made by vigibati segment.")],
    out: Annotated[Path, typer.Option("--out", help="GeoPackage of footprints to write.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            min=0.01,
            max=0.99,
            help="Probability from which a pixel is a building; the model's own if left out.",
        ),
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Outline what a probability raster shows.

    Example: vigibati vectorise probabilities.tif --out footprints.gpkg
    """
    thresholds = None if threshold is None else {"building": threshold}
    progress = listener(silent=json or quiet)
    table = vigibati.vectorise(probabilities, out=out, thresholds=thresholds, progress=progress)
    if not quiet:
        typer.echo(as_json({"out": out, "footprints": len(table)}))
