from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from vigibati.inference.energy import Energy, measure_energy


class _Tracker:
    def __init__(self, **options: object) -> None:
        assert options["save_to_file"] is False

    def start(self) -> None:
        pass

    def stop(self) -> float:
        self.final_emissions_data = SimpleNamespace(energy_consumed=0.25, codecarbon_version="9.9")
        return 0.0


class _NeverStarts(_Tracker):
    def start(self) -> None:
        raise OSError("no counters")


class _NeverStops(_Tracker):
    def stop(self) -> float:
        raise RuntimeError("lost")


def _install(monkeypatch: pytest.MonkeyPatch, tracker: type | None) -> None:
    module = None if tracker is None else SimpleNamespace(OfflineEmissionsTracker=tracker)
    monkeypatch.setitem(sys.modules, "codecarbon", module)


def test_energy_is_known_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, _Tracker)
    with measure_energy() as meter:
        assert meter.result is None
    assert meter.result == Energy(0.25, "codecarbon 9.9, this process, offline")


@pytest.mark.parametrize("tracker", [None, _NeverStarts, _NeverStops])
def test_a_missing_or_broken_meter_never_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, tracker: type | None
) -> None:
    _install(monkeypatch, tracker)
    with measure_energy() as meter:
        pass
    assert meter.result is None


def test_errors_of_the_run_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, _Tracker)
    with pytest.raises(ZeroDivisionError), measure_energy() as meter:
        _ = 1 / 0
    assert meter.result == Energy(0.25, "codecarbon 9.9, this process, offline")
