from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from vigibati.datasets.synth.cadastre.displacement import Displacement, draw_displacement
from vigibati.datasets.synth.cadastre.files import write_cadastre, write_zones
from vigibati.datasets.synth.cadastre.records import NOISE_M, CadastralPlan, displace
from vigibati.datasets.synth.plan.ground_plan import GroundPlan

INSEE = "99007"
LEFT, RIGHT = "990070000A01", "99007000ZB01"
PARCEL_KEYS = (
    "id", "commune", "prefixe", "section", "numero", "contenance", "arpente", "created", "updated",
)  # fmt: skip
BUILDING_KEYS = ("type", "nom", "commune", "created", "updated")
SHEET_KEYS = (
    "id", "commune", "prefixe", "section", "numero",
    "qualite", "modeConfection", "echelle", "created", "updated",
)  # fmt: skip


def undo(
    displacement: Displacement, shapes: NDArray[np.object_], sheets: Sequence[str]
) -> NDArray[np.object_]:
    drawn, owner = shapely.get_coordinates(shapes, return_index=True)
    names = [sheets[index] for index in owner]
    true = drawn.copy()
    for _ in range(5):
        true = drawn - displacement.at(true, names)
    return shapely.set_coordinates(shapes.copy(), true)


def features(path: Path) -> list[dict[str, Any]]:
    return json.loads(gzip.decompress(path.read_bytes()))["features"]


def test_files_read_back_undisplaced_to_centimetres(hamlet_records: CadastralPlan, tmp_path: Path) -> None:
    displacement = draw_displacement(hamlet_records.sheets["sheet_id"], seed=11)
    files = write_cadastre(displace(hamlet_records, displacement, seed=11), tmp_path, insee=INSEE, seed=11)
    layers = (
        (files.parcels, hamlet_records.parcels, 0.02),
        (files.sheets, hamlet_records.sheets, 0.02),
        (files.pools, hamlet_records.pools, 0.02),
        (files.buildings, hamlet_records.buildings, 0.02 + 2.5 * 2**0.5 * NOISE_M),
    )
    for path, true, tolerance_m in layers:
        read = gpd.read_file(f"/vsigzip/{path}")
        assert read.crs.to_epsg() == 4326
        assert len(read) == len(true)
        assert read.geometry.is_valid.all()
        drawn = read.geometry.to_crs(2154).to_numpy()
        recovered = undo(displacement, drawn, true["sheet_id"].tolist())
        assert shapely.hausdorff_distance(recovered, true.geometry.to_numpy()).max() < tolerance_m


def test_files_have_the_layout_of_etalab(hamlet_records: CadastralPlan, tmp_path: Path) -> None:
    files = write_cadastre(hamlet_records, tmp_path, insee=INSEE, seed=11)
    assert [path.name for path in (files.parcels, files.buildings, files.sheets, files.pools)] == [
        f"cadastre-99007-{name}.json.gz" for name in ("parcelles", "batiments", "feuilles", "tsurf")
    ]
    parcels, buildings, sheets = features(files.parcels), features(files.buildings), features(files.sheets)
    assert {tuple(feature) for feature in parcels + sheets} == {("type", "id", "geometry", "properties")}
    assert {tuple(feature) for feature in buildings} == {("type", "geometry", "properties")}
    assert {tuple(feature["properties"]) for feature in parcels} == {PARCEL_KEYS}
    assert {tuple(feature["properties"]) for feature in buildings} == {BUILDING_KEYS}
    assert {tuple(feature["properties"]) for feature in sheets} == {SHEET_KEYS}
    assert [feature["id"] for feature in sheets] == [LEFT, RIGHT]
    assert [feature["id"] for feature in parcels] == [
        "990070000A0001", "990070000A0012", "99007000ZB0001", "99007000ZB0002",
    ]  # fmt: skip
    assert parcels[1]["properties"]["numero"] == "12"
    assert parcels[1]["properties"]["section"] == "A"
    assert sorted(feature["properties"]["type"] for feature in buildings) == ["01"] * 6 + ["02"]
    assert [feature["properties"]["SYM"] for feature in features(files.pools)] == ["65"]
    assert parcels[0]["properties"]["contenance"] == pytest.approx(4500, rel=0.05)


def test_layout_is_that_of_a_published_file(
    hamlet_records: CadastralPlan, tmp_path: Path, shared_data: Path
) -> None:
    published = shared_data / "cadastre" / "etalab" / "cadastre-91216-parcelles.json.gz"
    made = write_cadastre(hamlet_records, tmp_path, insee=INSEE, seed=11).parcels
    theirs, ours = features(published)[0], features(made)[0]
    assert list(ours) == list(theirs)
    assert list(ours["properties"]) == list(theirs["properties"])
    assert [type(value) for value in ours["properties"].values()] == [
        type(value) for value in theirs["properties"].values()
    ]
    heads = [gzip.decompress(path.read_bytes()).splitlines()[0] for path in (made, published)]
    assert heads[0] == heads[1]


def test_young_buildings_are_created_after_their_first_year(
    hamlet_records: CadastralPlan, tmp_path: Path
) -> None:
    files = write_cadastre(hamlet_records, tmp_path, insee=INSEE, seed=11)
    (light,) = [f["properties"] for f in features(files.buildings) if f["properties"]["type"] == "02"]
    assert "2016-07-01" <= light["created"] <= light["updated"] < "2018-12-31"
    old = [f["properties"]["created"] for f in features(files.buildings) if f["properties"]["type"] == "01"]
    assert len(set(old)) == 2  # the date of vectorisation of each sheet


def test_exteriors_turn_left_with_seven_decimals(hamlet_records: CadastralPlan, tmp_path: Path) -> None:
    for feature in features(write_cadastre(hamlet_records, tmp_path, insee=INSEE, seed=11).parcels):
        (ring,) = feature["geometry"]["coordinates"]
        assert Polygon(ring).exterior.is_ccw
        assert ring[0] == ring[-1]
        assert all(value == round(value, 7) for point in ring for value in point)


def test_zones_are_a_cnig_layer(hamlet: GroundPlan, tmp_path: Path) -> None:
    path = write_zones(hamlet, tmp_path, insee=INSEE)
    read = gpd.read_file(path)
    assert path == tmp_path / "PLU" / "99007_ZONE_URBA.shp"
    assert read.crs.to_epsg() == 2154
    assert [*read.columns] == [
        "LIBELLE", "LIBELONG", "TYPEZONE", "NOMFIC", "URLFIC", "IDURBA", "DATVALID", "geometry",
    ]  # fmt: skip
    assert read["TYPEZONE"].tolist() == ["U", "AUc", "N"]
    assert read["LIBELONG"][0] == "Zone urbaine déjà équipée"
    assert read.geometry[2].equals(hamlet.zones[2].outline)
    assert not [*(tmp_path / "PLU").glob(".*")]
