"""The job of a segmentation, from what it was called with."""

from __future__ import annotations

from dataclasses import asdict
from importlib.metadata import version

from vigibati.configs.errors import CheckpointError, RasterError
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.inference.fingerprints import fingerprint, fingerprint_files
from vigibati.inference.model.checkpoint import Checkpoint
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.area_of_interest import to_text, wanted_cores
from vigibati.inference.segmentation.run_spec import Images, Job
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.inference.segmentation.tiling import lay_out

# As far from its own pixel size as an orthophoto is taken unchanged, and a hair more.
GSD_TOLERANCE = 0.101
# Raised when the same input would give another result than before.
_METHOD = 1


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


def new_job(
    ortho: Orthophoto, checkpoint: Checkpoint, predictor: Predictor, settings: SegmentSettings
) -> Job:
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
    cores = None if settings.area is None else wanted_cores(layout, grid, settings.area)
    wanted = None if cores is None or cores.all() else to_text(cores)
    images = Images(
        paths=tuple(path.absolute() for path in ortho.paths),
        gsd_m=contract.gsd_m,
        crs=ortho.crs_given,
        band_order=ortho.wanted.band_order,
        scale=ortho.wanted.scale,
    )
    opened = (grid.crs.to_wkt(), tuple(grid.transform), *images.model_dump(exclude={"paths"}).values())
    return Job(
        fingerprints={
            "images": fingerprint([fingerprint_files(images.paths), *opened]),
            "model": fingerprint(contract.model_dump(mode="json")),
            "device": f"{predictor.device.place.type} ({predictor.device.arithmetic})",
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
