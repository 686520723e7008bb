"""``vigibati segment | merge``: from an orthophoto to a probability raster, on one machine or many."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.cli import options
from vigibati.cli.progress import listener
from vigibati.configs.errors import SettingsError
from vigibati.workflow.json_output import as_json

_SHARD = re.compile(r"(\d+)/(\d+)")

Footprints = Annotated[
    Path | None,
    typer.Option("--footprints", help="GeoPackage of footprints to write as well, traced in the same pass."),
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command()(segment)
    app.command()(merge)


def segment(  # long: typer reads the options from the signature
    ortho: options.Ortho,
    out: Annotated[Path, typer.Option("--out", help="Probability raster (COG) to write.")],
    footprints: Footprints = None,
    only: Annotated[
        Path | None,
        typer.Option("--only", help="Layer of polygons, such as parcels: what is far from all is skipped."),
    ] = None,
    checkpoint: options.Checkpoint = None,
    device: options.Device = "auto",
    crs: options.OrthoCrs = None,
    bands: options.Bands = None,
    scale: options.Scale = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="Work on share I of N alone, such as 3/8; vigibati merge follows."),
    ] = None,
    dask: options.Dask = None,
    restart: options.Restart = False,
    retry_failed: options.RetryFailed = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and what is done already; do nothing.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write the probability of every class for every pixel: 0-254 = probability, 255 = no image.

    The same command goes on where an earlier one was stopped.

    Example: vigibati segment bdortho/ --out probabilities.tif --footprints footprints.gpkg
    """
    from vigibati.workflow.segment import plan_segment

    image = vigibati.ImageOptions(crs, options.checked_bands(bands), scale)
    run = vigibati.RunOptions(device=device, dask=dask, restart=restart, retry_failed=retry_failed)
    share = None if shard is None else _shard(shard)
    if dry_run:
        plan = plan_segment(
            ortho,
            out=out,
            footprints=footprints,
            only=only,
            checkpoint=checkpoint,
            image=image,
            run=run,
            shard=share,
        )
        typer.echo(as_json(plan))
        return
    done = vigibati.segment(
        ortho,
        out=out,
        footprints=footprints,
        only=only,
        checkpoint=checkpoint,
        image=image,
        run=run,
        shard=share,
        progress=listener(silent=json or quiet),
    )
    _end(done, quiet=quiet)


def merge(
    out: Annotated[Path, typer.Argument(help="Probability raster that the shards were begun for.")],
    footprints: Footprints = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Put together what the shards of a segmentation finished.

    Footprints are there for the asking if the shards were given --footprints too; otherwise
    vigibati vectorise makes them.

    Example: vigibati merge probabilities.tif --footprints footprints.gpkg
    """
    progress = listener(silent=json or quiet)
    _end(vigibati.merge(out, footprints=footprints, progress=progress), quiet=quiet)


def _shard(text: str) -> vigibati.Shard:
    if (match := _SHARD.fullmatch(text)) is None:
        raise SettingsError("--shard", f"'{text}' is no share", "give number and count, such as 3/8")
    return vigibati.Shard(int(match.group(1)), int(match.group(2)))


def _end(done: vigibati.SegmentResult, *, quiet: bool) -> None:
    from vigibati.workflow.segmentation_cost import account

    if not quiet:
        typer.echo(as_json({**asdict(done.report), **account(done.report, done.energy)}))
    options.exit_if_partial(done.report.failed)
