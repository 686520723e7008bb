"""`compare`, `register` and `records info` as functions: files in, a file out, a report back."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance
from vigibati.configs.errors import InputError, SettingsError
from vigibati.workflow.compare import compare
from vigibati.workflow.options import ContextPaths, image_year
from vigibati.workflow.records_info import records_info
from vigibati.workflow.register import register

FIRST, GONE, NEW, LAST = (shapely.box(x, 0, x + 12, 9) for x in (0.0, 40.0, 80.0, 120.0))


def moved(*outlines: shapely.Geometry) -> list[shapely.Geometry]:
    return [shapely.affinity.translate(outline, 700_000, 6_600_000) for outline in outlines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four houses in a row, of which one is recorded alone and one seen alone, and a zone."""
    seen = {"footprint_id": [1, 2, 3], "kind": ["building"] * 3, "probability": [0.9, 0.8, 0.7]}
    outlines = moved(FIRST, NEW, LAST)
    gpd.GeoDataFrame(seen, geometry=outlines, crs=2154).to_file(
        tmp_path / "footprints.gpkg", layer="footprints"
    )
    dates = {"type": ["01"] * 3, "created": ["2011-05-01", "2019-03-02", None]}
    gpd.GeoDataFrame(dates, geometry=moved(FIRST, GONE, LAST), crs=2154).to_file(tmp_path / "records.gpkg")
    zone = {"LIBELLE": ["N"], "TYPEZONE": ["N"]}
    around = moved(shapely.box(-100, -100, 200, 200))
    gpd.GeoDataFrame(zone, geometry=around, crs=2154).to_file(tmp_path / "zones.gpkg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_compare_takes_names_of_files_and_says_what_its_list_rests_on(folder: Path) -> None:
    register("footprints.gpkg", records="records.gpkg", out="offsets.gpkg")
    report = compare(
        "footprints.gpkg",
        records="records.gpkg",
        out="cases.gpkg",
        context=ContextPaths(zones="zones.gpkg"),
        offsets="offsets.gpkg",
        budget=1,
        image_date="2024-07-01",
        command=("vigibati", "compare", str(folder / "footprints.gpkg")),
    )
    assert sorted(report.cases["kind"]) == ["new_building", "not_seen"]
    told = read_provenance(report.out)
    assert told["inputs"] == [
        {"file": f"{name}.gpkg", "sha256": sha256((folder / f"{name}.gpkg").read_bytes()).hexdigest()}
        for name in ("footprints", "offsets", "records", "zones")
    ]
    assert told["command"] == ["vigibati", "compare", "footprints.gpkg"]
    assert (told["rules"]["name"], told["budget"]["budget"]) == ("france", 1)
    assert (told["image_date"], told["records_date"]) == ("2024-07-01", "2019-03-02")
    assert set(told["versions"]) >= {"vigibati", "python", "rasterio", "shapely"}
    assert [sheet["sheet_id"] for sheet in told["offsets"]] == report.offsets["sheet_id"].tolist()
    cases = gpd.read_file(report.out, layer="cases")
    for column, value in (
        ("run_id", told["run_id"]),
        ("image_date", "2024-07-01"),
        ("records_date", "2019-03-02"),
        ("zone", "N"),
    ):
        assert set(cases[column]) == {value}, column
    assert report.run_id == told["run_id"]


def test_each_comparison_is_a_run_of_its_own(folder: Path) -> None:
    first, second = (
        compare(folder / "footprints.gpkg", records=folder / "records.gpkg", out=folder / "cases.gpkg")
        for _ in range(2)
    )
    assert first.run_id != second.run_id
    assert read_provenance(second.out)["run_id"] == second.run_id
    assert first.cases.drop(columns="run_id").equals(second.cases.drop(columns="run_id"))


def test_what_cannot_be_used_is_told_before_anything_is_read(folder: Path) -> None:
    for wrong, error, message in (
        ({"budget": 0}, SettingsError, "--budget: 0 is no number of cases; give 1 or more"),
        (
            {"image_date": "summer"},
            SettingsError,
            "--image-date: 'summer' is no date; write it",
        ),
        ({"lang": "FR"}, SettingsError, "--lang: 'FR' is unknown; use fr or en"),
        ({"out": "records.gpkg"}, InputError, r"records\.gpkg: exists and is no list of cases"),
        ({"rules": "atlantis"}, SettingsError, "atlantis"),
    ):
        with pytest.raises(error, match=message):
            compare("none.gpkg", **{"records": "none.gpkg", "out": "cases.gpkg", **wrong})
    assert not (folder / "cases.gpkg").exists()


@pytest.mark.parametrize("offsets", ["none.gpkg", "https://127.0.0.1:9/offsets.gpkg"])
def test_offsets_that_are_no_file_are_told_and_asked_for_nowhere(folder: Path, offsets: str) -> None:
    with pytest.raises(InputError, match="there is no such file; make it with vigibati register"):
        compare("footprints.gpkg", records="records.gpkg", out="cases.gpkg", offsets=offsets)
    assert not (folder / "cases.gpkg").exists()


def test_a_date_gives_its_year() -> None:
    assert (image_year("2024-07-01"), image_year(None)) == (2024, None)


def test_records_are_described(folder: Path) -> None:
    report = records_info("records.gpkg")
    assert (report["files"], report["records"], report["area_m2"]) == (["records.gpkg"], 3, 324)
    assert report == records_info(folder / "records.gpkg")


def test_no_verb_about_records_loads_torch(folder: Path) -> None:
    code = (
        "import sys; from vigibati.workflow.compare import compare\n"
        "compare('footprints.gpkg', records='records.gpkg', out='cases.gpkg')\n"
        "import vigibati.workflow.register, vigibati.workflow.records_info\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False, cwd=folder).returncode == 0
