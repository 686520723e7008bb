"""What several verbs are told in the same words: about the image, the context and the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

from vigibati.cadastre.words import Language
from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath, StrPaths, as_path, as_paths


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How the files of an orthophoto are read where they do not say it themselves, or say it wrongly.

    Attributes:
        crs: CRS of files that state none, such as "EPSG:2154".
        bands: Numbers of the bands to read as red, green and blue (or what the model wants), from 1; as
            the files name them when None.
        scale: Values that become 0 and 255 in images of more than 8 bits.
    """

    crs: str | None = None
    bands: tuple[int, ...] | None = None
    scale: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ContextPaths:
    """Files about the places of the cases, beside the cadastre; all of one kind are used together.

    Attributes:
        zones: Planning zones (ZONE_URBA).
        risk: Zones of risk plans (PPR, PPRT).
        protected: Protected sectors.
        permits: CSV lists of permits by parcel.
        previous: Cases of an earlier run, which keep their numbers.
    """

    zones: StrPaths = ()
    risk: StrPaths = ()
    protected: StrPaths = ()
    permits: StrPaths = ()
    previous: StrPath | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file."""
        earlier = as_path(self.previous)
        given = (self.zones, self.risk, self.protected, self.permits, () if earlier is None else earlier)
        return tuple(path for paths in given for path in as_paths(paths))


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where the work is done, and what of an earlier call is taken.

    Attributes:
        device: auto, cpu, cuda or openvino.
        dask: Address of a Dask scheduler, or "local" or "local:N"; this process alone when None.
        restart: Whether what an earlier call left behind is thrown away.
        retry_failed: Whether parts that an earlier call gave up are tried again.
    """

    device: str = "auto"
    dask: str | None = None
    restart: bool = False
    retry_failed: bool = False


def image_year(image_date: str | None) -> int | None:
    """Return the year of an image from its date, ISO; None where that is not known.

    Raises:
        SettingsError: It is no date.
    """
    if image_date is None:
        return None
    try:
        return date.fromisoformat(image_date).year
    except ValueError as error:
        raise SettingsError("--image-date", f"'{image_date}' is no date", "write it as 2024-07-01") from error


def check_listing(budget: int | None, lang: str) -> None:
    """Refuse a number of cases that can be looked at, or a language of the list, if it is none.

    Raises:
        SettingsError: The number is less than one, or the language is not one of ``Language``.
    """
    if budget is not None and budget < 1:
        raise SettingsError("--budget", f"{budget} is no number of cases", "give 1 or more")
    if lang not in get_args(Language):
        raise SettingsError("--lang", f"'{lang}' is unknown", f"use {' or '.join(get_args(Language))}")
