"""``vigibati register | compare | records``: the verbs about records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    from vigibati.cadastre.readers.hints import RecordsHints
    from vigibati.cadastre.registration.offsets_io import write_offsets
    from vigibati.cadastre.registration.register import register as run
    from vigibati.configs.rules import load_rules
    from vigibati.workflow.inputs import check_same_place, read_cadastral_inputs, read_footprints
    from vigibati.workflow.layer_files import check_layer_place

    check_layer_place(out, layer="offsets")
    found = read_footprints(footprints)
    hints = RecordsHints.given(
        declared_crs=records_crs, source_format=records_format, mapping=records_mapping
    )
    inputs = read_cadastral_inputs(records=records, parcels=parcels, crs=found.crs, hints=hints)
    check_same_place(found, inputs, records)
    offsets = run(found, inputs.records, rules=load_rules(name=rules))
    write_offsets(offsets, out)
    if not quiet or json:
        typer.echo(as_json(offsets.table.drop(columns="geometry").to_dict(orient="records")))


def compare(
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
    from vigibati.cadastre.cases.budget import budget_report
    from vigibati.cadastre.cases.decisions import refuse_to_lose_decisions
    from vigibati.cadastre.publishing.geopackage import publish
    from vigibati.cadastre.readers.hints import RecordsHints
    from vigibati.cadastre.registration.offsets_io import read_offsets
    from vigibati.cli.case_summary import show_cases
    from vigibati.configs.atomic_files import check_geopackage
    from vigibati.configs.rules import load_rules
    from vigibati.workflow.cases import make_cases
    from vigibati.workflow.inputs import (
        check_same_place,
        read_cadastral_inputs,
        read_footprints,
        tell_of_earlier_decisions,
    )
    from vigibati.workflow.options import ContextPaths

    wanted = options.checked_budget(budget)
    found = read_footprints(footprints)
    check_geopackage(out)
    refuse_to_lose_decisions(out)
    language = options.checked_lang(lang)
    hints = RecordsHints.given(
        declared_crs=records_crs, source_format=records_format, mapping=records_mapping
    )
    context = ContextPaths(zones or (), risk or (), protected or (), permits or (), previous)
    inputs = read_cadastral_inputs(
        records=records, parcels=parcels, crs=found.crs, hints=hints, context=context
    )
    check_same_place(found, inputs, records)
    tell_of_earlier_decisions(inputs, previous)
    known = None if offsets is None else read_offsets(offsets)
    listed = make_cases(
        found, inputs, rules=load_rules(name=rules), lang=language, offsets=known, budget=wanted
    )
    bought = budget_report(listed.cases, wanted)
    publish(
        out,
        cases=listed.cases,
        footprints=found,
        records=listed.records,
        parcels=listed.parcels,
        provenance={"comparison": asdict(listed.report), "budget": asdict(bought)},
        lang=language,
    )
    if json:
        typer.echo(as_json({"out": out, "comparison": listed.report, "budget": bought}))
    elif not quiet:
        console, offsets_of = Console(), listed.offsets.table
        show_cases(console, listed.cases, comparison=listed.report, budget=bought, offsets=offsets_of)
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
    from vigibati.cadastre.readers import read_records
    from vigibati.cadastre.readers.hints import RecordsHints
    from vigibati.cadastre.readers.summary import describe_records

    hints = RecordsHints.given(
        declared_crs=records_crs, source_format=records_format, mapping=records_mapping
    )
    report = describe_records(read_records(path, hints=hints))
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
