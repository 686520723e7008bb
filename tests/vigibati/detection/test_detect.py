from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
from PIL import Image
from shapely.geometry import box

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance

Vigibati = Callable[..., Any]


@pytest.fixture
def detect(vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path) -> Callable[..., Any]:
    def run(*more: object, ortho: Path = scene.ortho) -> Any:
        out = tmp_path / "out" / "cases.gpkg"
        return vigibati("detect", ortho, *scene.cadastre, "--checkpoint", checkpoint, "--out", out, *more)

    return run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "cases.gpkg"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def document(out: Path) -> str:
    with closing(sqlite3.connect(out)) as database:
        return str(database.execute("SELECT metadata FROM gpkg_metadata").fetchone()[0])


def test_what_was_planted_is_listed_and_nothing_else(detect: Vigibati, out: Path) -> None:
    ran = detect("--image-date", "2024-07-01")
    assert ran.code == 0
    assert "2 cases: 1 new_building, 1 not_seen" in ran.out
    cases = gpd.read_file(out, layer="cases").set_index("kind")
    assert cases["rank"].to_dict() == {"new_building": 1, "not_seen": 2}
    found, gone = cases.loc["new_building"], cases.loc["not_seen"]
    assert found.geometry.equals(box(700_058, 6_599_978, 700_070, 6_599_986))
    assert gone.geometry.equals(box(700_040, 6_599_952, 700_050, 6_599_962))
    assert (found["area_m2"], found["size_band"], found["case_id"]) == (96, ">60", "N-700060-6599980")
    assert found["p_building"] == pytest.approx(1 / (1 + np.exp(-20 * (210 / 255 - 0.5))), abs=0.005)
    assert np.isnan(gone["p_building"])
    for case in (found, gone):
        assert (case["parcel_id"], case["commune"]) == ("13029000AB0012", "13029")
        assert (case["zone"], case["zone_kind"], case["status"]) == ("Nh1", "N", "to_review")
        assert case["image_date"] == "2024-07-01"
    assert found["reasons"].startswith("Bâtiment de 96 m²")


def test_the_result_holds_every_layer(detect: Vigibati, out: Path) -> None:
    detect("--quiet")
    kinds = {name: kind for name, kind in pyogrio.list_layers(out) if kind is not None}
    assert kinds == dict.fromkeys(("cases", "footprints", "records", "parcels"), "MultiPolygon")
    sizes = {name: pyogrio.read_info(out, layer=name)["features"] for name in kinds}
    assert sizes == {"cases": 2, "footprints": 3, "records": 3, "parcels": 1}
    with closing(sqlite3.connect(out)) as database:
        assert database.execute("SELECT count(*) FROM layer_styles").fetchone() == (4,)
        assert database.execute("SELECT name FROM qgis_projects").fetchone() == ("revue",)
    assert {name: pyogrio.read_info(out, layer=name)["crs"] for name in kinds} == dict.fromkeys(
        kinds, "EPSG:2154"
    )


def test_the_result_says_where_it_comes_from_and_names_no_folder(
    detect: Vigibati, scene: Any, checkpoint: Path, out: Path
) -> None:
    detect("--quiet")
    provenance = read_provenance(out)
    inputs = [scene.ortho, scene.records, scene.parcels, scene.zones]
    assert provenance["inputs"] == [
        {"file": path.name, "sha256": sha256(path.read_bytes()).hexdigest()} for path in inputs
    ]
    weights = (checkpoint / "model.safetensors").read_bytes()
    assert provenance["model"]["weights_sha256"] == sha256(weights).hexdigest()
    assert provenance["command"][:3] == ["vigibati", "detect", "ortho.tif"]
    assert provenance["rules"]["name"] == "france"
    assert provenance["energy"] is None
    assert set(gpd.read_file(out, layer="cases")["run_id"]) == {provenance["run_id"]}
    for folder in (scene.ortho.parent, checkpoint, out.parent):
        assert str(folder) not in document(out)


def test_probabilities_are_kept(detect: Vigibati, out: Path) -> None:
    detect("--quiet")
    with rasterio.open(out.with_name("cases_probabilities.tif")) as raster:
        values = raster.read(1)
    assert (values > 127).sum() == 60 * 50 + 80 * 60 + 60 * 40
    assert (values[70:110, 290:350] > 250).all()
    assert names(out.parent) == ["cases.gpkg", "cases_probabilities.tif"]


def test_the_quicklook_shows_the_cases(detect: Vigibati, out: Path) -> None:
    detect("--quiet", "--quicklook", out.with_name("look.png"))
    with Image.open(out.with_name("look.png")) as picture:
        drawn = np.asarray(picture.convert("RGB")).astype(int)
    assert drawn.shape[:2] == (1600, 1600)
    # The outline of the new building is red, and lies where the building does (four times larger).
    red = (drawn[..., 0] > 180) & (drawn[..., 1] < 60) & (drawn[..., 2] < 100)
    assert red[270:450, 1150:1410].sum() > 500


def test_json_is_all_that_stands_on_stdout(detect: Vigibati, out: Path) -> None:
    ran = detect("--json")
    report = json.loads(ran.out, parse_constant=pytest.fail)
    assert ran.err == ""
    assert report["cases"] == {"new_building": 1, "not_seen": 1}
    assert report["comparison"]["footprints_recorded"] == 2
    assert (report["out"], report["energy"]) == (str(out), None)
    assert [sheet["sheet_id"] for sheet in report["offsets"]] == ["13029000AB"]


def test_quiet_says_nothing(detect: Vigibati, out: Path) -> None:
    ran = detect("--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert out.is_file()


def test_a_second_run_replaces_the_first(detect: Vigibati, out: Path) -> None:
    detect("--quiet")
    first = read_provenance(out)["run_id"]
    assert detect("--quiet", "--lang", "en").code == 0
    cases = gpd.read_file(out, layer="cases")
    assert (len(cases), first in set(cases["run_id"])) == (2, False)
    assert cases["reasons"][0].startswith("Building of 96 m²")
    assert names(out.parent) == ["cases.gpkg", "cases_probabilities.tif"]


def test_what_a_person_decided_is_never_overwritten(detect: Vigibati, out: Path) -> None:
    detect("--quiet")
    with closing(sqlite3.connect(out)) as database, database:
        for function in ("ST_IsEmpty", "ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"):
            # The triggers of the spatial index name them; SQLite alone does not know them.
            database.create_function(function, 1, lambda _geometry: 0)
        database.execute("UPDATE cases SET comment = 'seen on site' WHERE rank = 1")
    before = out.read_bytes()
    ran = detect()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"vigibati: {out}: holds 1 cases that a person has decided or drawn; give another name to --out\n"
    )
    assert out.read_bytes() == before


def test_an_image_without_any_building(
    detect: Vigibati, out: Path, write_ortho: Callable[..., Path], tmp_path: Path
) -> None:
    ran = detect("--json", ortho=write_ortho(tmp_path / "dark.tif"))
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out, parse_constant=pytest.fail)["cases"] == {"not_seen": 3}
    assert len(gpd.read_file(out, layer="footprints")) == 0


def test_no_image_is_not_no_building(
    detect: Vigibati, out: Path, write_ortho: Callable[..., Path], tmp_path: Path
) -> None:
    # Wholly black: the mosaic has nothing to show there.
    with rasterio.open(write_ortho(tmp_path / "black.tif"), "r+") as raster:
        raster.write(np.zeros((3, 400, 400), dtype=np.uint8))
    ran = detect("--json", ortho=tmp_path / "black.tif")
    report = json.loads(ran.out)
    assert (ran.code, report["cases"], report["segmentation"]["no_image_share"]) == (0, {}, 1.0)
    assert report["comparison"]["records_outside_image"] == 3
    assert len(gpd.read_file(out, layer="cases")) == 0


@pytest.fixture
def damaged(write_ortho: Callable[..., Path], tmp_path: Path) -> Path:
    """Wide enough for two windows, of which the second cannot be read."""
    path = write_ortho(tmp_path / "damaged.tif", (60, 50, 60, 50), (290, 70, 60, 40), width=1300)
    with rasterio.open(path) as raster:
        place = [int(raster.get_tag_item(f"BLOCK_{what}_9_0", "TIFF", bidx=1)) for what in ("OFFSET", "SIZE")]
    content = bytearray(path.read_bytes())
    content[place[0] : sum(place)] = bytes(place[1])
    path.write_bytes(content)
    return path


def test_a_damaged_block_costs_its_part_and_says_so(detect: Vigibati, out: Path, damaged: Path) -> None:
    look = out.with_name("look.png")
    ran = detect("--json", "--quicklook", look, ortho=damaged)
    assert ran.code == 3
    report = json.loads(ran.out)
    assert len(report["segmentation"]["failed"]) == 1
    assert ran.err.count("\n") == 1
    assert f"parts could not be read and count as no image: {damaged}: is damaged near column 1152" in ran.err
    assert report["cases"] == {"new_building": 1, "not_seen": 2}
    with Image.open(look) as picture:
        drawn = np.asarray(picture.convert("L"))
    # 1300 columns become 1600: the damaged block is light grey, the house in the readable part is drawn.
    assert np.median(drawn[20:140, 1430:1560]) == 235
    assert np.median(drawn[95:125, 370:420]) == 210


def test_a_damaged_block_is_told_even_when_quiet(
    vigibati: Vigibati, checkpoint: Path, damaged: Path, tmp_path: Path
) -> None:
    target = tmp_path / "probabilities.tif"
    ran = vigibati("segment", damaged, "--checkpoint", checkpoint, "--out", target, "--quiet")
    assert (ran.code, ran.out) == (3, "")
    assert f"parts could not be read and count as no image: {damaged}: is damaged near column 1152" in ran.err
