"""Older orthophotos: segmented like the newest, and asked what stands inside the cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.configs.errors import RasterError, SettingsError
from vigibati.configs.paths import StrPaths, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.probabilities.zonal_mean import zonal_mean
from vigibati.inference.segmentation.report import SegmentReport
from vigibati.inference.segmentation.segment import segment
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.options import ImageOptions

_CLASS: Final = {
    kind: spec.class_name if spec.evidence == "footprint" else "" for kind, spec in CASE_KIND_SPECS.items()
}


@contextmanager
def open_vintages(
    vintages: Mapping[int, StrPaths],
    image: Orthophoto,
    model: Checkpoint,
    *,
    image_year: int | None,
    options: ImageOptions,
) -> Iterator[dict[int, Orthophoto]]:
    """Open older orthophotos, from old to new, for as long as the block lasts.

    Args:
        vintages: Files, folders or lists of each year.
        image: The orthophoto in which cases are looked for.
        model: That is to read them.
        image_year: Year of ``image``, where it is known.
        options: How they are read, as ``image`` was.

    Raises:
        SettingsError: A vintage is not older than the image.
        RasterError: A vintage cannot be used, or shows nothing of the place.
    """
    with ExitStack() as stack:
        opened = {}
        for year, paths in sorted(vintages.items()):
            if image_year is not None and year >= image_year:
                cause = f"is not older than the image of {image_year}"
                raise SettingsError(f"--vintage {year}", cause, "give orthophotos from before it")
            contract = model.contract
            older = open_ortho(
                as_paths(paths),
                gsd_m=contract.gsd_m,
                crs=options.crs,
                bands=contract.bands,
                band_order=options.bands,
                scale=options.scale,
            )
            opened[year] = stack.enter_context(older)
            _check_place(year, older, image)
        yield opened


def segment_vintages(
    vintages: Mapping[int, Orthophoto],
    model: Checkpoint,
    out: Path,
    settings: SegmentSettings,
    *,
    area_crs: pyproj.CRS,
    progress: Progress = SILENT,
) -> dict[int, tuple[Path, SegmentReport]]:
    """Segment older orthophotos; each raster of probabilities is kept as ``<name>_<year>.tif``.

    Args:
        vintages: From `open_vintages`.
        model: The network and its contract.
        out: Raster of the newest image, after which the others are named.
        settings: How that was segmented.
        area_crs: CRS of ``settings.area``.
        progress: Listener.
    """
    done = {}
    for year, ortho in vintages.items():
        area = settings.area
        if area is not None:
            area = gpd.GeoSeries(area, crs=area_crs).to_crs(ortho.grid.crs).to_numpy()
        path = out.with_name(f"{out.stem}_{year}.tif")
        of_year = replace(settings, area=area, traced=False)
        done[year] = (path, segment(ortho, model, path, of_year, progress=progress).report)
    return done


def presence(cases: gpd.GeoDataFrame, probabilities: Mapping[int, Path]) -> pd.DataFrame:
    """Return per case and year the mean probability inside its outline; NaN where nothing is known.

    Args:
        cases: With ``kind``; a record that is not seen has no class and stays unknown.
        probabilities: Raster of each year.
    """
    classes = cases["kind"].map(_CLASS).tolist()
    found = {year: zonal_mean(path, cases.geometry, classes) for year, path in probabilities.items()}
    return pd.DataFrame(found, index=cases.index)


def _check_place(year: int, older: Orthophoto, image: Orthophoto) -> None:
    to_older = pyproj.Transformer.from_crs(image.grid.crs, older.grid.crs, always_xy=True)
    place = shapely.box(*to_older.transform_bounds(*image.grid.bounds))
    if not place.intersects(shapely.box(*older.grid.bounds)):
        west, south, east, north = older.grid.bounds
        extent = f"x {west:.0f} to {east:.0f} y {south:.0f} to {north:.0f}"
        cause = f"shows nothing of the image's place ({extent} in {older.grid.crs.name})"
        raise RasterError(f"--vintage {year}", cause, "give an older orthophoto of the same place")
