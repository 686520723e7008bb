"""A picture of the result: cases and records on the image."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.words import TITLES, Language
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.datasets.pictures.quicklook import Outlines, quicklook

_NUMBERED = 20


def draw_cases(
    image: Orthophoto, cases: gpd.GeoDataFrame, records: gpd.GeoDataFrame, out: Path, lang: Language
) -> None:
    """Draw cases by kind over the records; the first twenty have their rank beside them.

    Args:
        image: The orthophoto.
        cases: Ranked cases.
        records: As they were moved onto the image.
        out: PNG to write.
        lang: Of the legend.

    Raises:
        OutputError: The picture cannot be written.
    """
    drawn = cases.to_crs(image.grid.crs)
    recorded = tuple(records.to_crs(image.grid.crs).geometry)
    layers = [Outlines(name=TITLES["records"].said_in(lang), colour="#ffd700", geometries=recorded)]
    for kind, spec in CASE_KIND_SPECS.items():
        of_kind = drawn[drawn["kind"] == kind]
        layers.append(
            Outlines(
                name=spec.label.said_in(lang),
                colour=spec.colour,
                geometries=tuple(of_kind.geometry),
                labels=tuple(str(number) if number <= _NUMBERED else "" for number in of_kind["rank"]),
            )
        )
    quicklook(image, layers, out)
