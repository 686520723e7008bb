"""Older images, permits, risk plans, a budget and an earlier list, through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import rasterio
import shapely
from affine import Affine

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance

Vigibati = Callable[..., Any]
HOUSES = ((60, 50, 60, 50), (280, 300, 80, 60))
NEW = (290, 70, 60, 40)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "cases.gpkg"


@pytest.fixture
def detect(vigibati: Vigibati, scene: Any, checkpoint: Path, out: Path) -> Callable[..., Any]:
    def run(*more: object) -> Any:
        given = (*scene.cadastre, "--checkpoint", checkpoint, "--out", out)
        return vigibati("detect", scene.ortho, *given, *more)

    return run


def new_building(out: Path) -> Any:
    cases = gpd.read_file(out, layer="cases")
    return cases[cases["kind"] == "new_building"].iloc[0]


def test_older_images_date_a_case(
    detect: Vigibati, write_ortho: Callable[..., Path], out: Path, tmp_path: Path
) -> None:
    with_it = write_ortho(tmp_path / "b.tif", *HOUSES, NEW)
    without = write_ortho(tmp_path / "a.tif", *HOUSES)
    vintages = ("--vintage", f"2021={with_it}", "--vintage", f"2018={without}")
    ran = detect("--image-date", "2024-07-01", "--json", *vintages)
    assert (ran.code, ran.err) == (0, "")
    case = new_building(out)
    assert (case["first_seen"], case["last_not_seen"]) == (2021, 2018)
    assert "apparu entre 2018 et 2021" in case["reasons"]
    assert sorted(json.loads(ran.out)["vintages"]) == ["2018", "2021"]
    kept = sorted(path.name for path in out.parent.iterdir())
    rasters = [f"cases_probabilities{end}.tif" for end in ("", "_2018", "_2021")]
    assert kept == sorted(["cases.gpkg", *rasters])
    files = [each["file"] for each in read_provenance(out)["inputs"]]
    assert files[:3] == ["ortho.tif", "a.tif", "b.tif"]
    # The next call with other rules or records takes what was segmented.
    again = json.loads(detect("--image-date", "2024-07-01", "--json", *vintages).out)
    assert {each["megapixels_now"] for each in again["vintages"].values()} == {0}


def test_permits_risk_and_protected_sectors(detect: Vigibati, scene: Any, out: Path, tmp_path: Path) -> None:
    permits, zones = tmp_path / "permits.csv", tmp_path / "zones.gpkg"
    permits.write_text("NUM_DAU;TYPE_DAU;COMM;SEC_CADASTRE1;NUM_CADASTRE1\n7;DP;13029;AB;12\n")
    area = gpd.read_file(scene.parcels).geometry
    gpd.GeoDataFrame({"code": ["R1"]}, geometry=area, crs=2154).to_file(zones)
    options = ("--permits", permits, "--risk", zones, "--protected", zones, "--budget", "1")
    ran = detect("--json", *options)
    assert (ran.code, ran.err) == (0, "")
    case = new_building(out)
    assert (case["status"], case["permit"], case["risk_zone"]) == ("authorised", "DP 7", "R1")
    assert (case["protected"], case["formality"]) == ("zones", "permit")
    # What a permit explains is no visit; of three records (0.02 x 3 + 1) / (1 + 1) may really be gone.
    expected = {"budget": 1, "cases": 1, "expected_precision": 0.53}
    assert json.loads(ran.out)["budget"] == expected == read_provenance(out)["budget"]
    # Nobody decided: the next run may replace it.
    assert detect("--quiet").code == 0
    assert new_building(out)["status"] == "to_review"


def test_what_is_found_again_keeps_its_number(detect: Vigibati, out: Path, tmp_path: Path) -> None:
    detect("--quiet")
    cases = gpd.read_file(out, layer="cases")
    earlier = tmp_path / "earlier.gpkg"
    moved = shapely.affinity.translate(shapely.union_all(cases.geometry[:1]), 0.6, 0.6)
    table = gpd.GeoDataFrame({"case_id": ["N-1-2"], "kind": ["new_building"]}, geometry=[moved], crs=2154)
    table.to_file(earlier, layer="cases")
    assert detect("--quiet", "--previous", earlier).code == 0
    assert new_building(out)["case_id"] == "N-1-2"


def test_decisions_of_an_earlier_list_are_told_because_they_stay_there(
    detect: Vigibati, out: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    detect("--quiet")
    earlier = tmp_path / "earlier.gpkg"
    shutil.copy(out, earlier)
    told = "1 cases that a person decided keep their numbers; the decisions stay in that file"
    ran = detect("--quiet", "--previous", earlier)
    assert told not in ran.err + caplog.text
    cases = gpd.read_file(out, layer="cases")
    cases.loc[0, "status"] = "confirmed"
    cases.to_file(earlier, layer="cases")
    ran = detect("--quiet", "--previous", earlier)
    assert told in ran.err + caplog.text


def test_an_earlier_outline_that_a_person_redrew_may_cross_itself(
    detect: Vigibati, out: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    detect("--quiet")
    place = gpd.read_file(out, layer="cases").geometry.iloc[0].centroid
    knot = shapely.affinity.translate(
        shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9), (0, 0)]), place.x, place.y
    )
    drawn = shapely.affinity.translate(shapely.box(0, 0, 5, 5), place.x, place.y)
    table = gpd.GeoDataFrame(
        {"case_id": ["N-1-2", None], "kind": ["new_building"] * 2}, geometry=[knot, drawn], crs=2154
    )
    earlier = tmp_path / "earlier.gpkg"
    table.to_file(earlier, layer="cases")
    ran = detect("--quiet", "--previous", earlier)
    assert ran.code == 0
    assert f"{earlier}: 1 invalid outlines mended (N-1-2)" in ran.err + caplog.text
    assert gpd.read_file(out, layer="cases")["case_id"].notna().all()


def test_the_summary_states_the_expected_precision(detect: Vigibati) -> None:
    ran = detect("--budget", "1")
    assert "expected precision of the 1 cases of the budget: " in ran.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--vintage", "2018=none.tif"), "--vintage: means nothing beside an image without date; add "),
        (("--vintage", "soon=x.tif"), "--vintage: 'soon' is no year; write 2018=ortho_2018.tif"),
        (("--vintage", "x.tif"), "--vintage: 'x.tif' is not YEAR=ORTHO; write 2018=ortho_2018.tif"),
        (("--vintage", "2018=a", "--vintage", "2018=b"), "--vintage: the year 2018 is given twice; put "),
        (("--image-date", "2024-07-01", "--vintage", "2018=none.tif"), "none.tif: cannot be read"),
        (("--budget", "0"), "--budget: 0 is no number of cases; give 1 or more"),
        (("--permits", "none.csv"), "none.csv: is not there; give a CSV"),
        (("--risk", "none.gpkg"), "none.gpkg: is not there; give an existing file"),
        (("--previous", "none.gpkg"), "none.gpkg: there is no such file; make it with 'vigibati detect'"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    detect: Vigibati, out: Path, words: tuple[str, ...], line: str
) -> None:
    ran = detect(*words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(f"vigibati: {line}")
    assert not out.exists()


def test_an_image_of_another_year_in_the_same_folder_is_told(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for year in (2021, 2024):
        shutil.copy(scene.ortho, tmp_path / f"{year}.tif")
    raster = tmp_path / "p.tif"
    ran = vigibati("segment", tmp_path, "--checkpoint", checkpoint, "--out", raster, "--dry-run")
    assert ran.code == 0
    told = f"{tmp_path / '2024.tif'} lies wholly below 2021.tif and shows only where that has no image; older"
    assert told in ran.err + caplog.text


def test_older_images_of_more_bits_are_scaled(
    detect: Vigibati, write_ortho: Callable[..., Path], out: Path, tmp_path: Path
) -> None:
    with rasterio.open(write_ortho(tmp_path / "b.tif", *HOUSES, NEW)) as raster:
        values, profile = raster.read().astype("uint16") * 10, raster.profile
    with rasterio.open(tmp_path / "deep.tif", "w", **{**profile, "dtype": "uint16"}) as raster:
        raster.write(values)
    given = ("--image-date", "2024-07-01", "--vintage", f"2021={tmp_path / 'deep.tif'}")
    assert "deep.tif: lacks a red, green or blue band" in detect(*given).err
    given += ("--bands", "1,2,3")
    assert "deep.tif: holds uint16 values" in detect(*given).err
    assert detect(*given, "--scale", "0", "2550").code == 0
    assert new_building(out)["first_seen"] == 2021


def test_vintages_of_another_place_or_time_are_refused(
    detect: Vigibati, scene: Any, write_ortho: Callable[..., Path], tmp_path: Path
) -> None:
    far = write_ortho(tmp_path / "far.tif", transform=Affine(0.2, 0, 800_000, 0, -0.2, 6_600_000))
    dated = ("--image-date", "2024-07-01")
    ran = detect(*dated, "--vintage", f"2018={far}")
    assert "--vintage 2018: shows nothing of the image's place" in ran.err
    ran = detect(*dated, "--vintage", f"2024={scene.ortho}")
    assert "--vintage 2024: is not older than the image of 2024" in ran.err
