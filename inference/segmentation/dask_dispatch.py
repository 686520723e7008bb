"""Units handed out to the workers of a Dask cluster: an engine beside shards, with the same results."""

from __future__ import annotations

import importlib
import os
import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from vigibati.configs.cores import usable_cores
from vigibati.configs.errors import InputError, SettingsError
from vigibati.configs.extras import extras_told
from vigibati.inference.segmentation.run_folder import RunFolder
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.strip_pipeline import WorkerContext
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.worker import is_done, open_worker_context, remaining, work_on

# Neighbours share their margins; more than so many at once would leave workers idle at the end.
_MOST_TOGETHER = 16
_SHARES_PER_WORKER = 4
_POLL_S = 0.5
_CONNECT_S = 10
_LOCAL = re.compile(r"local(?::(\d+))?")
# A worker that runs several tasks at once still has one network and one reader.
_AT_WORK = Lock()


def dispatch(
    units: Sequence[Unit], run: RunFolder, spec: RunSpec, address: str, *, done: Callable[[Unit], None]
) -> None:
    """Let Dask workers finish units; one that its workers die of again and again is given up.

    Args:
        units: What is to be done.
        run: Its folder, under the same path for every worker.
        spec: What is to be done with them.
        address: Of a scheduler, or "local" or "local:N" for N processes of this machine.
        done: Told of every unit that is finished.

    Raises:
        MissingExtraError: Dask is not installed.
        SettingsError: The scheduler cannot be reached.
        VigibatiError: Something that would fail every other unit too.
    """
    files, reported = run.files(spec), set[int]()

    def tell(states: Any) -> None:  # noqa: ANN401
        for unit in units:
            if unit.number not in reported and is_done(unit, files, states):
                reported.add(unit.number)
                done(unit)

    with _client(address) as client:
        while todo := remaining(units, files, states := run.states()):
            attempts = sum(state.attempts for state in states.values())
            tried = [unit for unit in todo if unit.number in states and states[unit.number].attempts]
            shares = _shares([unit.number for unit in todo], workers=_workers(client), alone=bool(tried))
            futures = client.map(_work_on, shares, run=str(run.out.absolute()), pure=False)
            while not _ended(futures):
                tell(run.states())
            states = run.states()
            tell(states)
            if sum(state.attempts for state in states.values()) == attempts:
                cause = "its workers die before they begin"
                raise SettingsError(f"--dask {address}", cause, "read the log of a worker")


def _shares(numbers: Sequence[int], *, workers: int, alone: bool) -> list[list[int]]:
    """Part units into neighbours; one by one where some have failed, so that none takes others along."""
    size = 1 if alone else max(1, min(_MOST_TOGETHER, len(numbers) // (_SHARES_PER_WORKER * workers)))
    return [list(numbers[at : at + size]) for at in range(0, len(numbers), size)]


@contextmanager
def _client(address: str) -> Iterator[Any]:
    distributed = _distributed()
    local = _LOCAL.fullmatch(address)
    if local is None:
        try:
            client = distributed.Client(address, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            cause = f"no scheduler answers ({error})"
            raise SettingsError(
                f"--dask {address}", cause, "give tcp://HOST:PORT, local or local:N"
            ) from error
        with client:
            client.wait_for_workers(1, timeout=_CONNECT_S)
            yield client
        return
    count = int(local.group(1) or usable_cores())
    # Bound to this machine: whoever reaches a worker's port can run code there.
    with (
        distributed.LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _distributed() -> Any:  # noqa: ANN401 - optional, half of it without types
    with extras_told():
        return importlib.import_module("distributed")


def _workers(client: Any) -> int:  # noqa: ANN401 - distributed is optional
    return max(1, len(client.scheduler_info(n_workers=-1)["workers"]))


def _ended(futures: Sequence[Any]) -> bool:
    """Wait a little; tell whether all tasks ended, and raise what would fail all others too."""
    distributed = _distributed()
    try:
        distributed.wait(futures, timeout=_POLL_S)
    except distributed.TimeoutError:
        return False
    for future in futures:
        if future.status == "error" and not isinstance(future.exception(), distributed.KilledWorker):
            future.result()
    return True


def _work_on(numbers: Sequence[int], *, run: str) -> None:
    """Finish units, in a worker."""
    folder = RunFolder(Path(run))
    if (spec := folder.spec()) is None:
        cause = f"is not there on the worker {socket.gethostname()}"
        raise InputError(folder.path, cause, "keep it where every worker sees it under the same path")
    units = [spec.layout.units[number] for number in numbers]
    with _AT_WORK, folder.ledger(f"{socket.gethostname()}-{os.getpid()}") as ledger:
        work_on(units, _worker_context(run, spec.run), folder, ledger, done=lambda _: None)


@lru_cache(maxsize=1)
def _worker_context(run: str, _fingerprint: str) -> WorkerContext:
    """Open image and network once per worker and run; they stay open as long as the worker lives."""
    folder = RunFolder(Path(run))
    if (spec := folder.spec()) is None:
        raise InputError(folder.path, "has vanished", "begin the run again")
    # A cluster on this machine numbers its workers; others see to the cards of theirs themselves.
    name = _distributed().get_worker().name
    return ExitStack().enter_context(
        open_worker_context(spec, folder, worker=name if isinstance(name, int) else 0)
    )
