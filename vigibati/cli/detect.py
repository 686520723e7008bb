"""``vigibati detect``: all stages in order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

import vigibati
from vigibati.cadastre.words import Language
from vigibati.cli import options
from vigibati.cli.adapt import show as show_adaptation
from vigibati.cli.progress import listener
from vigibati.configs.errors import SettingsError
from vigibati.workflow.json_output import as_json, three_digits


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(detect)


def detect(  # long: typer reads the options from the signature
    ortho: options.Ortho,
    records: options.Records,
    out: Annotated[Path, typer.Option("--out", help="GeoPackage of ranked cases to write.")],
    parcels: options.Parcels = None,
    zones: options.Zones = None,
    risk: options.Risk = None,
    protected: options.Protected = None,
    permits: options.Permits = None,
    vintage: options.Vintage = None,
    previous: options.Previous = None,
    budget: options.Budget = None,
    checkpoint: options.Checkpoint = None,
    device: options.Device = "auto",
    rules: options.Rules = "france",
    lang: options.Lang = "fr",
    crs: options.OrthoCrs = None,
    records_crs: options.RecordsCrs = None,
    records_format: options.RecordsFormat = None,
    records_mapping: options.RecordsMapping = None,
    bands: options.Bands = None,
    scale: options.Scale = None,
    adapt: Annotated[
        bool,
        typer.Option("--adapt", help="First adapt the model to the place, in the folder <out>_adapted."),
    ] = False,
    minutes: options.Minutes = None,
    dask: options.Dask = None,
    restart: options.Restart = False,
    retry_failed: options.RetryFailed = False,
    image_date: options.ImageDate = None,
    quicklook: Annotated[
        Path | None, typer.Option("--quicklook", help="Picture (PNG) of the result to write too.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Find buildings, compare them with the records, and list the cases to judge.

    Example:
    vigibati detect ortho.tif --records cadastre-13029-batiments.json.gz
    --parcels cadastre-13029-parcelles.json.gz --zones 13029_ZONE_URBA.shp --out cases.gpkg
    """
    report = vigibati.detect(
        ortho,
        records=records,
        out=out,
        parcels=parcels,
        context=vigibati.ContextPaths(zones or (), risk or (), protected or (), permits or (), previous),
        vintages=options.checked_vintages(vintage),
        budget=budget,
        checkpoint=checkpoint,
        image=vigibati.ImageOptions(crs, options.checked_bands(bands), scale),
        image_date=image_date,
        rules=rules,
        lang=cast("Language", lang),
        hints=options.records_hints(records_crs, records_format, records_mapping),
        run=vigibati.RunOptions(device, dask, restart, retry_failed),
        adaptation=_adaptation(adapt=adapt, minutes=minutes, device=device),
        quicklook_png=quicklook,
        command=options.typed(),
        progress=listener(silent=json or quiet),
    )
    if json:
        typer.echo(as_json(summary(report)))
    elif not quiet:
        _show(report)
    options.exit_if_partial(
        [*report.segmentation.failed, *(text for each in report.vintages.values() for text in each.failed)]
    )


def _adaptation(*, adapt: bool, minutes: float | None, device: str) -> vigibati.AdaptSettings | None:
    if not adapt and minutes is not None:
        raise SettingsError("--minutes", "is the time of an adaptation", "give --adapt too, or leave it out")
    return vigibati.AdaptSettings(minutes=minutes, device=device) if adapt else None


def summary(report: vigibati.DetectReport) -> dict[str, object]:
    """Return what a machine wants to know of a run, JSON-ready."""
    return {
        "out": report.out,
        "probabilities": report.probabilities,
        "run_id": report.run_id,
        "cases": {kind: int(count) for kind, count in report.cases["kind"].value_counts().items()},
        "adaptation": report.adaptation and report.adaptation.summary(),
        "segmentation": report.segmentation,
        "comparison": report.comparison,
        "budget": report.budget,
        "vintages": report.vintages,
        "offsets": report.offsets.drop(columns="geometry").to_dict(orient="records"),
        "energy": report.energy,
    }


def _show(report: vigibati.DetectReport) -> None:
    from vigibati.cli.case_summary import show_cases

    console = Console()
    if report.adaptation is not None:
        show_adaptation(console, report.adaptation)
    show_cases(
        console,
        report.cases,
        comparison=report.comparison,
        budget=report.budget,
        offsets=report.offsets,
    )
    for year in report.vintages:
        absent = int((report.cases["last_not_seen"] == year).sum())
        console.print(f"{absent} cases were last not seen in {year}")
    _show_effort(console, report)
    console.print(f"written: {report.out}, probabilities in {report.probabilities}")


def _show_effort(console: Console, report: vigibati.DetectReport) -> None:
    done = report.segmentation
    if done.skipped_share:
        console.print(
            f"{done.skipped_share:.0%} of the image was skipped: farther than 20 m from all parcels"
        )
    if done.gap_share:
        console.print(f"{done.gap_share:.1%} of the raster is covered by no file: unknown, not listed")
    if done.megapixels_now:
        speed = f"{done.mpx_per_s:.2f} Mpx/s, {three_digits(done.km2_per_h)} km²/h on {done.device}"
        shares = ", ".join(f"{stage} {s / done.seconds:.0%}" for stage, s in done.busy_s.items())
        console.print(f"{done.megapixels_now:.1f} Mpx at {speed} (busy: {shares})")
    else:
        console.print("segmented by an earlier run, whose probabilities were taken")
    if report.energy is None:
        console.print("energy: not measured (install vigibati[energy])")
        return
    wh = report.energy.kwh * 1000
    console.print(f"energy: {wh:.2f} Wh, {wh / done.area_km2:.1f} Wh/km² ({report.energy.method})")
