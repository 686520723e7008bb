"""``vigibati chips``: training chips from one's own orthophoto and footprints, or from FLAIR."""

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
    """Register the verb."""
    app.command()(chips)


def chips(  # long: typer reads the options from the signature
    out: Annotated[Path, typer.Option("--out", help="Folder to fill: chips.csv, images, masks.")],
    ortho: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Orthophoto: one GeoTIFF, COG or JPEG 2000, or several tiles.", metavar="ORTHO..."
        ),
    ] = None,
    footprints: Annotated[
        list[Path] | None,
        typer.Option(
            "--footprints",
            help="Outlines of what stands there: a polygon layer or cadastral records; may be repeated.",
        ),
    ] = None,
    class_names: Annotated[
        list[str] | None,
        typer.Option("--class", help="Class of each --footprints, in the same order; building if left out."),
    ] = None,
    flair: Annotated[
        Path | None, typer.Option("--flair", help="Folder of IGN's FLAIR or FLAIR-HUB to convert instead.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Name of the place for recipes; own, or flair.")
    ] = None,
    gsd_m: Annotated[
        float | None,
        typer.Option("--gsd-m", min=0.01, help="Metres per pixel of the chips; the image's if left out."),
    ] = None,
    chip_px: Annotated[int, typer.Option("--chip-px", min=64, help="Side of a chip in pixels.")] = 512,
    block_chips: Annotated[
        int, typer.Option("--block-chips", min=1, help="Side in chips of the blocks that are split.")
    ] = 4,
    val_share: Annotated[
        float, typer.Option("--val-share", min=0.01, max=0.9, help="Share of chips to measure on.")
    ] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="Decides which blocks are measured on.")] = 7,
    whole_image: Annotated[
        bool,
        typer.Option("--whole-image", help="The footprints are complete all over the image."),
    ] = False,
    crs: options.OrthoCrs = None,
    bands: options.Bands = None,
    scale: options.Scale = None,
    records_crs: options.RecordsCrs = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what a FLAIR folder holds, and write nothing.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Cut labelled training chips, split by place, with a manifest for vigibati train.

    Example: vigibati chips ortho.tif --footprints cadastre/ --out chips
    """
    progress = listener(silent=json or quiet)
    if flair is not None:
        if ortho or footprints:
            raise SettingsError("--flair", "does not go with an orthophoto or --footprints", "leave one out")
        report: object = vigibati.flair_chips(
            flair,
            out,
            source=source or "flair",
            val_share=val_share,
            seed=seed,
            dry_run=dry_run,
            progress=progress,
        )
    elif dry_run:
        raise SettingsError("--dry-run", "goes with --flair alone", "leave it out")
    else:
        report = vigibati.chips(
            ortho or (),
            footprints=footprints or (),
            out=out,
            class_names=class_names or ["building"],
            gsd_m=gsd_m,
            cutting=vigibati.Cutting(source or "own", chip_px, block_chips, val_share, seed),
            whole_image=whole_image,
            image=vigibati.ImageOptions(crs, options.checked_bands(bands), scale),
            records_crs=records_crs,
            progress=progress,
        )
    if not quiet:
        typer.echo(as_json(report))
