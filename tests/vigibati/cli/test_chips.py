from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import yaml
from affine import Affine
from PIL import Image
from shapely.geometry import Polygon, box

from vigibati.datasets.chips.manifest import read_manifests

LEFT, TOP, GSD_M = 700_000.0, 6_600_000.0, 0.2
SIDE_PX, CHIP_PX = 384, 64
HOUSES = ((20, 30, 60, 50), (300, 40, 40, 60), (30, 300, 70, 50), (250, 290, 110, 70))
POOLS = ((120, 60, 40, 20), (200, 200, 24, 40))

Place = tuple[int, int, int, int]


def on_the_ground(place: Place) -> Polygon:
    column, row, width, height = place
    left, top = LEFT + column * GSD_M, TOP - row * GSD_M
    return box(left, top - height * GSD_M, left + width * GSD_M, top)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An orthophoto of rough ground, and its houses and pools in one layer and in two."""
    folder = tmp_path_factory.mktemp("place")
    noise = np.random.default_rng(4).integers(20, 120, (3, SIDE_PX // 8, SIDE_PX // 8), dtype=np.uint8)
    values = noise.repeat(8, axis=1).repeat(8, axis=2)
    for column, row, width, height in (*HOUSES, *POOLS):
        values[:, row : row + height, column : column + width] += 100
    write_tiff(folder / "ortho.tif", values, photometric="rgb")
    houses, pools = ([on_the_ground(one) for one in places] for places in (HOUSES, POOLS))
    kinds = ["durable"] * len(houses) + ["pool"] * len(pools)
    for name, columns, shapes in (
        ("all.gpkg", {"kind": kinds}, houses + pools),
        ("houses.gpkg", {}, houses),
        ("pools.gpkg", {}, pools),
        ("elsewhere.gpkg", {}, [on_the_ground((90_000, 0, 50, 50))]),
    ):
        gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:2154").to_file(folder / name)
    with pytest.warns(UserWarning, match="'crs' was not provided"):
        gpd.GeoDataFrame(geometry=houses).to_file(folder / "nowhere.gpkg")
    return folder


def write_tiff(path: Path, values: np.ndarray[Any, np.dtype[np.uint8]], **more: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands, height, width = values.shape
    profile = {"driver": "GTiff", "count": bands, "dtype": "uint8", "crs": "EPSG:2154", **more}
    transform = Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP)
    with rasterio.open(path, "w", width=width, height=height, transform=transform, **profile) as raster:
        raster.write(values)


def small(out: Path) -> tuple[object, ...]:
    return ("--out", out, "--chip-px", CHIP_PX, "--block-chips", 2, "--json")


def classes(manifest: Path) -> dict[int, int]:
    """How many pixels of each class the masks hold together."""
    masks = [chip.read_mask() for chip in read_manifests([manifest])]
    values, counts = np.unique(np.concatenate([mask.ravel() for mask in masks]), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def area(places: tuple[Place, ...]) -> int:
    return sum(width * height for _, _, width, height in places)


def test_an_orthophoto_and_its_layers_become_chips(
    vigibati: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    ran = vigibati(
        "chips", place / "ortho.tif", *small(tmp_path / "chips"), "--whole-image", "--source", "our_town",
        "--footprints", place / "houses.gpkg", "--class", "building",
        "--footprints", place / "pools.gpkg", "--class", "pool",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert report["class_names"] == ["building", "pool"]
    assert report["chips"]["train"] + report["chips"]["val"] == 36
    assert (report["outside_cover"], report["near_duplicates"]) == (0, [])
    manifest = Path(report["manifest"])
    assert {chip.source for chip in read_manifests([manifest])} == {"our_town"}
    found = classes(manifest)
    assert (found[1], found[2]) == (area(HOUSES), area(POOLS))


def test_images_of_more_bits_and_unnamed_bands_become_chips(
    vigibati: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    with rasterio.open(place / "ortho.tif") as raster:
        values = raster.read()
    write_tiff(tmp_path / "deep.tif", values.astype(np.uint16) * 10, dtype="uint16", photometric="minisblack")
    labels = ("--whole-image", "--footprints", place / "houses.gpkg")
    given = ("--bands", "1,2,3", "--scale", 0, 2550)
    ran = vigibati("chips", tmp_path / "deep.tif", *small(tmp_path / "deep"), *labels, *given)
    assert ran.code == 0, ran.err
    vigibati("chips", place / "ortho.tif", *small(tmp_path / "plain"), *labels)
    pairs = zip(*(read_manifests([tmp_path / name / "chips.csv"]) for name in ("deep", "plain")), strict=True)
    for deep, plain in pairs:
        assert np.array_equal(deep.read_image(), plain.read_image())


def test_a_layer_that_tells_pools_from_buildings_is_taken_apart(
    vigibati: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    layer = place / "all.gpkg"
    ran = vigibati(
        "chips", place / "ortho.tif", *small(tmp_path / "one"), "--whole-image", "--footprints", layer
    )
    assert classes(Path(json.loads(ran.out)["manifest"])) == {0: SIDE_PX**2 - area(HOUSES), 1: area(HOUSES)}
    both = ("--footprints", layer, "--class", "building", "--footprints", layer, "--class", "pool")
    ran = vigibati("chips", place / "ortho.tif", *small(tmp_path / "two"), "--whole-image", *both)
    assert classes(Path(json.loads(ran.out)["manifest"]))[2] == area(POOLS)


def test_chips_beyond_the_footprints_are_left_out_unless_they_are_complete(
    vigibati: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    corner = tmp_path / "corner.gpkg"
    shapes = [on_the_ground(one) for one in HOUSES[:1]]
    gpd.GeoDataFrame(geometry=shapes, crs="EPSG:2154").to_file(corner)
    ran = vigibati("chips", place / "ortho.tif", *small(tmp_path / "chips"), "--footprints", corner)
    report = json.loads(ran.out)
    # 25 m, 125 pixels, around a house that ends at column 80 and row 80: three chips across, three down.
    assert report["outside_cover"] == 36 - sum(report["chips"].values())
    assert 0 < sum(report["chips"].values()) < 10


def test_pixels_are_brought_to_another_ground_size(
    vigibati: Callable[..., Any], place: Path, tmp_path: Path
) -> None:
    ran = vigibati(
        "chips", place / "ortho.tif", *small(tmp_path / "chips"), "--whole-image", "--gsd-m", 0.3,
        "--footprints", place / "houses.gpkg",
    )  # fmt: skip
    report = json.loads(ran.out)
    assert report["gsd_m"] == pytest.approx(0.3)
    chips = read_manifests([Path(report["manifest"])])
    assert {chip.gsd_m for chip in chips} == {0.3}
    assert len(chips) == 16
    house = sum((chip.read_mask() == 1).sum() for chip in chips) * 0.3**2
    assert house == pytest.approx(area(HOUSES) * GSD_M**2, rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--footprints", "elsewhere.gpkg", "--whole-image"), "footprints: none of them lies on a chip"),
        (("--footprints", "nowhere.gpkg"), r"nowhere\.gpkg: does not say in which CRS"),
        (
            ("--footprints", "houses.gpkg", "--footprints", "pools.gpkg"),
            "--class: there are 2 footprint layers",
        ),
        (
            ("--footprints", "houses.gpkg", "--block-chips", "9", "--whole-image"),
            "split: chips lie in 1 block",
        ),
        (("--footprints", "houses.gpkg", "--dry-run"), "--dry-run: goes with --flair alone"),
        (("--footprints", "none.gpkg"), r"none\.gpkg: is not there"),
        ((), "chips: an orthophoto and --footprints are needed, or --flair"),
        (("--flair", "."), "--flair: does not go with an orthophoto"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    vigibati: Callable[..., Any],
    place: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(place)
    out = ("--out", tmp_path / "chips", "--chip-px", CHIP_PX)
    ran = vigibati("chips", "ortho.tif", *out, *arguments)
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert re.match(f"vigibati: {message}", line)
    assert not (tmp_path / "chips" / "chips.csv").exists()


def write_flair(folder: Path) -> Path:
    noise = np.random.default_rng(9)
    for domain, number in (("D004_2021", 826), ("D033_2021", 11), ("D033_2021", 12)):
        mask = np.full((1, 512, 512), 10, dtype=np.uint8)
        mask[0, 100:300, 100:300], mask[0, :20, :40], mask[0, 400:450, 200:260] = 1, 13, 18
        area = Path(domain) / "Z1_NN"
        coarse = noise.integers(0, 256, (5, 32, 32), dtype=np.uint8)
        image = coarse.repeat(16, axis=1).repeat(16, axis=2)
        write_tiff(folder / "flair_aerial_train" / area / "img" / f"IMG_{number:06d}.tif", image)
        write_tiff(folder / "flair_labels_train" / area / "msk" / f"MSK_{number:06d}.tif", mask)
    return folder


def test_flair_is_converted_and_trained_on(vigibati: Callable[..., Any], tmp_path: Path, root: Path) -> None:
    flair = write_flair(tmp_path / "flair")
    ran = vigibati("chips", "--flair", flair, "--out", tmp_path / "chips", "--dry-run", "--json")
    assert json.loads(ran.out)["chips"] == {"train": 2, "val": 1}
    assert not (tmp_path / "chips").exists()
    ran = vigibati("chips", "--flair", flair, "--out", tmp_path / "chips", "--json")
    manifest = Path(json.loads(ran.out)["manifest"])
    assert Image.open(manifest.parent / "images/D033_2021/Z1_NN_000012.jpg").size == (512, 512)

    recipe = yaml.safe_load((root / "configs" / "recipes" / "flair.yaml").read_text(encoding="utf-8"))
    recipe |= {
        "encoder": "mobilenet_v2", "weights": "none", "decoder_channels": [4] * 5, "crop_px": 64,
        "batch_size": 2, "steps_per_epoch": 1, "epochs": 1, "validate_every": 1,
    }  # fmt: skip
    config = tmp_path / "small.yaml"
    config.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    run = tmp_path / "run"
    ran = vigibati("train", "--config", config, "--data", manifest, "--out", run, "--workers", 0, "--json")
    assert ran.code == 0, ran.err
    contract = json.loads((run / "checkpoint" / "contract.json").read_text(encoding="utf-8"))
    assert contract["class_names"] == ["building", "pool", "greenhouse"]
    assert [(source["name"], source["chips"]) for source in contract["sources"]] == [("flair", 2)]
