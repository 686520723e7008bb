"""A place of bright houses, a network that sees brightness, and records that are moved and incomplete."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

import vigibati
from vigibati.adaptation.forecast import warnings_about
from vigibati.adaptation.report import AdaptReport
from vigibati.adaptation.run_setup import AdaptSettings
from vigibati.cadastre.publishing.gpkg_metadata import read_provenance
from vigibati.configs.adaptation import Adaptation
from vigibati.configs.errors import OutputError, SettingsError
from vigibati.configs.progress import Advance
from vigibati.inference.model.checkpoint import load_checkpoint
from vigibati.workflow.options import RunOptions

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.2
WIDTH_PX, HEIGHT_PX = 1200, 400
# Column, row, width and height: twelve houses in two rows; the fold is cut in the middle.
HOUSES = tuple((60 + 190 * number, row, 80, 60) for number in range(6) for row in (60, 240))
WITHHELD = 4
LEARNING = Adaptation(steps=4, steps_per_epoch=2, crop_px=64, batch_size=2, chip_px=200, guard_m=5)
SETTINGS = AdaptSettings(folds=2, rounds=2, device="cpu", learning=LEARNING)


def on_the_ground(place: tuple[int, int, int, int]) -> shapely.Polygon:
    column, row, width, height = place
    left, top = LEFT + column * GSD_M, TOP - row * GSD_M
    return shapely.box(left, top - height * GSD_M, left + width * GSD_M, top)


def write_records(path: Path, outlines: list[shapely.Polygon], **columns: Any) -> Path:
    gpd.GeoDataFrame(columns, geometry=outlines, crs="EPSG:2154").to_file(path)
    return path


def moved(east_m: float = 1.0) -> list[shapely.Polygon]:
    recorded = [place for number, place in enumerate(HOUSES) if number != WITHHELD]
    return [shapely.affinity.translate(on_the_ground(place), east_m, 0.6) for place in recorded]


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, write_ortho: Callable[..., Path]) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("town")
    ortho = write_ortho(folder / "ortho.tif", *HOUSES, width=WIDTH_PX, height=HEIGHT_PX)
    return ortho, write_records(folder / "records.gpkg", moved())


@pytest.fixture(scope="session")
def adapted(
    town: tuple[Path, Path], checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, AdaptReport]:
    out = tmp_path_factory.mktemp("adapted") / "out"
    return out, run(town, checkpoint, out)


def run(town: tuple[Path, Path], checkpoint: Path, out: Path, **changes: Any) -> AdaptReport:
    ortho, records = town
    return vigibati.adapt(
        ortho, records=records, out=out, checkpoint=checkpoint, **{"settings": SETTINGS, **changes}
    )


def weights(folder: Path) -> str:
    return load_checkpoint(folder).contract.weights_sha256


def values(path: Path) -> np.ndarray:
    with rasterio.open(path) as raster:
        return raster.read()


def test_every_house_is_seen_by_a_model_that_never_learnt_it(adapted: tuple[Path, AdaptReport]) -> None:
    out, report = adapted
    assert report.accepted
    assert len(report.agreement) == 3
    assert report.agreement[0].off_record == 1
    found = gpd.read_file(out / "footprints.gpkg", layer="footprints")
    for place in HOUSES:
        assert (shapely.area(found.intersection(on_the_ground(place))).sum()) > 0.8 * 80 * 60 * GSD_M**2
    assert values(out / "probabilities.tif").shape == (1, HEIGHT_PX, WIDTH_PX)


def test_everything_that_is_promised_lies_in_the_folder(adapted: tuple[Path, AdaptReport]) -> None:
    out, report = adapted
    said = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert said["accepted"] is True
    assert sorted(said["agreement"]) == ["round 1", "round 2", "start"]
    folds = gpd.read_file(out / "folds.gpkg")
    assert folds.area.sum() == pytest.approx(WIDTH_PX * HEIGHT_PX * GSD_M**2)
    models = [*report.fold_checkpoints, report.checkpoint]
    assert [model.name for model in models] == ["fold_1", "fold_2", "checkpoint"]
    assert len({weights(model) for model in models}) == 3
    for model in models:
        contract = load_checkpoint(model).contract
        assert contract.calibrations == report.calibrations
        card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
        assert contract.name in card
        assert "never saw" in card or "all folds" in card


def test_the_raster_is_what_the_models_of_the_folds_say(adapted: tuple[Path, AdaptReport]) -> None:
    out, _ = adapted
    folds = gpd.read_file(out / "folds.gpkg")
    border = round((folds.geometry[0].bounds[2] - LEFT) / GSD_M)
    whole = values(out / "work" / "round_2.tif")[0]
    for number, part in ((1, np.s_[:, : border - 1]), (2, np.s_[:, border + 1 :])):
        own = values(out / "work" / f"fold_{number}" / "round_2" / "probabilities.tif")[0]
        assert np.array_equal(whole[part], own[part])


def test_labels_of_a_fold_say_nothing_about_its_own_ground(
    adapted: tuple[Path, AdaptReport], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    before, _ = adapted
    first = gpd.read_file(before / "folds.gpkg").geometry[0]
    # Garbage: of the houses of the first fold only a corner is left, in its place.
    garbage = [
        shapely.box(*(np.array(house.centroid.coords).ravel()[[0, 1, 0, 1]] + [-1, -3, 1, 3]))
        if first.intersects(house)
        else house
        for house in moved()
    ]
    records = write_records(tmp_path / "garbage.gpkg", garbage)
    run((town[0], records), checkpoint, tmp_path / "out")
    for number, same in ((1, True), (2, False)):
        folder = f"work/fold_{number}/round_2"
        assert (
            weights(before / folder / "checkpoint") == weights(tmp_path / "out" / folder / "checkpoint")
        ) == same
        left, right = (values(out / folder / "probabilities.tif") for out in (before, tmp_path / "out"))
        assert np.array_equal(left, right) == same


def test_what_stands_in_the_fold_itself_is_no_detection_beside_records(
    town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    """Also where parcels say that the cadastre speaks all over the image."""
    whole = on_the_ground((0, 0, WIDTH_PX, HEIGHT_PX))
    parcels = write_records(tmp_path / "parcels.gpkg", [whole], id=["13029000AB0012"])
    one = AdaptSettings(2, 1, device="cpu", learning=LEARNING)
    report = run(town, checkpoint, tmp_path / "out", parcels=parcels, settings=one)
    assert [(each.on, each.off) for each in report.off_record] == [(6, 0), (5, 1)]


class Killed(BaseException):
    """What no stage catches."""


class Stopping:
    """A listener that kills the run after so many steps."""

    def __init__(self, after: float) -> None:
        self.left = after

    @contextmanager
    def stage(self, name: str, *_: object, **__: object) -> Iterator[Advance]:
        def advance(amount: float) -> None:
            self.left -= amount * (name == "adapt")
            if self.left < 0:
                raise Killed

        yield advance


@pytest.mark.parametrize("after", [7, 17])
def test_a_run_that_was_killed_goes_on_to_the_same_result(
    adapted: tuple[Path, AdaptReport], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path, after: int
) -> None:
    with pytest.raises(Killed):
        run(town, checkpoint, tmp_path / "out", progress=Stopping(after))
    again = run(town, checkpoint, tmp_path / "out")
    assert np.array_equal(values(again.probabilities), values(adapted[1].probabilities))
    assert weights(again.checkpoint) == weights(adapted[1].checkpoint)


def test_a_finished_adaptation_is_only_read_again(
    adapted: tuple[Path, AdaptReport], town: tuple[Path, Path], checkpoint: Path
) -> None:
    out, report = adapted
    before = {path: path.stat().st_mtime_ns for path in out.glob("work/*/*/checkpoint/*")}
    again = run(town, checkpoint, out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("work/*/*/checkpoint/*")} == before
    assert (again.agreement, again.off_record) == (report.agreement, report.off_record)


def test_another_input_is_refused_and_restart_begins_anew(
    adapted: tuple[Path, AdaptReport], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(adapted[0], out)
    others = (town[0], write_records(tmp_path / "others.gpkg", moved(0.5)))
    with pytest.raises(
        SettingsError, match=r"was begun with another records; give another --out, or --restart"
    ):
        run(others, checkpoint, out)
    assert (out / "report.json").is_file()
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Killed):
        run(others, checkpoint, out, progress=Stopping(0), restart=True)
    assert not (out / "report.json").exists()
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_with_something_else_in_it_is_left_alone(
    town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(OutputError, match="is not empty and holds no adaptation"):
        run(town, checkpoint, tmp_path, restart=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_too_little_time_is_said_at_once(town: tuple[Path, Path], checkpoint: Path, tmp_path: Path) -> None:
    short = AdaptSettings(folds=2, rounds=2, device="cpu", minutes=0.001, learning=LEARNING)
    with pytest.raises(SettingsError, match=r"--minutes: 0.001 are too few for 5 trainings"):
        run(town, checkpoint, tmp_path / "out", settings=short)


def test_an_adaptation_that_forgets_is_refused(
    town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    # With a rate like this every weight is lost in a few steps.
    wild = AdaptSettings(2, 1, device="cpu", learning=LEARNING.model_copy(update={"learning_rate": 5.0}))
    report = run(town, checkpoint, tmp_path / "out", settings=wild)
    assert not report.accepted
    assert report.agreement[1].iou < report.agreement[0].iou
    assert (report.checkpoint, report.fold_checkpoints, report.calibrations) == (checkpoint, (), ())
    start = tmp_path / "out" / "work" / "start" / "probabilities.tif"
    assert report.probabilities.read_bytes() == start.read_bytes()
    assert len(gpd.read_file(tmp_path / "out" / "footprints.gpkg")) == len(HOUSES)


def test_what_people_decided_overrides_the_records(
    town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    """A recorded house is gone, and one that is not recorded stands, as people said."""
    cases = gpd.GeoDataFrame(
        {
            "case_id": ["N-1", "G-1"],
            "kind": ["new_building", "not_seen"],
            "status": ["confirmed", "confirmed"],
        },
        geometry=[on_the_ground(HOUSES[WITHHELD]), on_the_ground(HOUSES[0])],
        crs="EPSG:2154",
    )
    cases.to_file(tmp_path / "cases.gpkg", layer="cases")
    one = AdaptSettings(2, 1, device="cpu", learning=LEARNING)
    report = run(town, checkpoint, tmp_path / "out", previous=tmp_path / "cases.gpkg", settings=one)
    assert (report.agreement[0].decided, report.agreement[0].decided_right) == (2, 1)
    # The house of the first fold is learnt by the model of the second.
    planes = [_labels_at(tmp_path / "out", 2, HOUSES[0]), _labels_at(tmp_path / "out", 1, HOUSES[WITHHELD])]
    assert planes[0] == (0, 100)
    assert planes[1] in {(200, 100), (0, 0)}


def test_detect_compares_what_is_seen_out_of_fold(
    town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    ortho, records = town
    one = AdaptSettings(2, 1, device="cpu", learning=LEARNING)
    out = tmp_path / "cases.gpkg"
    report = vigibati.detect(
        ortho, records=records, out=out, checkpoint=checkpoint, run=RunOptions(device="cpu"), adaptation=one
    )
    assert report.adaptation is not None
    assert report.adaptation.accepted
    assert report.probabilities == tmp_path / "cases_adapted" / "probabilities.tif"
    (case,) = report.cases[report.cases["kind"] == "new_building"].geometry
    assert case.intersection(on_the_ground(HOUSES[WITHHELD])).area > 0.8 * 80 * 60 * GSD_M**2
    said = read_provenance(out)["adaptation"]
    assert said["agreement"]["round 1"]["iou"] == report.adaptation.agreement[1].iou
    assert str(tmp_path) not in json.dumps(said)


def test_the_command_line_adapts(
    vigibati: Callable[..., Any], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "small.yaml"
    settings.write_text(json.dumps(LEARNING.model_dump(exclude={"augmentation"})), encoding="utf-8")
    arguments = (town[0], "--records", town[1], "--checkpoint", checkpoint, "--config", settings)
    fast = ("--folds", 2, "--rounds", 1, "--device", "cpu", "--out", tmp_path / "out")
    ran = vigibati("adapt", *arguments, *fast)
    assert ran.code == 0, ran.err
    assert "Agreement with records" in ran.out
    assert "round 1" in ran.out
    again = vigibati("adapt", *arguments, *fast, "--json")
    assert json.loads(again.out)["accepted"] is True


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(
    vigibati: Callable[..., Any], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = (town[0], "--records", town[1], "--checkpoint", checkpoint, "--folds", 2, "--out", out)
    said = json.loads(vigibati("adapt", *arguments, "--dry-run").out)
    assert sum(said["buildings"]) == len(HOUSES) - 1
    assert (said["trainings"], said["steps"]) == (5, 300)
    assert "no light building" in said["warnings"][0]
    assert not out.exists()


def test_a_dry_run_goes_by_the_rules_of_the_run(
    vigibati: Callable[..., Any], town: tuple[Path, Path], checkpoint: Path, tmp_path: Path
) -> None:
    ran = vigibati(
        *("adapt", town[0], "--records", town[1], "--checkpoint", checkpoint, "--out", tmp_path / "out"),
        *("--rules", "atlantis", "--dry-run"),
    )
    assert (ran.code, ran.err.partition(";")[0]) == (
        2,
        "vigibati: rules 'atlantis': is not a preset, nor a file",
    )


def test_records_without_sheds_are_warned_of() -> None:
    houses = gpd.GeoDataFrame({"kind": ["durable"] * 11}, geometry=moved(), crs="EPSG:2154")
    (warning,) = warnings_about(houses)
    assert "hold no light building, and 0.0% of them are below 20 m²" in warning
    assert warnings_about(houses.assign(kind=["light"] + ["durable"] * 10)) == ()


@pytest.mark.parametrize(
    ("verb", "more", "message"),
    [
        ("detect", ("--minutes", 5), "--minutes: is the time of an adaptation; give --adapt too"),
        ("detect", ("--adapt", "--dask", "local"), "--dask: does not go with --adapt"),
        ("adapt", ("--folds", 7), "hold 11 buildings in the image, too few for 7 folds"),
    ],
)
def test_what_does_not_go_together_is_refused(
    vigibati: Callable[..., Any],
    town: tuple[Path, Path],
    checkpoint: Path,
    tmp_path: Path,
    verb: str,
    more: tuple[object, ...],
    message: str,
) -> None:
    out = tmp_path / ("cases.gpkg" if verb == "detect" else "out")
    ran = vigibati(verb, town[0], "--records", town[1], "--checkpoint", checkpoint, "--out", out, *more)
    assert ran.code == 2
    assert message in ran.err


def _labels_at(out: Path, fold: int, place: tuple[int, int, int, int]) -> tuple[int, int]:
    """Return target and weight in the middle of a house; (0, 0) where the piece is not learnt."""
    from PIL import Image  # noqa: PLC0415

    column, row = place[0] + place[2] // 2, place[1] + place[3] // 2
    name = f"r{row // 200 * 200:06d}_c{column // 200 * 200:06d}.png"
    path = out / "work" / f"fold_{fold}" / "round_1" / "soft" / name
    if not path.is_file():
        return 0, 0
    with Image.open(path) as picture:
        target, weight = np.asarray(picture).reshape(2, 200, 200)
    return int(target[row % 200, column % 200]), int(weight[row % 200, column % 200])
