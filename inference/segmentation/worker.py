"""A process that takes part in a run: what it opens, and its share of the units, all of it in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress

from vigibati.configs.errors import CheckpointError, OutputError
from vigibati.datasets.orthophoto.orthophoto import Orthophoto, open_ortho
from vigibati.datasets.orthophoto.strip_reader import StripReader
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.inference.model.device import Device
from vigibati.inference.model.predictor import Predictor
from vigibati.inference.segmentation.ledger import Ledger, UnitState
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.strip_pipeline import WorkerContext, work_through
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.unit_files import UnitFiles


def open_worker_context(
    spec: RunSpec, run: RunFolder, *, worker: int
) -> AbstractContextManager[WorkerContext]:
    """Open image and network as a run was begun with them.

    Args:
        spec: The run.
        run: Its folder.
        worker: Number of this process among those of its machine.

    Raises:
        RasterError: The image cannot be used.
        CheckpointError: The checkpoint cannot be used, or is another one.
        DeviceError: The device is not there.
    """
    ortho = open_ortho(
        spec.images.paths,
        gsd_m=spec.images.gsd_m,
        crs=spec.images.crs,
        bands=spec.contract.bands,
        band_order=spec.images.band_order,
        scale=spec.images.scale,
    )
    checkpoint = load_checkpoint(spec.checkpoint)
    if checkpoint.contract != spec.contract:
        raise CheckpointError(
            spec.checkpoint, "is not the one that the run was begun with", "put that one back"
        )
    return worker_context(
        spec, run, ortho, Predictor(checkpoint, Device.choose(spec.device).of_worker(worker)), threads=1
    )


@contextmanager
def worker_context(
    spec: RunSpec, run: RunFolder, ortho: Orthophoto, predictor: Predictor, *, threads: int
) -> Iterator[WorkerContext]:
    """Lay out what is already open, and close the files of the image at the end."""
    with StripReader(ortho, threads=threads) as reader:
        yield WorkerContext(spec.layout, reader, predictor, run.files(spec), spec.area_mask)


def remaining(units: Sequence[Unit], files: UnitFiles, states: dict[int, UnitState]) -> list[Unit]:
    """Return the units that are neither finished nor given up."""
    return [unit for unit in units if not is_done(unit, files, states) and not _given_up(unit, states)]


def is_done(unit: Unit, files: UnitFiles, states: dict[int, UnitState]) -> bool:
    """Tell whether a unit is finished: a ledger says so, and its files are there."""
    return unit.number in states and states[unit.number].done and files.complete(unit)


def work_on(
    units: Sequence[Unit],
    context: WorkerContext,
    run: RunFolder,
    ledger: Ledger,
    *,
    done: Callable[[Unit], None],
) -> None:
    """Work on units until each is finished or given up.

    What never failed comes first, in one sweep. A unit that did is worked on alone, so that one that
    kills its process takes no other along.

    Args:
        units: The share.
        context: With what.
        run: Where all ledgers of the run lie.
        ledger: The one of this process.
        done: Told of every unit that is finished.

    Raises:
        VigibatiError: Something that would fail every other unit too.
    """
    try:
        while todo := remaining(units, context.files, states := run.states()):
            untried = [unit for unit in todo if unit.number not in states or not states[unit.number].attempts]
            for sweep in [untried] if untried else [[unit] for unit in todo]:
                for outcome in work_through(sweep, context, begin=lambda unit: ledger.begin([unit.number])):
                    if outcome.cause is None:
                        ledger.finish(outcome.unit.number, outcome.report)
                        done(outcome.unit)
                    else:
                        ledger.fail(outcome.unit.number, outcome.cause)
    except BaseException:
        # Whoever stops the process, or the disk that is full, says nothing against the units at hand.
        # Where the ledger cannot be written to either, what came first is to be told.
        with suppress(OutputError):
            ledger.release()
        raise


def _given_up(unit: Unit, states: dict[int, UnitState]) -> bool:
    return unit.number in states and states[unit.number].given_up
