"""Options that several verbs share, so that the same word means the same everywhere."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

import vigibati
from vigibati.configs.errors import SettingsError

_YEAR = re.compile("(19|20)[0-9]{2}")

PARTIAL = 3
"""Exit code of a run whose result is whole but for parts that could not be read."""

Ortho = Annotated[
    list[Path],
    typer.Argument(
        help="Orthophoto: GeoTIFF, COG or JPEG 2000; several tiles, a folder of them, or a list (tiles.txt "
        "or @tiles, one path a line). Where tiles overlap, the first lies on top.",
        metavar="ORTHO...",
    ),
]
Records = Annotated[
    Path,
    typer.Option(
        "--records",
        help="Cadastral records: Etalab batiments (.json.gz), an EDIGEO bundle (.tar.bz2), a folder of them, "
        "BD TOPO, INSPIRE, OpenStreetMap, or any polygon layer.",
    ),
]
Parcels = Annotated[
    Path | None,
    typer.Option("--parcels", help="Parcels, in the same formats; taken from --records where it holds them."),
]
Zones = Annotated[
    list[Path] | None, typer.Option("--zones", help="Planning zones (ZONE_URBA); may be repeated.")
]
Risk = Annotated[
    list[Path] | None, typer.Option("--risk", help="Zones of a risk plan (PPR, PPRT); may be repeated.")
]
Protected = Annotated[
    list[Path] | None,
    typer.Option(
        "--protected", help="Protected sectors (surroundings of monuments, sites); may be repeated."
    ),
]
Permits = Annotated[
    list[Path] | None,
    typer.Option("--permits", help="Permits by parcel, as CSV (Sitadel or the like); may be repeated."),
]
Previous = Annotated[
    Path | None,
    typer.Option(
        "--previous",
        help="Cases of an earlier run: what is found again keeps its number. Decisions are not carried over, "
        "but labels to learn from when a model is adapted.",
    ),
]
Budget = Annotated[
    int | None,
    typer.Option("--budget", metavar="N", help="How many cases can be looked at: the best N are marked."),
]
ImageDate = Annotated[
    str | None, typer.Option("--image-date", help="Date of the orthophoto, such as 2024-07-01.")
]
Vintage = Annotated[
    list[str] | None,
    typer.Option(
        "--vintage",
        metavar="YEAR=ORTHO",
        help="Older orthophoto (file, folder or list) and its year, to find since when a case is there; may "
        "be repeated.",
    ),
]
RecordsCrs = Annotated[
    str | None,
    typer.Option(
        "--records-crs", help="CRS of the records, such as EPSG:2154, in place of what the file says."
    ),
]
RecordsFormat = Annotated[
    str | None,
    typer.Option(
        "--records-format",
        help="Format of the records: bdtopo, edigeo, etalab, inspire, osm or vector; by its content if "
        "left out.",
    ),
]
RecordsMapping = Annotated[
    Path | None,
    typer.Option(
        "--records-mapping", help="YAML that says which column of a vector file of records means what."
    ),
]
OrthoCrs = Annotated[
    str | None,
    typer.Option("--crs", help="CRS of the orthophoto, such as EPSG:2154, where the file does not say it."),
]
Bands = Annotated[
    str | None,
    typer.Option(
        "--bands",
        help="Numbers of the bands that hold red, green, blue (or what the model wants), such as 1,2,3, "
        "where the file does not say it or says it wrongly.",
    ),
]
Scale = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--scale",
        metavar="LOW HIGH",
        help="Stored values that are black and white, for images of more than 8 bits.",
    ),
]
Checkpoint = Annotated[
    Path | None, typer.Option("--checkpoint", help="Folder of a checkpoint; the shipped one if left out.")
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto, cpu, cuda or openvino (to segment and detect); auto takes CUDA, else OpenVINO, "
        "else the CPU.",
    ),
]
Dask = Annotated[
    str | None,
    typer.Option("--dask", help="Share the work: tcp://HOST:PORT of a Dask scheduler, local or local:N."),
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", min=1, help="Time for the whole adaptation; 300 steps a training if left out."),
]
Restart = Annotated[bool, typer.Option("--restart", help="Begin anew; forget what an earlier run finished.")]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="Try again what an earlier run gave up after three attempts.")
]
Rules = Annotated[
    str,
    typer.Option(
        "--rules",
        help="Law of the country, with its territory: name of a preset, or path of a YAML file.",
    ),
]
Lang = Annotated[str, typer.Option("--lang", help="Language of reasons and forms: fr or en.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on stdout, and no progress.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print errors alone.")]


def records_hints(crs: str | None, source_format: str | None, mapping: Path | None) -> vigibati.RecordsHints:
    """Return what ``--records-crs``, ``--records-format`` and ``--records-mapping`` say of records.

    Raises:
        SettingsError: The format is unknown, or the mapping cannot be read.
    """
    return vigibati.RecordsHints.given(declared_crs=crs, source_format=source_format, mapping=mapping)


def typed() -> list[str]:
    """Return the command as it was typed, for the provenance."""
    return ["vigibati", *sys.argv[1:]]


def exit_if_partial(failed: Sequence[str]) -> None:
    """End the verb with the exit code of a partial result if there is anything that could not be read.

    Args:
        failed: Where and why, as the segmentation tells it.
    """
    if failed:
        typer.echo(
            f"vigibati: parts could not be read and count as no image: {'; '.join(failed[:3])}", err=True
        )
        raise typer.Exit(PARTIAL)


def checked_bands(bands: str | None) -> tuple[int, ...] | None:
    """Return the numbers of the bands that ``--bands`` gives.

    Raises:
        SettingsError: It is no list of numbers.
    """
    if bands is None:
        return None
    try:
        return tuple(int(number) for number in bands.split(","))
    except ValueError as error:
        cause = f"'{bands}' is no list of band numbers"
        raise SettingsError("--bands", cause, "give numbers with commas, such as 1,2,3") from error


def checked_vintages(vintages: Sequence[str] | None) -> dict[int, list[Path]]:
    """Return the orthophoto of each year that ``--vintage YEAR=ORTHO`` gives.

    Raises:
        SettingsError: It is not of that form, the year is none, or is given twice.
    """
    found: dict[int, list[Path]] = {}
    for text in vintages or ():
        year, equals, ortho = text.partition("=")
        if not equals or not ortho:
            raise SettingsError("--vintage", f"'{text}' is not YEAR=ORTHO", "write 2018=ortho_2018.tif")
        if not _YEAR.fullmatch(year):
            raise SettingsError("--vintage", f"'{year}' is no year", "write 2018=ortho_2018.tif")
        if int(year) in found:
            cause = f"the year {year} is given twice"
            raise SettingsError("--vintage", cause, "put its tiles into one folder and give that")
        found[int(year)] = [Path(ortho)]
    return found
