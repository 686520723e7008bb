"""Results of units on the disk: probabilities as a raster, outlines as a table, each whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import OutputError
from vigibati.datasets.encoding import NO_IMAGE
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.orthophoto.atomic_raster import whole_raster
from vigibati.inference.probabilities.strip_masks import Strip, near_no_image, threshold_mask
from vigibati.inference.segmentation.tiling import BLOCK_PX, Unit
from vigibati.inference.vectorisation.components import Components, trace

_STRIP_ROWS = 256
_COLUMNS = ("row", "col", "pixels", "total", "at_edge")


@dataclass(frozen=True, slots=True, eq=False)
class UnitResult:
    """What was computed for a unit.

    Attributes:
        planes: (classes, H, W), 0-254 for probabilities 0-1, 255 for no image.
        no_image: (H + 2, W + 2), True where the unit or the pixels around it show nothing.
        report: What is to be known of it, ready for JSON.
    """

    planes: NDArray[np.uint8]
    no_image: NDArray[np.bool_]
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """The results of a run.

    Attributes:
        folder: Where they lie.
        grid: Grid of the whole raster.
        class_names: In the order of the planes.
        thresholds: Probability from which on each class is outlined; None where nothing is outlined.
    """

    folder: Path
    grid: PixelGrid
    class_names: tuple[str, ...]
    thresholds: tuple[float, ...] | None

    def raster(self, unit: Unit) -> Path:
        """Return where the probabilities of a unit lie."""
        return self.folder / f"{unit.number:06d}.tif"

    def table(self, unit: Unit) -> Path:
        """Return where the outlines of a unit lie."""
        return self.folder / f"{unit.number:06d}.parquet"

    def complete(self, unit: Unit) -> bool:
        """Tell whether everything of a unit is on the disk."""
        return self.raster(unit).is_file() and (self.thresholds is None or self.table(unit).is_file())

    def write(self, unit: Unit, result: UnitResult) -> dict[str, Any]:
        """Write the result of a unit and return its report, with the seconds that it took.

        Raises:
            OutputError: There is no room, or the folder cannot be written to.
        """
        started = time.perf_counter()
        try:
            with whole_raster(self.raster(unit)) as part:
                self._write_raster(part, unit, result.planes)
            written = time.perf_counter()
            outlines = 0
            if self.thresholds is not None:
                traced = self._trace(unit, result)
                outlines = sum(len(components) for components in traced)
                with whole_file(self.table(unit)) as part:
                    self._frame(traced).to_parquet(part)
        except OSError as error:
            raise OutputError(
                self.folder, f"cannot be written to ({error})", "see that the disk has room, and run again"
            ) from error
        seconds = {"write_s": written - started, "vectorise_s": time.perf_counter() - written}
        return {**result.report, "outlines": outlines, **seconds}

    def components(self, unit: Unit) -> dict[str, Components]:
        """Return the outlines of a unit by class, those cut by its edges included."""
        table = gpd.read_parquet(self.table(unit))
        return {
            name: Components(
                outlines=own.geometry.to_numpy(), **{column: own[column].to_numpy() for column in _COLUMNS}
            )
            for name in self.class_names
            for own in [table[table["kind"] == name]]
        }

    def _write_raster(self, path: Path, unit: Unit, planes: NDArray[np.uint8]) -> None:
        window = unit.window
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            width=window.width,
            height=window.height,
            count=len(planes),
            dtype="uint8",
            nodata=NO_IMAGE,
            crs=self.grid.crs.to_wkt(),
            transform=self.grid.part(window).transform,
            tiled=True,
            blockxsize=BLOCK_PX,
            blockysize=BLOCK_PX,
            interleave="band",
            compress="deflate",
            zlevel=1,
            sparse_ok=True,
            photometric="minisblack",
        ) as target:
            target.write(planes)

    def _trace(self, unit: Unit, result: UnitResult) -> list[Components]:
        return [
            Components.concatenate(trace(_strips(unit, plane, result.no_image, threshold)))
            for plane, threshold in zip(result.planes, self.thresholds or (), strict=True)
        ]

    def _frame(self, traced: Sequence[Components]) -> gpd.GeoDataFrame:
        frames = [
            gpd.GeoDataFrame(
                {"kind": name, **{column: getattr(each, column) for column in _COLUMNS}},
                geometry=each.outlines,
            )
            for name, each in zip(self.class_names, traced, strict=True)
        ]
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True))


def _strips(
    unit: Unit, plane: NDArray[np.uint8], no_image: NDArray[np.bool_], threshold: float
) -> Iterator[Strip]:
    """Cut what is traced of a unit into low strips: together they would be several times its size."""
    for row in range(0, len(plane), _STRIP_ROWS):
        values = plane[row : row + _STRIP_ROWS]
        edge = near_no_image(no_image[row : row + _STRIP_ROWS + 2])
        yield Strip(unit.window.row + row, threshold_mask(values, threshold), values, edge, unit.window.col)
