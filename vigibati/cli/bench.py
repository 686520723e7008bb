"""``vigibati bench withheld | planted``: the chain measured against what is known."""

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
    """Register the verbs."""
    bench = typer.Typer(help="Measure the whole chain against what is known.", no_args_is_help=True)
    bench.command()(withheld)
    bench.command()(planted)
    app.add_typer(bench, name="bench")


def withheld(  # long: typer reads the options from the signature
    records: options.Records,
    out: Annotated[Path, typer.Option("--out", help="Result (JSON) to write.")],
    ortho: Annotated[
        list[Path] | None,
        typer.Argument(help="Orthophoto, with --detections model alone.", metavar="[ORTHO...]"),
    ] = None,
    detections: Annotated[
        str,
        typer.Option(
            "--detections",
            help="model: segment the orthophoto. perfect, realistic: no image; footprints are made up from "
            "the records, of which houses are also cut and demolished before they are moved and bent.",
        ),
    ] = "model",
    fraction: Annotated[
        float | None, typer.Option("--fraction", min=0, max=1, help="Share of the buildings to withhold.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="Number of buildings to withhold.")
    ] = None,
    min_area_m2: Annotated[
        float, typer.Option("--min-area-m2", min=0, help="Withhold no smaller building.")
    ] = 0.0,
    shift_m: Annotated[
        list[float] | None,
        typer.Option("--shift-m", min=0, help="Move the other records; without an image, may be repeated."),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option("--seed", help="Of the draws (7); without an image, may be repeated.")
    ] = None,
    parcels: options.Parcels = None,
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    checkpoint: options.Checkpoint = None,
    device: options.Device = "auto",
    reviewed: Annotated[
        Path | None,
        typer.Option("--reviewed", help="CSV case_id,verdict,note of cases that a person looked at."),
    ] = None,
    crops: Annotated[
        Path | None, typer.Option("--crops", help="Folder for a picture of each doubtful case.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Withhold known buildings from the records and see which are listed.

    Example: vigibati bench withheld ortho.tif --records footprints.gpkg --fraction 0.2 --out result.json

    Without an image: vigibati bench withheld --records sheet.tar.bz2 --detections realistic --out result.json
    """
    result = vigibati.bench_withheld(
        ortho or (),
        records=records,
        out=out,
        detections=detections,
        fraction=fraction,
        count=count,
        min_area_m2=min_area_m2,
        shifts_m=shift_m or (0.0,),
        seeds=seed or (7,),
        parcels=parcels,
        hints=options.records_hints(records_crs, records_format, records_mapping),
        checkpoint=checkpoint,
        device=device,
        reviewed=reviewed,
        crops=crops,
        progress=listener(silent=json or quiet),
    )
    if not quiet:
        typer.echo(as_json(result if json else result["headline" if detections == "model" else "total"]))
    options.exit_if_partial(result.get("failed", ()))


def planted(
    cases: Annotated[Path, typer.Argument(help="GeoPackage of cases.")],
    truth: Annotated[Path, typer.Option("--truth", help="truth.gpkg of the synthetic commune.")],
    json: options.Json = False,
) -> None:
    """Score a case list against what was planted in a synthetic commune.

    Example: vigibati bench planted cases.gpkg --truth commune/truth.gpkg
    """
    score = vigibati.bench_planted(cases, truth=truth)
    if json:
        typer.echo(as_json(score))
    else:
        _show(score)


def _show(score: vigibati.Score) -> None:
    console = Console()
    recall = Table(title="What was planted")
    for name in ("planted", "size", "count", "listed", "listed as expected"):
        recall.add_column(name)
    for line in score.recall:
        recall.add_row(line.kind, line.size_band, str(line.count), str(line.found), str(line.same_kind))
    console.print(recall)
    precision = Table(title="What was listed")
    for name in ("kind of case", "listed", "on something planted", "expected by the list"):
        precision.add_column(name)
    for group in score.precision:
        precision.add_row(group.kind, str(group.count), str(group.right), f"{group.expected:.1f}")
    console.print(precision)
