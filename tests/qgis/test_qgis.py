"""What a planner meets when a real QGIS opens the published file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.affinity import rotate, translate
from shapely.geometry import Polygon, box

from vigibati.cadastre.publishing.geopackage import publish

pytestmark = pytest.mark.qgis

PYTHON = "/usr/bin/python3"
CHECK = Path(__file__).with_name("gpkg_check.py")
CRS = "EPSG:2154"
CORNER = (700_000.0, 6_600_000.0)
LAYERS = ("cases", "footprints", "records", "parcels")


@pytest.fixture(scope="module")
def qgis_environment() -> dict[str, str]:
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "QGIS_DISABLE_MESSAGE_HOOKS": "1"}
    for foreign in ("PYTHONPATH", "PYTHONHOME", "PROJ_LIB", "PROJ_DATA", "GDAL_DATA"):
        environment.pop(foreign, None)
    found = (
        Path(PYTHON).exists()
        and not subprocess.run(
            [PYTHON, "-c", "import qgis.core"], env=environment, capture_output=True, check=False
        ).returncode
    )
    if not found:
        reason = f"QGIS cannot be imported by {PYTHON} (apt-get install python3-qgis)"
        if os.environ.get("VIGIBATI_REQUIRE_QGIS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return environment


def street() -> dict[str, gpd.GeoDataFrame]:
    """Thirty parcels along a street, twenty of them built upon, and six differences."""
    rng = np.random.default_rng(7)
    lots = [
        translate(box(0, 0, 24, 38), CORNER[0] + 24 * (i % 15), CORNER[1] + 46 * (i // 15)) for i in range(30)
    ]
    houses = [
        rotate(
            translate(box(0, 0, 8 + 4 * rng.random(), 9 + 3 * rng.random()), west + 5, south + 12),
            float(rng.normal(0, 4)),
        )
        for west, south, _, _ in (lot.bounds for lot in lots[:20])
    ]
    kinds = ["durable"] * 16 + ["light"] * 2 + ["pool", "unknown"]
    found = [translate(house, 0.6, -0.4) for house in houses]
    new = [translate(box(0, 0, 11, 9), lots[i].bounds[0] + 6, lots[i].bounds[1] + 10) for i in (21, 24)]
    annex = translate(box(0, 0, 5, 4), houses[3].bounds[2] - 0.5, houses[3].bounds[1] + 2)
    pool = translate(box(0, 0, 8, 4), lots[26].bounds[0] + 9, lots[26].bounds[1] + 20)
    shed = translate(box(0, 0, 4, 3), lots[12].bounds[0] + 17, lots[12].bounds[1] + 29)
    return {
        "parcels": table(
            lots, parcel_id=[f"13029000AB{i + 1:04d}" for i in range(30)], area_declared_m2=912.0
        ),
        "records": table(houses, record_id=[f"r{i}" for i in range(20)], kind=kinds, sheet_id="13029000AB01"),
        "footprints": table([*found, *new], footprint_id=range(22), kind="building", probability=0.9),
        "cases": table(
            [new[0], annex, pool, houses[7], new[1], shed],
            case_id=[f"c{i}" for i in range(6)],
            rank=[1, 2, 3, 4, 5, 6],
            kind=["new_building", "extension", "pool", "not_seen", "new_building", "new_building"],
            status=["to_review"] * 4 + ["confirmed", "not_a_building"],
            reasons="<b>99 m²</b> absents du cadastre",
            comment=['=HYPERLINK("x")', None, None, None, None, "[% 1 + 1 %]"],
        ),
    }


def table(outlines: list[Polygon], **columns: Any) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(pd.DataFrame(columns, index=range(len(outlines))), geometry=outlines, crs=CRS)


def check(path: Path, picture: Path, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        [PYTHON, str(CHECK), str(path), str(picture)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("qgis") / "cas d’été.gpkg"
    publish(out, **street(), provenance={"run": "test"})
    return out


@pytest.fixture(scope="module")
def seen(published: Path, qgis_environment: dict[str, str]) -> dict[str, Any]:
    copy = published.with_name("copie")
    copy.mkdir()
    shutil.copy(published, copy / published.name)
    return check(copy / published.name, published.with_name("map.png"), qgis_environment)


def test_every_layer_opens_with_its_own_style(seen: dict[str, Any]) -> None:
    layers = seen["layers"]
    assert all(layers[name]["valid"] and layers[name]["crs"] == CRS for name in LAYERS)
    assert [layers[name]["features"] for name in LAYERS] == [6, 22, 20, 30]
    renderers = [layers[name]["renderer"] for name in LAYERS]
    assert renderers == ["RuleRenderer", "categorizedSymbol", "categorizedSymbol", "singleSymbol"]
    assert layers["cases"]["labels"]
    assert layers["parcels"]["labels"]
    assert "Bâtiment absent du cadastre" in layers["cases"]["legend"]
    assert layers["records"]["legend"] == [
        "Bâtiment en dur",
        "Construction légère",
        "Piscine",
        "Nature inconnue",
    ]


def test_the_form_offers_lists_and_protects_the_evidence(seen: dict[str, Any]) -> None:
    cases = seen["layers"]["cases"]
    assert cases["widgets"]["status"] == cases["widgets"]["control"] == "ValueMap"
    assert cases["choices"]["status"]["not_a_building"] == "Pas une construction"
    assert len(cases["choices"]["status"]) == len(cases["choices"]["control"]) == 7
    assert "comment" in cases["multiline"]
    assert set(cases["columns"]) - set(cases["read_only"]) == {"status", "control", "comment"}
    assert cases["aliases"]["reasons"] == "Pourquoi ce cas"
    assert all(cases["aliases"][column] for column in cases["columns"] if column != "fid")
    assert cases["tabs"] == ["Le cas", "Indices", "Situation"]
    assert cases["sorted_by"] == '"rank"'
    assert all(not seen["layers"][name]["map_tip"] for name in LAYERS)


def test_the_embedded_project_opens(seen: dict[str, Any]) -> None:
    project = seen["project"]
    assert project["read"]
    assert project["crs"] == CRS
    assert [layer["table"] for layer in project["layers"]] == list(LAYERS)
    assert all(layer["valid"] for layer in project["layers"])
    assert project["layers"][0] == {
        "name": "Cas à examiner",
        "valid": True,
        "table": "cases",
        "renderer": "RuleRenderer",
        "status_widget": "ValueMap",
    }
    minx, miny, maxx, maxy = project["extent"]
    assert minx < CORNER[0] + 24 * 4
    assert maxx < CORNER[0] + 24 * 15
    assert CORNER[1] - 30 < miny < maxy < CORNER[1] + 130


def test_a_verdict_is_kept_with_its_author_and_its_hour(seen: dict[str, Any]) -> None:
    edit = seen["edit"]
    for verdict in ("not_a_building", "confirmed"):
        assert edit[verdict]["committed"]
        assert edit[verdict]["status"] == verdict
        assert edit[verdict]["decided_by"] == edit["user"]
        assert edit[verdict]["decided_at"]
        assert edit[verdict]["same_place"]


def test_a_verdict_taken_back_leaves_no_author(seen: dict[str, Any]) -> None:
    assert seen["edit"]["to_review"]["status"] == "to_review"
    assert seen["edit"]["to_review"]["decided_by"] is None
    assert seen["edit"]["to_review"]["decided_at"] is None


def test_the_map_is_drawn(seen: dict[str, Any]) -> None:
    assert seen["map"]["saved"]
    assert seen["map"]["size"] == [900, 700]
    assert seen["map"]["errors"] == []
    assert seen["map"]["inked"] > 2000


def test_no_log_is_left_beside_the_edited_file(published: Path, seen: dict[str, Any]) -> None:
    assert seen["edit"]["confirmed"]["committed"]
    assert [path.name for path in published.with_name("copie").iterdir()] == [published.name]


def test_styles_survive_another_name_and_empty_layers(
    tmp_path: Path, qgis_environment: dict[str, str]
) -> None:
    tables = street()
    out = tmp_path / "first.gpkg"
    publish(
        out, **(tables | {"footprints": tables["footprints"][:0], "parcels": None}), provenance={}, lang="en"
    )
    other = out.rename(tmp_path / "second.gpkg")
    seen = check(other, tmp_path / "map.png", qgis_environment)
    assert seen["layers"]["cases"]["renderer"] == "RuleRenderer"
    assert seen["layers"]["cases"]["choices"]["status"]["to_review"] == "To review"
    assert seen["layers"]["footprints"]["valid"]
    assert seen["layers"]["footprints"]["features"] == 0
    moved = ["offset_m", "tolerance_m", "overhang_m"]
    assert seen["layers"]["parcels"]["columns"] == ["fid", "parcel_id", "area_declared_m2", *moved]


def test_the_file_keeps_to_the_standard(published: Path, qgis_environment: dict[str, str]) -> None:
    validator = [PYTHON, "-m", "osgeo_utils.samples.validate_gpkg", "-k", str(published)]
    done = subprocess.run(validator, env=qgis_environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
