"""What a run of the segmentation does, in a file that every process of it reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from affine import Affine
from pydantic import Field
from pyproj import CRS

from vigibati.configs.contract import ModelContract
from vigibati.configs.schema import Schema
from vigibati.datasets.grid import PixelGrid
from vigibati.inference.fingerprints import fingerprint
from vigibati.inference.segmentation.tiling import Layout

# What nothing of is left when a raster is finished.
_PASSING = ("cut", "wish for footprints")


class Images(Schema):
    """How an orthophoto is opened, so that another process opens the same one."""

    paths: tuple[Path, ...] = Field(min_length=1, description="Files, the first on top.")
    gsd_m: float = Field(gt=0, description="Metres on the ground per pixel that are wanted.")
    crs: str | None = Field(description="CRS of files that carry none.")
    band_order: tuple[int, ...] | None = Field(
        description="Bands to read, from 1; None = as files name them."
    )
    scale: tuple[float, float] | None = Field(description="Values that become 0 and 255; None = 8 bits.")


class Job(Schema):
    """What a run does, so that every process that takes part does the same."""

    job_version: Literal[1] = 1
    fingerprints: dict[str, str] = Field(description="Of all that the result depends on, part by part.")
    images: Images
    checkpoint: Path = Field(description="Folder of the checkpoint.")
    contract: ModelContract
    device: str = Field(description="Where the network runs, as it was asked for.")
    engine: str = Field(description="What that came to.")
    crs_wkt: str = Field(description="CRS of the grid.")
    transform: tuple[float, float, float, float, float, float] = Field(description="Of the grid, as affine.")
    gap_share: float = Field(ge=0, le=1, description="Share of the grid that no file covers.")
    layout: Layout
    wanted: str | None = Field(description="Cores that are wanted, one bit each, base64; None = all.")
    traced: bool = Field(description="Whether outlines are traced in the same pass.")

    @property
    def grid(self) -> PixelGrid:
        """Grid of the result."""
        crs = CRS.from_wkt(self.crs_wkt)
        return PixelGrid(crs, Affine(*self.transform), self.layout.width, self.layout.height)

    @property
    def run(self) -> str:
        """One fingerprint of all that the raster depends on."""
        return fingerprint({part: value for part, value in self.fingerprints.items() if part not in _PASSING})

    def differences(self, earlier: Job) -> list[str]:
        """Return the parts in which another job would give another result."""
        parts = dict.fromkeys([*earlier.fingerprints, *self.fingerprints])
        return [part for part in parts if earlier.fingerprints.get(part) != self.fingerprints.get(part)]
