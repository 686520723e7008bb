"""``vigibati prepare``: tiles written anew once, so that every run reads them faster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.workflow.json_output import as_json


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(prepare)


def prepare(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="GeoTIFF or JPEG 2000 tiles, a folder of them, or a list (tiles.txt or @tiles).",
            metavar="SRC...",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to fill, with one COG for every tile.")],
    lossless: Annotated[
        bool,
        typer.Option("--lossless", help="Lose nothing: DEFLATE, not JPEG; many times the size."),
    ] = False,
    quality: Annotated[
        int, typer.Option("--quality", min=75, max=100, help="Quality of JPEG, for 8-bit colour images.")
    ] = 90,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Tiles worked on at once, each by a process of its own.")
    ] = 1,
    crs: options.OrthoCrs = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; say what is to be done, and sizes.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Turn tiles into cloud-optimised GeoTIFFs, once; JPEG 2000 is read five to ten times faster thereafter.

    Run it again to go on: finished tiles are kept. Then give the folder to detect or segment.

    Example: vigibati prepare BDORTHO/ --out prepared --workers 4
    """
    report = vigibati.prepare(
        sources,
        out=out,
        lossless=lossless,
        quality=quality,
        crs=crs,
        workers=workers,
        dry_run=dry_run,
        progress=listener(silent=json or quiet),
    )
    if not quiet:
        # Thousands of tiles are listed for whoever asks to see them.
        typer.echo(as_json(report if json or dry_run else replace(report, tiles=())))
    if report.failed:
        typer.echo(f"vigibati: tiles could not be prepared: {'; '.join(report.failed[:3])}", err=True)
        raise typer.Exit(options.PARTIAL)
