"""What a list of cases rests on, whichever verb made it: the document that travels in its file."""

from __future__ import annotations

import json
import platform
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import geopandas as gpd
import pandas as pd

from vigibati.cadastre.cases.budget import BudgetReport
from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.rules import ComparisonRules
from vigibati.workflow.cases import CaseList
from vigibati.workflow.inputs import CadastralInputs

_LIBRARIES = ("torch", "segmentation-models-pytorch", "rasterio", "geopandas", "shapely", "pyogrio", "numpy")


def _new_run_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """What a list of cases rests on, whichever verb makes it.

    Attributes:
        seen: Files of the images or footprints that were read; of a folder, the files in it.
        inputs: Records and context that were read.
        rules: Thresholds that it goes by.
        image_date: Date of the orthophoto, ISO; None where it is not known.
        command: What was typed.
        run_id: Name of the run, also in every case: when it began, and six random digits.
    """

    seen: Sequence[Path]
    inputs: CadastralInputs
    rules: ComparisonRules
    image_date: str | None
    command: Sequence[str]
    run_id: str = field(default_factory=_new_run_id)

    @property
    def records_date(self) -> str | None:
        """Newest change in the records, the only date that says how fresh they are; None without dates."""
        dates = pd.concat([self.inputs.records["created"], self.inputs.records["updated"]]).dropna()
        return None if dates.empty else str(dates.max())

    def stamp(self, cases: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return cases that name their run and the dates of what was compared."""
        return cases.assign(run_id=self.run_id, image_date=self.image_date, records_date=self.records_date)

    def document(self, listed: CaseList, budget: BudgetReport) -> dict[str, object]:
        """Return the provenance of what was listed, JSON-ready.

        Args:
            listed: Cases and offsets.
            budget: What the planned visits buy.
        """
        return {
            "run_id": self.run_id,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": list(self.command),
            "inputs": list(_fingerprints([*self.seen, *self.inputs.paths])),
            "image_date": self.image_date,
            "records_date": self.records_date,
            "rules": self.rules.model_dump(mode="json"),
            "versions": dict(_versions()),
            "repairs": asdict(self.inputs.record_set.repairs),
            "comparison": asdict(listed.report),
            "budget": asdict(budget),
            "offsets": json.loads(listed.offsets.table.drop(columns="geometry").to_json(orient="records")),
        }


def _fingerprints(paths: Sequence[Path]) -> Iterator[dict[str, str]]:
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.is_file():
                yield {"file": file.name, "sha256": sha256_file(file)}


def _versions() -> Iterator[tuple[str, str]]:
    yield "vigibati", version("vigibati")
    yield "python", platform.python_version()
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            # A list that is made of footprints needs no torch.
            continue
