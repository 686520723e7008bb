"""``vigibati register | compare | records``: the verbs about records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

import vigibati
from vigibati.cadastre.words import Language
from vigibati.cli import options
from vigibati.workflow.json_output import as_json

Footprints = Annotated[Path, typer.Argument(help="Footprints made by vigibati vectorise.")]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(register)
    app.command()(compare)
    records = typer.Typer(help="Look at cadastral records.", no_args_is_help=True)
    records.command()(info)
    app.add_typer(records, name="records")


def register(
    footprints: Footprints,
    records: options.Records,
    out: Annotated[Path, typer.Option("--out", help="GeoPackage of offsets to write.")],
    parcels: options.Parcels = None,
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    rules: options.Rules = "france",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Estimate how far the records of each sheet lie off the image.

    Example: vigibati register footprints.gpkg --records cadastre-13029-batiments.json.gz --out offsets.gpkg
    """
    offsets = vigibati.register(
        footprints,
        records=records,
        out=out,
        parcels=parcels,
        rules=rules,
        hints=options.records_hints(records_crs, records_format, records_mapping),
    )
    if not quiet or json:
        typer.echo(as_json(offsets.table.drop(columns="geometry").to_dict(orient="records")))


def compare(  # long: typer reads the options from the signature
    footprints: Footprints,
    records: options.Records,
    out: Annotated[Path, typer.Option("--out", help="GeoPackage of ranked cases to write.")],
    parcels: options.Parcels = None,
    zones: options.Zones = None,
    offsets: Annotated[
        Path | None,
        typer.Option("--offsets", help="Offsets made by vigibati register; estimated anew if left out."),
    ] = None,
    risk: options.Risk = None,
    protected: options.Protected = None,
    permits: options.Permits = None,
    previous: options.Previous = None,
    budget: options.Budget = None,
    image_date: options.ImageDate = None,
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    rules: options.Rules = "france",
    lang: options.Lang = "fr",
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Compare footprints with records, without a model and without the image.

    Example: vigibati compare footprints.gpkg --records cadastre-13029-batiments.json.gz --out cases.gpkg
    """
    from vigibati.cli.case_summary import show_cases

    report = vigibati.compare(
        footprints,
        records=records,
        out=out,
        parcels=parcels,
        context=vigibati.ContextPaths(zones or (), risk or (), protected or (), permits or (), previous),
        offsets=offsets,
        budget=budget,
        image_date=image_date,
        rules=rules,
        lang=cast("Language", lang),
        hints=options.records_hints(records_crs, records_format, records_mapping),
        command=options.typed(),
    )
    if json:
        names = ("out", "run_id", "comparison", "budget")
        typer.echo(as_json({name: getattr(report, name) for name in names}))
    elif not quiet:
        console = Console()
        show_cases(
            console,
            report.cases,
            comparison=report.comparison,
            budget=report.budget,
            offsets=report.offsets,
        )
        console.print(f"written: {out}")


def info(
    path: Annotated[Path, typer.Argument(help="Records in any format that is read.")],
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    json: options.Json = False,
) -> None:
    """Print what was understood of a records file.

    Example: vigibati records info edigeo-130290000A01.tar.bz2
    """
    hints = options.records_hints(records_crs, records_format, records_mapping)
    report = vigibati.records_info(path, hints=hints)
    typer.echo(as_json(report) if json else "\n".join(_spoken(report)))


def _spoken(report: Mapping[str, object]) -> Iterator[str]:
    """Say a report line by line; what is listed one a line goes under its heading."""
    for key, value in report.items():
        if isinstance(value, Mapping):
            yield f"{key}: {', '.join(f'{count} {name}' for name, count in value.items())}"
        elif isinstance(value, list) and key in {"sheets", "repairs"}:
            yield from (f"{key}: {len(value) or 'none'}", *(f"  {line}" for line in value))
        elif isinstance(value, list):
            yield f"{key}: {', '.join(map(str, value))}"
        else:
            yield f"{key}: {'none' if value is None else value}"
