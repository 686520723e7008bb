"""How much electricity a run took, where that can be told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Energy:
    """Electricity of a run.

    Attributes:
        kwh: Kilowatt-hours of processor, memory and graphics card.
        method: By what it was measured or estimated.
    """

    kwh: float
    method: str


@dataclass(slots=True)
class Meter:
    """What ``measure_energy`` yields.

    Attributes:
        result: Set when the block has ended; None where nothing could be measured.
    """

    result: Energy | None = None


@contextmanager
def measure_energy() -> Iterator[Meter]:
    """Measure the electricity that this process takes during a block.

    Uses codecarbon where it is installed (extra ``energy``), offline: nothing is sent or fetched.
    It reads the machine's own counters where it may and estimates from the load elsewhere. A meter
    that fails never stops the run that it measures.
    """
    meter = Meter()
    tracker = _start()
    try:
        yield meter
    finally:
        if tracker is not None:
            meter.result = _stop(tracker)


def _start() -> Any | None:  # noqa: ANN401 - codecarbon is optional and has no types
    try:
        from codecarbon import OfflineEmissionsTracker  # noqa: PLC0415 - optional, and slow to import
    except ImportError:
        return None
    # The tracker logs before it has read its own log level.
    logging.getLogger("codecarbon").setLevel(logging.ERROR)
    try:
        tracker = OfflineEmissionsTracker(
            country_iso_code="FRA",
            measure_power_secs=5,
            save_to_file=False,
            log_level="error",
            tracking_mode="process",
            allow_multiple_runs=True,
        )
        tracker.start()
    except Exception as error:  # noqa: BLE001 - whatever fails in a meter must not fail the run
        _LOG.info("energy is not measured: %s", error)
        return None
    return tracker


def _stop(tracker: Any) -> Energy | None:  # noqa: ANN401 - as above
    try:
        tracker.stop()
        data = tracker.final_emissions_data
        return Energy(
            float(data.energy_consumed), f"codecarbon {data.codecarbon_version}, this process, offline"
        )
    except Exception as error:  # noqa: BLE001 - as above
        _LOG.info("energy was not measured: %s", error)
        return None
