"""Known buildings are withheld from the records, and must be listed: with an image, or without any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vigibati.benchmark.plan_case import plan_settings
from vigibati.benchmark.plan_comparison import bench_plan
from vigibati.cadastre.readers.hints import NO_HINTS, RecordsHints
from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import SettingsError
from vigibati.configs.extras import extras_told
from vigibati.configs.paths import StrPath, StrPaths, as_path, as_paths
from vigibati.configs.progress import SILENT, Progress
from vigibati.workflow.json_output import as_json, check_json_place

_NO_SHIFT, _SEED = (0.0,), (7,)


def bench_withheld(
    ortho: StrPaths = (),
    *,
    records: StrPath,
    out: StrPath | None = None,
    detections: str = "model",
    fraction: float | None = None,
    count: int | None = None,
    min_area_m2: float = 0.0,
    shifts_m: Sequence[float] = _NO_SHIFT,
    seeds: Sequence[int] = _SEED,
    parcels: StrPath | None = None,
    hints: RecordsHints = NO_HINTS,
    checkpoint: StrPath | None = None,
    device: str = "auto",
    reviewed: StrPath | None = None,
    crops: StrPath | None = None,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Withhold known buildings from the records and see which are listed.

    Args:
        ortho: Files of one orthophoto, with the detections of the model alone.
        records: True records of the place; without an image, or true footprints.
        out: Result (JSON) to write; nothing is written when None.
        detections: "model" segments the orthophoto. With "perfect" and "realistic" there is no image:
            footprints are made up from the records, which are also cut and demolished before they are moved
            and bent.
        fraction: Share of the buildings to withhold, stratified by size.
        count: Number of buildings to withhold; with an image, give one of the two.
        min_area_m2: With an image, smaller buildings are never withheld.
        shifts_m: How far the other records are moved; one value with an image.
        seeds: Of the draws; one value with an image. Without one, every seed is run with every shift.
        parcels: Parcels, moved with the records.
        hints: What overrides the files of the records.
        checkpoint: Folder of a checkpoint; the shipped one when None.
        device: auto, cpu, cuda or openvino.
        reviewed: CSV ``case_id,verdict,note`` of cases that a person looked at; verdict ``building``
            means plainly visible and missing from the true records.
        crops: Folder for one picture per ``new_building`` case that lies on no withheld building.
        progress: Listener.

    Returns:
        A JSON-ready mapping. With an image: settings, figures ("headline" first among them) and every false
        or missed case. Without one: each of the "runs", and all together ("total").

    Raises:
        SettingsError: The options do not go together.
        InputError: An input cannot be used.
        OutputError: ``out`` cannot be written.
    """
    target = as_path(out)
    if target is not None:
        check_json_place(target)
    if detections == "model":
        _check_with_image(ortho, fraction, count, shifts_m, seeds)
        # It needs the network, which the other ways do without.
        with extras_told():
            from vigibati.benchmark import whole_chain  # noqa: PLC0415
        result = whole_chain.bench_whole_chain(
            as_paths(ortho),
            records=Path(records),
            settings=whole_chain.WithheldSettings(seeds[0], fraction, count, min_area_m2, shifts_m[0]),
            parcels=as_path(parcels),
            hints=hints,
            checkpoint=as_path(checkpoint),
            device=device,
            reviewed=as_path(reviewed),
            crops=as_path(crops),
            progress=progress,
        )
    else:
        image = {"ORTHO": ortho, "--checkpoint": checkpoint, "--reviewed": reviewed, "--crops": crops}
        _refuse(detections, image | {"--count": count, "--min-area-m2": min_area_m2, "--parcels": parcels})
        settings = plan_settings(detections, shifts_m=tuple(shifts_m), seeds=tuple(seeds), fraction=fraction)
        result = bench_plan(Path(records), settings=settings, hints=hints)
    if target is not None:
        with whole_file(target) as part:
            part.write_text(as_json(result) + "\n", encoding="utf-8")
    return result


def _check_with_image(
    ortho: StrPaths,
    fraction: float | None,
    count: int | None,
    shifts_m: Sequence[float],
    seeds: Sequence[int],
) -> None:
    if not ortho:
        cure = "give one, or --detections perfect or realistic"
        raise SettingsError("--detections model", "needs an orthophoto", cure)
    if (fraction is None) == (count is None):
        raise SettingsError("--fraction and --count", "one of the two is needed", "give --fraction 0.2, say")
    if len(shifts_m) != 1 or len(seeds) != 1:
        raise SettingsError("--shift-m and --seed", "may not be repeated with an image", "give one of each")


def _refuse(detections: str, given: dict[str, object]) -> None:
    """Refuse what says nothing where no image is read."""
    for name, value in given.items():
        if value:
            cause = f"is of no use with --detections {detections}"
            raise SettingsError(name, cause, "leave it out; repeat an option for each of its values")
