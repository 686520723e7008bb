"""What a run of the segmentation does, from what it was called with, in a file that every process reads."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pydantic import Field
from pyproj import CRS

from vigibati.configs.contract import ModelContract
from vigibati.configs.errors import CheckpointError, RasterError
from vigibati.configs.schema import Schema
from vigibati.datasets.grid import PixelGrid
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.fingerprints import fingerprint, fingerprint_files
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.area_of_interest import area_mask, mask_from_text, mask_to_text
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.inference.segmentation.tiling import Layout, lay_out

# What nothing of is left when a raster is finished.
_PASSING = ("cut", "wish for footprints")
# As far from its own pixel size as an orthophoto is taken unchanged, and a hair more.
GSD_TOLERANCE = 0.101
# Raised when the same input would give another result than before.
_METHOD = 1


class Images(Schema):
    """How an orthophoto is opened, so that another process opens the same one."""

    paths: tuple[Path, ...] = Field(min_length=1, description="Files, the first on top.")
    gsd_m: float = Field(gt=0, description="Metres on the ground per pixel that are wanted.")
    crs: str | None = Field(description="CRS of files that carry none.")
    band_order: tuple[int, ...] | None = Field(
        description="Bands to read, from 1; None = as files name them."
    )
    scale: tuple[float, float] | None = Field(description="Values that become 0 and 255; None = 8 bits.")


class RunSpec(Schema):
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
    def area_mask(self) -> NDArray[np.bool_] | None:
        """(rows, columns) of cores, True where somebody wants to know; everywhere when None."""
        return None if self.wanted is None else mask_from_text(self.wanted, self.layout.cores_shape)

    @property
    def run(self) -> str:
        """One fingerprint of all that the raster depends on."""
        return fingerprint({part: value for part, value in self.fingerprints.items() if part not in _PASSING})

    def differences(self, earlier: RunSpec) -> list[str]:
        """Return the parts in which another run would give another result."""
        parts = dict.fromkeys([*earlier.fingerprints, *self.fingerprints])
        return [part for part in parts if earlier.fingerprints.get(part) != self.fingerprints.get(part)]


def new_run_spec(
    ortho: Orthophoto, checkpoint: Checkpoint, predictor: Predictor, settings: SegmentSettings
) -> RunSpec:
    """Return what is to be done, with fingerprints of all that the result depends on.

    Raises:
        CheckpointError: The image was opened with other bands than the network needs.
        RasterError: It was opened at another resolution.
    """
    _check_fit(ortho, checkpoint)
    contract, grid = checkpoint.contract, ortho.grid
    layout = lay_out(
        width=grid.width,
        height=grid.height,
        margin_px=contract.margin_px,
        core_rows=settings.cut.rows,
        core_cols=settings.cut.columns,
        group_cols=settings.cut.group,
    )
    mask = None if settings.area is None else area_mask(layout, grid, settings.area)
    wanted = None if mask is None or mask.all() else mask_to_text(mask)
    images = Images(
        paths=tuple(path.absolute() for path in ortho.paths),
        gsd_m=contract.gsd_m,
        crs=ortho.crs_given,
        band_order=ortho.request.band_order,
        scale=ortho.request.scale,
    )
    opened = (grid.crs.to_wkt(), tuple(grid.transform), *images.model_dump(exclude={"paths"}).values())
    return RunSpec(
        fingerprints={
            "images": fingerprint([fingerprint_files(images.paths), *opened]),
            "model": fingerprint(contract.model_dump(mode="json")),
            "device": f"{predictor.device.torch_device.type} ({predictor.device.arithmetic})",
            "area": wanted or "everywhere",
            "wish for footprints": str(settings.traced),
            "cut": fingerprint(asdict(layout)),
            "version": f"{version('vigibati')}, method {_METHOD}",
        },
        images=images,
        checkpoint=checkpoint.folder.absolute(),
        contract=contract,
        device=settings.device,
        engine=str(predictor.device),
        crs_wkt=grid.crs.to_wkt(),
        transform=tuple(grid.transform)[:6],
        gap_share=ortho.gaps.share,
        layout=layout,
        wanted=wanted,
        traced=settings.traced,
    )


def _check_fit(ortho: Orthophoto, checkpoint: Checkpoint) -> None:
    gsd_m = checkpoint.contract.gsd_m
    if abs(ortho.grid.gsd_m / gsd_m - 1) > GSD_TOLERANCE:
        cause = f"was opened at {ortho.grid.gsd_m:.3f} m per pixel, the model needs {gsd_m:.3f} m"
        raise RasterError(ortho.paths[0], cause, f"open it with gsd_m={gsd_m}")
    if ortho.bands != checkpoint.contract.bands:
        cause = (
            f"needs the bands {', '.join(checkpoint.contract.bands)}, {', '.join(ortho.bands)} were opened"
        )
        raise CheckpointError(checkpoint.folder, cause, "open the image with the bands of the contract")
