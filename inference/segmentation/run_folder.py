"""The folder beside a probability raster that holds a run until it is finished."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import OutputError, SettingsError
from vigibati.inference.segmentation.ledger import Ledger, UnitState, read_ledgers
from vigibati.inference.segmentation.run_spec import RunSpec
from vigibati.inference.segmentation.tiling import Unit
from vigibati.inference.segmentation.unit_files import UnitFiles


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where the work on a raster is kept until it is whole.

    Attributes:
        out: The raster that it becomes.
    """

    out: Path

    @property
    def path(self) -> Path:
        """The folder."""
        return self.out.with_name(f"{self.out.name}.run")

    @property
    def units(self) -> Path:
        """The folder of the results of units."""
        return self.path / "units"

    def ledger(self, name: str) -> Ledger:
        """Open the ledger of one process."""
        return Ledger(self.path / f"ledger-{name}.sqlite")

    def states(self) -> dict[int, UnitState]:
        """Return what all ledgers of the run know, by number of the unit."""
        return read_ledgers(self._ledgers())

    def forgive(self, units: Sequence[Unit]) -> None:
        """Let those of some units that were given up be tried again, whichever process gave them up.

        Raises:
            OutputError: A ledger cannot be written to.
        """
        states = self.states()
        given_up = [each.number for each in units if each.number in states and states[each.number].given_up]
        # Ledgers of others, who may be at work, are not touched without need.
        for path in self._ledgers() if given_up else ():
            with Ledger(path) as ledger:
                ledger.forgive(given_up)

    def enter(self, spec: RunSpec, *, restart: bool) -> None:
        """Begin a run, or go on with the one that is there.

        Args:
            spec: What is to be done.
            restart: Whether an earlier run is thrown away.

        Raises:
            SettingsError: Inputs or settings are not those that the run was begun with.
            OutputError: The folder cannot be made.
        """
        if restart:
            self.remove()
        try:
            self.units.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                self.path, f"cannot be made ({error.strerror})", "choose another folder"
            ) from error
        if (earlier := self.spec()) is None:
            with whole_file(self._spec_file) as part:
                part.write_text(spec.model_dump_json(indent=2) + "\n", encoding="utf-8")
        elif changed := spec.differences(earlier):
            cause = f"this run was begun with other {', '.join(changed)}"
            raise SettingsError(self.path, cause, "give what it was begun with, or throw it away: --restart")

    def spec(self) -> RunSpec | None:
        """Return what the run does; None where none was begun."""
        return RunSpec.read(self._spec_file) if self._spec_file.is_file() else None

    def files(self, spec: RunSpec) -> UnitFiles:
        """Return where the results of a run lie."""
        thresholds = spec.contract.thresholds if spec.traced else None
        return UnitFiles(self.units, spec.grid, spec.contract.class_names, thresholds)

    def remove(self) -> None:
        """Remove everything of the run."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _ledgers(self) -> list[Path]:
        return sorted(self.path.glob("ledger-*.sqlite"))

    @property
    def _spec_file(self) -> Path:
        return self.path / "job.json"
