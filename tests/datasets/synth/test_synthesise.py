from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest

from vigibati.configs.errors import OutputError, SettingsError
from vigibati.datasets.synth.plan.ground_plan import Bounds, GroundPlan
from vigibati.datasets.synth.synthesise import synthesise, synthesise_from_plan

INSEE = "99007"
X, Y = 842_000.0, 6_519_000.0


def folder_bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".gpkg", ".tif"})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_plan_becomes_a_folder_that_repeats(hamlet: GroundPlan, tmp_path: Path) -> None:
    small = replace(hamlet, bounds=Bounds(X, Y, X + 60, Y + 40))
    reports = [synthesise_from_plan(small, out=tmp_path / name, insee=INSEE) for name in ("one", "two")]
    first, second = (folder_bytes(report.folder) for report in reports)
    assert first == second
    assert len(first) == 4 + 5
    for layer in ("planted", "buildings", "offsets"):
        one, two = (gpd.read_file(report.truth, layer=layer) for report in reports)
        assert one.equals(two)
    report = reports[0]
    assert dict(report.planted) == {
        "extension": 1, "undeclared_house": 1, "shed": 2, "pool": 1, "demolished_record": 1,
    }  # fmt: skip
    assert (report.buildings, report.records, report.parcels) == (9, 7, 4)
    assert report.megapixels == pytest.approx(0.06)
    assert len(report.shifts) == 2
    assert report.ortho.is_file()
    assert report.older_ortho is not None
    assert report.older_ortho.is_file()


def test_a_plan_of_real_records_gets_image_and_truth_only(hamlet: GroundPlan, tmp_path: Path) -> None:
    real = replace(hamlet, bounds=Bounds(X, Y, X + 30, Y + 20), sheets=(), parcels=(), zones=())
    report = synthesise_from_plan(real, out=tmp_path / "made", insee=None)
    assert sorted(path.name for path in report.folder.iterdir()) == ["ortho.tif", "truth.gpkg"]
    assert sorted(pyogrio.list_layers(report.truth)[:, 0]) == ["buildings", "planted"]
    assert (report.cadastre, report.zones, report.older_ortho, report.shifts) == (None, None, None, ())


@pytest.mark.parametrize(
    ("seed", "size_km", "message"),
    [(-1, 1.0, "negative"), (7, 0.0, "not in 0 to"), (7, float("nan"), "not in 0 to")],
)
def test_settings_that_do_not_hold_are_refused(
    tmp_path: Path, seed: int, size_km: float, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        synthesise(seed=seed, size_km=size_km, out=tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_a_file_in_place_of_the_folder_is_refused(hamlet: GroundPlan, tmp_path: Path) -> None:
    (tmp_path / "made").write_text("kept")
    with pytest.raises(OutputError, match="is a file"):
        synthesise_from_plan(hamlet, out=tmp_path / "made", insee=INSEE)
