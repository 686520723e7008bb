"""The benchmark of the whole chain: known buildings are withheld from the records and must be listed."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np

from vigibati.cadastre.benchmark.case_scores import score_cases
from vigibati.cadastre.benchmark.withholding import Withheld, shift, withhold
from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.configs.errors import InputError
from vigibati.configs.progress import SILENT, Progress
from vigibati.configs.rules import ComparisonRules, load_rules
from vigibati.datasets.orthophoto.orthophoto import Orthophoto
from vigibati.datasets.pictures.quicklook import Outlines, crop
from vigibati.inference.segmentation.settings import SegmentSettings
from vigibati.workflow.cases import make_cases
from vigibati.workflow.footprints import find_footprints
from vigibati.workflow.inputs import CadastralInputs
from vigibati.workflow.options import ImageOptions
from vigibati.workflow.place import open_place

_LARGE_M2 = 60.0
_VERDICTS = ("building", "not_a_building")


@dataclass(frozen=True, slots=True)
class WithheldSettings:
    """How the records are spoiled.

    Attributes:
        seed: Of the draw and of the direction of the shift.
        fraction: Share of the buildings that is withheld, stratified by size; or None.
        count: Number of buildings that is withheld; or None.
        min_area_m2: Smaller buildings are never withheld.
        shift_m: How far the rest of the cadastre is moved.
    """

    seed: int
    fraction: float | None
    count: int | None
    min_area_m2: float = 0.0
    shift_m: float = 0.0


def bench_whole_chain(
    ortho: Sequence[Path],
    *,
    records: Path,
    settings: WithheldSettings,
    parcels: Path | None = None,
    hints: RecordsHints = NO_HINTS,
    checkpoint: Path | None = None,
    device: str = "auto",
    reviewed: Path | None = None,
    crops: Path | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Withhold records, move the rest, run the whole chain and score its cases.

    Args:
        ortho: Files of one orthophoto.
        records: True records of the place.
        settings: What is withheld and moved.
        parcels: Parcels, moved with the records.
        hints: What overrides the files of the records.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        device: auto, cpu or cuda.
        reviewed: CSV ``case_id,verdict,note`` of cases that a person looked at; verdict ``building``
            means plainly visible and missing from the true records.
        crops: Folder for one picture per ``new_building`` case that lies on no withheld building.
        progress: Listener.

    Returns:
        A JSON-ready mapping of settings, figures and every false or missed case.

    Raises:
        InputError: An input cannot be used.
    """
    rules = load_rules()
    verdicts = {} if reviewed is None else _read_verdicts(reviewed)
    with (
        open_place(
            ortho, records=records, parcels=parcels, checkpoint=checkpoint, image=ImageOptions(), hints=hints
        ) as place,
        TemporaryDirectory() as work,
    ):
        image, inputs, model = place.image, place.inputs, place.model
        split = _withheld(inputs, settings, rules)
        found = find_footprints(
            image,
            model,
            Path(work) / "probabilities.tif",
            crs=place.crs,
            settings=SegmentSettings(device=device),
            progress=progress,
        )
        spoiled = _spoiled(inputs, split, settings)
        listed = make_cases(found.table, spoiled, rules=rules, lang="en", imaged=found.imaged)
        truth = split.as_truth()
        false = _false_new(listed.cases, truth, rules)
        if crops is not None:
            _crop_all(image, false.to_crs(image.grid.crs), crops)
    return {
        "settings": asdict(settings),
        "inputs": [path.name for path in (*ortho, *inputs.paths)],
        "model": {"name": model.contract.name, "weights_sha256": model.contract.weights_sha256},
        "failed": found.report.failed,
        "records": len(inputs.records),
        "withheld": len(split.withheld),
        "headline": _headline(listed.cases, truth, false, verdicts),
        "score": score_cases(listed.cases, truth, bounds_m2=rules.bands_m2).as_dict(),
        "offsets": listed.offsets.table.drop(columns="geometry").to_dict(orient="records"),
        "comparison": asdict(listed.report),
        "new_buildings_on_no_withheld_record": _described(false, verdicts),
    }


def _withheld(inputs: CadastralInputs, settings: WithheldSettings, rules: ComparisonRules) -> Withheld:
    return withhold(
        inputs.records,
        seed=settings.seed,
        bounds_m2=rules.bands_m2,
        fraction=settings.fraction,
        count=settings.count,
        min_area_m2=settings.min_area_m2,
    )


def _spoiled(inputs: CadastralInputs, split: Withheld, settings: WithheldSettings) -> CadastralInputs:
    angle = np.random.default_rng(settings.seed).uniform(0, 2 * np.pi)
    dx_m, dy_m = settings.shift_m * np.cos(angle), settings.shift_m * np.sin(angle)

    def moved(layer: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
        return None if layer is None else shift(layer, dx_m=dx_m, dy_m=dy_m)

    return replace(
        inputs,
        records=shift(split.kept, dx_m=dx_m, dy_m=dy_m),
        parcels=moved(inputs.parcels),
        record_set=replace(inputs.record_set, sheets=moved(inputs.record_set.sheets)),
    )


def _false_new(cases: gpd.GeoDataFrame, truth: gpd.GeoDataFrame, rules: ComparisonRules) -> gpd.GeoDataFrame:
    new = cases[cases["kind"] == "new_building"]
    false = score_cases(new, truth, bounds_m2=rules.bands_m2).false_cases
    return new[new["case_id"].isin(false)]


def _headline(
    cases: gpd.GeoDataFrame,
    truth: gpd.GeoDataFrame,
    false: gpd.GeoDataFrame,
    verdicts: dict[str, tuple[str, str]],
) -> dict[str, object]:
    large = truth[truth.area >= _LARGE_M2]
    new = cases[cases["kind"] == "new_building"]
    missed = score_cases(new, large, bounds_m2=(_LARGE_M2,)).missed if len(large) else ()
    visible = sum(verdicts.get(case, ("",))[0] == "building" for case in false["case_id"])
    on_withheld = len(new) - len(false)
    return {
        "withheld_from_60_m2": len(large),
        "listed_as_new_building": len(large) - len(missed),
        "share_listed": round(1 - len(missed) / len(large), 4) if len(large) else None,
        "missed": list(missed),
        "new_building_cases": len(new),
        "on_a_withheld_building": on_withheld,
        "visible_and_missing_from_the_records": visible,
        "share_right": round((on_withheld + visible) / len(new), 4) if len(new) else None,
        "share_right_without_review": round(on_withheld / len(new), 4) if len(new) else None,
    }


def _described(false: gpd.GeoDataFrame, verdicts: dict[str, tuple[str, str]]) -> list[dict[str, object]]:
    described: list[dict[str, object]] = []
    for row in false.itertuples():
        verdict, note = verdicts.get(row.case_id, ("not reviewed", ""))
        point = row.geometry.representative_point()
        described.append(
            {
                "case_id": row.case_id,
                "rank": int(row.rank),
                "area_m2": round(row.area_m2, 1),
                "p_building": round(row.p_building, 3),
                "x_m": round(point.x, 1),
                "y_m": round(point.y, 1),
                "crop": f"{row.case_id}.png",
                "verdict": verdict,
                "note": note,
            }
        )
    return described


def _crop_all(image: Orthophoto, cases: gpd.GeoDataFrame, folder: Path) -> None:
    colour = CASE_KIND_SPECS["new_building"].colour
    for row in cases.itertuples():
        outline = Outlines(name="new_building", colour=colour, geometries=(row.geometry,))
        crop(image, row.geometry.bounds, folder / f"{row.case_id}.png", outlines=(outline,))


def _read_verdicts(path: Path) -> dict[str, tuple[str, str]]:
    if not path.is_file():
        raise InputError(
            path, "there is no such review", "give a CSV file with the columns case_id,verdict,note"
        )
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        if row.get("verdict") not in _VERDICTS:
            raise InputError(
                path, f"verdict '{row.get('verdict')}' is unknown", f"use one of {', '.join(_VERDICTS)}"
            )
    return {row["case_id"]: (row["verdict"], row.get("note") or "") for row in rows}
