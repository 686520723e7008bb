"""``vigibati adapt``: a model for one's own territory, from its own records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.workflow.json_output import as_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(adapt)


def adapt(  # long: typer reads the options from the signature
    ortho: options.Ortho,
    records: options.Records,
    out: Annotated[Path, typer.Option("--out", help="Folder to fill; call again to go on with it.")],
    parcels: options.Parcels = None,
    previous: Annotated[
        Path | None,
        typer.Option("--previous", help="Cases that people decided: their decisions override the records."),
    ] = None,
    checkpoint: options.Checkpoint = None,
    folds: Annotated[
        int,
        typer.Option("--folds", min=2, help="Parts; each is seen by a model that learnt from the others."),
    ] = 4,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="How often models learn from what the last ones saw.")
    ] = 2,
    minutes: options.Minutes = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Settings of the adaptation (YAML) that differ.")
    ] = None,
    device: options.Device = "auto",
    rules: options.Rules = "france",
    crs: options.OrthoCrs = None,
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    bands: options.Bands = None,
    scale: options.Scale = None,
    restart: options.Restart = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Adapt the model to a territory: its records are the labels, and no place is judged by its own.

    Example: vigibati adapt ortho.tif --records cadastre-13029-batiments.json.gz --minutes 60 --out adapted
    """
    from vigibati.adaptation.adapt import foresee
    from vigibati.configs.adaptation import Adaptation

    learning = Adaptation() if config is None else Adaptation.read(config)
    settings = vigibati.AdaptSettings(folds, rounds, minutes, device, learning)
    hints = options.records_hints(records_crs, records_format, records_mapping)
    image = vigibati.ImageOptions(crs, options.checked_bands(bands), scale)
    if dry_run:
        seen = foresee(
            ortho,
            records=records,
            parcels=parcels,
            checkpoint=checkpoint,
            settings=settings,
            image=image,
            rules=rules,
            hints=hints,
        )
        typer.echo(as_json(seen))
        return
    report = vigibati.adapt(
        ortho,
        records=records,
        out=out,
        parcels=parcels,
        previous=previous,
        checkpoint=checkpoint,
        settings=settings,
        image=image,
        rules=rules,
        hints=hints,
        restart=restart,
        progress=listener(silent=json or quiet),
    )
    if json:
        typer.echo(as_json(report.summary()))
    elif not quiet:
        show(Console(), report)


def show(console: Console, report: vigibati.AdaptReport) -> None:
    """Print what an adaptation came to."""
    table = Table(title="Agreement with records and decisions, out of fold")
    for name in ("model", "IoU", "records seen", "beside records", "decisions kept"):
        table.add_column(name)
    for number, each in enumerate(report.agreement):
        table.add_row(
            f"round {number}" if number else "starting model",
            f"{each.iou:.3f}",
            f"{each.seen:.1%}",
            str(each.off_record),
            f"{each.decided_right} of {each.decided}",
        )
    console.print(table)
    for warning in report.warnings:
        console.print(f"take care: {warning}")
    if report.accepted:
        console.print(f"probabilities out of fold: {report.probabilities}")
        console.print(f"model for other places: {report.checkpoint}")
    else:
        console.print("refused: it agrees less than the starting model, which is gone on with")
        console.print("where neighbourhoods differ, more --folds let each model see all kinds of them")
    energy = "not measured" if report.energy is None else f"{1000 * report.energy.kwh:.1f} Wh"
    console.print(
        f"{report.steps} steps a training, {report.minutes:g} minutes in this call, energy: {energy}"
    )
