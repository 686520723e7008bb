from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.windows import Window

from vigibati.cadastre.publishing.gpkg_metadata import read_provenance

Vigibati = Callable[..., Any]

# What differs between two runs over the same inputs, and what only a run with an image can say.
OF_THE_RUN = {"run_id", "made_at", "command", "inputs"}
OF_THE_IMAGE = {"model", "segmentation", "vintages", "adaptation", "energy"}


def test_the_stages_one_by_one_give_the_cases_of_detect(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    probabilities, footprints, offsets = (tmp_path / name for name in ("p.tif", "f.gpkg", "o.gpkg"))
    cadastre, dated = scene.cadastre[:4], ("--image-date", "2024-07-01")
    whole, single = tmp_path / "whole.gpkg", tmp_path / "single.gpkg"
    verbs = (
        ("segment", scene.ortho, "--checkpoint", checkpoint, "--out", probabilities),
        ("vectorise", probabilities, "--out", footprints),
        ("register", footprints, *cadastre, "--out", offsets),
        ("compare", footprints, *scene.cadastre, "--offsets", offsets, *dated, "--out", single),
        ("detect", scene.ortho, *scene.cadastre, "--checkpoint", checkpoint, *dated, "--out", whole),
    )
    reports = {}
    for verb in verbs:
        ran = vigibati(*verb, "--json")
        assert (ran.code, ran.err) == (0, ""), verb
        reports[verb[0]] = json.loads(ran.out, parse_constant=pytest.fail)
    assert reports["vectorise"] == {"out": str(footprints), "footprints": 3}
    assert reports["register"] == reports["detect"]["offsets"]
    assert reports["compare"]["comparison"] == reports["detect"]["comparison"]
    told, whole_told = read_provenance(single), read_provenance(whole)
    assert set(told) == set(whole_told) - OF_THE_IMAGE
    for entry in set(told) - OF_THE_RUN:
        assert told[entry] == whole_told[entry], entry
    assert probabilities.read_bytes() == (tmp_path / "whole_probabilities.tif").read_bytes()
    for layer in ("cases", "footprints", "records", "parcels"):
        one, other = (gpd.read_file(path, layer=layer) for path in (single, whole))
        drop = ["run_id"] if layer == "cases" else []
        assert one.drop(columns=drop).equals(other.drop(columns=drop)), layer


@pytest.mark.parametrize("verb", ["vectorise", "register"])
def test_a_stage_never_replaces_the_file_of_another(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path, verb: str
) -> None:
    probabilities, footprints, cases = (tmp_path / name for name in ("p.tif", "f.gpkg", "cases.gpkg"))
    layer = {"vectorise": "footprints", "register": "offsets"}[verb]
    assert vigibati("segment", scene.ortho, "--checkpoint", checkpoint, "--out", probabilities).code == 0
    assert vigibati("vectorise", probabilities, "--out", footprints).code == 0
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=2154).to_file(cases, layer="cases")
    before = cases.read_bytes()
    given = {"vectorise": [probabilities], "register": [footprints, "--records", scene.records]}[verb]
    ran = vigibati(verb, *given, "--out", cases)
    assert (ran.code, ran.err) == (
        2,
        f"vigibati: {cases}: exists and holds no layer '{layer}'; give another name to --out\n",
    )
    assert cases.read_bytes() == before


def test_records_of_another_place_are_refused(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    footprints, elsewhere = tmp_path / "f.gpkg", tmp_path / "elsewhere.gpkg"
    vigibati("segment", scene.ortho, "--checkpoint", checkpoint, "--out", tmp_path / "p.tif")
    vigibati("vectorise", tmp_path / "p.tif", "--out", footprints)
    known = gpd.read_file(footprints, layer="footprints")
    known[["geometry"]].set_geometry(known.translate(5000)).to_file(elsewhere)
    for verb in ("register", "compare"):
        ran = vigibati(verb, footprints, "--records", elsewhere, "--out", tmp_path / "out.gpkg")
        assert ran.code == 2
        assert "none of the 3 records lies on the footprints" in ran.err


def test_offsets_are_estimated_where_none_are_given(
    vigibati: Vigibati, scene: Any, checkpoint: Path, tmp_path: Path
) -> None:
    vigibati("segment", scene.ortho, "--checkpoint", checkpoint, "--out", tmp_path / "p.tif", "--quiet")
    vigibati("vectorise", tmp_path / "p.tif", "--out", tmp_path / "f.gpkg", "--quiet")
    out = tmp_path / "cases.gpkg"
    words = ("compare", tmp_path / "f.gpkg", "--records", scene.records, "--out", out)
    shown = vigibati(*words)
    assert (shown.code, shown.err) == (0, "")
    assert "2 cases: 1 new_building, 1 not_seen" in shown.out
    assert f"written:{out}" in "".join(shown.out.split())
    ran = vigibati(*words, "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert sorted(gpd.read_file(out, layer="cases")["kind"]) == ["new_building", "not_seen"]


def test_a_higher_threshold_finds_less(
    vigibati: Vigibati, write_ortho: Callable[..., Path], checkpoint: Path, tmp_path: Path
) -> None:
    ortho = write_ortho(tmp_path / "ortho.tif", (60, 50, 60, 50))
    with rasterio.open(ortho, "r+") as raster:
        # 130 of 255 gives a probability of 0.55.
        raster.write(np.full((3, 40, 40), 130, dtype=np.uint8), window=Window(200, 200, 40, 40))
    vigibati("segment", ortho, "--checkpoint", checkpoint, "--out", tmp_path / "p.tif", "--quiet")
    counts = []
    for threshold in ("0.5", "0.6"):
        ran = vigibati(
            "vectorise", tmp_path / "p.tif", "--threshold", threshold, "--out", tmp_path / "f.gpkg", "--json"
        )
        counts.append(json.loads(ran.out)["footprints"])
    assert counts == [2, 1]


def test_records_info_tells_what_was_understood(vigibati: Vigibati, scene: Any) -> None:
    report = json.loads(vigibati("records", "info", scene.records, "--json").out)
    assert report["crs"] == "RGF93 v1 / Lambert-93"
    assert (report["format"], report["files"], report["records"]) == ("GPKG", ["records.gpkg"], 3)
    assert report["kinds"] == {"unknown": 3}
    assert report["area_m2"] == 120 + 192 + 100
    assert report["bounds"] == [700_012, 6_599_928, 700_072, 6_599_990]
    assert report["crs_from"] == "stated by the file"
    assert (report["sheets"], report["created"], report["repairs"]) == (None, None, [])
    spoken = vigibati("records", "info", scene.records)
    assert "records: 3\nkinds: 3 unknown\n" in spoken.out
    assert "sheets: none\nrepairs: none\n" in spoken.out
    assert spoken.err == ""


def test_a_mapping_says_what_the_columns_of_records_mean(
    vigibati: Vigibati, scene: Any, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("other_kind: light\n", encoding="utf-8")
    hints = ("--records-mapping", mapping, "--records-format", "vector")
    report = json.loads(vigibati("records", "info", scene.records, *hints, "--json").out)
    assert report["kinds"] == {"light": 3}


def test_synth_makes_a_place_that_detect_can_read(vigibati: Vigibati, tmp_path: Path) -> None:
    ran = vigibati("synth", "--size-km", "0.2", "--seed", "3", "--out", tmp_path, "--json")
    assert (ran.code, ran.err) == (0, "")
    report = json.loads(ran.out)
    assert report["megapixels"] == pytest.approx(1)
    for file in (report["ortho"], report["truth"], report["zones"], *report["cadastre"].values()):
        assert Path(file).is_file()
    found = json.loads(vigibati("records", "info", report["cadastre"]["buildings"], "--json").out)
    assert (found["format"], found["parcels"]) == ("etalab", report["parcels"])
