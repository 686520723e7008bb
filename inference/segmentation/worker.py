"""Everything that a process needs to take part in a run, opened from what the run says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from vigibati.configs.errors import CheckpointError
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
from vigibati.datasets.orthophoto.strip_reader import StripReader
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.area_of_interest import from_text
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.run_spec import Job
from vigibati.inference.segmentation.strip_pipeline import Bench


def open_bench(job: Job, run: RunFolder, *, worker: int) -> AbstractContextManager[Bench]:
    """Open image and network as a run was begun with them.

    Args:
        job: The run.
        run: Its folder.
        worker: Number of this process among those of its machine.

    Raises:
        RasterError: The image cannot be used.
        CheckpointError: The checkpoint cannot be used, or is another one.
        DeviceError: The device is not there.
    """
    ortho = open_ortho(
        job.images.paths,
        gsd_m=job.images.gsd_m,
        crs=job.images.crs,
        bands=job.contract.bands,
        band_order=job.images.band_order,
        scale=job.images.scale,
    )
    checkpoint = load_checkpoint(job.checkpoint)
    if checkpoint.contract != job.contract:
        raise CheckpointError(
            job.checkpoint, "is not the one that the run was begun with", "put that one back"
        )
    return bench_of(
        job, run, ortho, Predictor(checkpoint, Device.choose(job.device).of_worker(worker)), threads=1
    )


@contextmanager
def bench_of(
    job: Job, run: RunFolder, ortho: Orthophoto, predictor: Predictor, *, threads: int
) -> Iterator[Bench]:
    """Lay out what is already open, and close the files of the image at the end."""
    wanted = None if job.wanted is None else from_text(job.wanted, job.layout.cores_shape)
    with StripReader(ortho, threads=threads) as reader:
        yield Bench(job.layout, reader, predictor, run.files(job), wanted)
