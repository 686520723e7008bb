"""FLAIR as IGN packs it, with generated pixels: five bands and 1-based classes, or FLAIR-HUB's own."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from numpy.typing import NDArray

from vigibati.configs.errors import InputError, RasterError
from vigibati.configs.recipe import Recipe
from vigibati.datasets.chips.flair import class_table, find_patches, split_domains
from vigibati.datasets.chips.flair_chips import FlairReport, flair_chips
from vigibati.datasets.chips.manifest import read_manifests
from vigibati.datasets.chips.training_chips import TrainingChips

SIDE = 512
Write = Callable[..., Path]


def colours(seed: int, bands: int) -> NDArray[np.uint8]:
    values = np.random.default_rng(seed).integers(0, 256, (bands, SIDE // 16, SIDE // 16), dtype=np.uint8)
    return values.repeat(16, axis=1).repeat(16, axis=2)


def land(background: int, building: int, pool: int, greenhouse: int) -> NDArray[np.uint8]:
    values = np.full((1, SIDE, SIDE), background, dtype=np.uint8)
    values[0, 10:90, 20:60] = building
    values[0, 200:210, 300:320] = pool
    values[0, 400:, :50] = greenhouse
    return values


FLAIR_LAND = land(10, 1, 13, 18)
HUB_LAND = land(8, 0, 2, 1)
WANTED = land(0, 1, 2, 3)[0]


def write_tiff(path: Path, values: NDArray[np.uint8]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    bands, height, width = values.shape
    transform = Affine(0.2, 0, 700_000, 0, -0.2, 6_600_000)
    profile = {"driver": "GTiff", "dtype": "uint8", "crs": "EPSG:2154", "transform": transform}
    with rasterio.open(path, "w", count=bands, height=height, width=width, **profile) as raster:
        raster.write(values)
    return path


def add_patch(
    folder: Path, domain: str, number: int, *, part: str = "train", mask: NDArray[np.uint8] = FLAIR_LAND
) -> None:
    """One patch in the folders of the challenges, such as flair_aerial_train and flair_1_labels_test."""
    prefix = "flair" if part == "train" else "flair_1"
    area = "Z1_NN"
    image = folder / f"{prefix}_aerial_{part}" / domain / area / "img" / f"IMG_{number:06d}.tif"
    write_tiff(image, colours(number, 5))
    write_tiff(folder / f"{prefix}_labels_{part}" / domain / area / "msk" / f"MSK_{number:06d}.tif", mask)


def add_hub_patch(folder: Path, domain: str, patch: str) -> None:
    for kind, values in (("RGBI", colours(7, 4)), ("LABEL-COSIA", HUB_LAND)):
        name = f"{domain}_AERIAL_{kind}"
        write_tiff(folder / name / "UU-S1-24" / f"{name}_UU-S1-24_{patch}.tif", values)


@pytest.fixture
def flair(tmp_path: Path) -> Path:
    folder = tmp_path / "flair"
    add_patch(folder, "D004_2021", 826)
    add_patch(folder, "D033_2021", 11)
    add_patch(folder, "D033_2021", 12)
    add_patch(folder, "D012_2019", 62613, part="test")
    return folder


def rows_of(report: FlairReport) -> dict[str, dict[str, str]]:
    assert report.manifest is not None
    with report.manifest.open(encoding="utf-8", newline="") as handle:
        return {row["path"]: row for row in csv.DictReader(handle)}


def test_flair_becomes_chips_of_our_classes_split_as_ign_does(flair: Path, tmp_path: Path) -> None:
    report = flair_chips(flair, tmp_path / "chips")
    assert (report.edition, report.split, report.kept) == ("FLAIR", "official", 0)
    assert report.class_names == ("building", "pool", "greenhouse")
    assert report.chips == {"train": 2, "val": 1, "test": 1}
    assert report.domains == {"train": ("D033_2021",), "val": ("D004_2021",), "test": ("D012_2019",)}
    rows = rows_of(report)
    assert rows["images/D004_2021/Z1_NN_000826.jpg"]["split"] == "val"
    assert rows["images/D012_2019/Z1_NN_062613.jpg"]["place"] == "D012_2019"
    chips = read_manifests([tmp_path / "chips" / "chips.csv"])
    assert {(chip.source, chip.gsd_m) for chip in chips} == {("flair", 0.2)}
    for chip, number in zip(chips, (826, 62613, 11, 12), strict=True):
        assert np.array_equal(chip.read_mask(), WANTED)
        wanted = colours(number, 5)[:3].transpose(1, 2, 0)
        assert np.abs(chip.read_image().astype(int) - wanted).mean() < 3


def test_flair_hub_numbers_its_classes_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    add_hub_patch(folder, "D004-2021", "4-2")
    add_hub_patch(folder, "D024047-2021", "0-0")
    write_tiff(folder / "D004-2021_DEM_ELEV" / "UU-S1-24" / "D004-2021_DEM_ELEV_UU-S1-24_4-2.tif", HUB_LAND)
    report = flair_chips(folder, tmp_path / "chips")
    assert (report.edition, report.chips) == ("FLAIR-HUB", {"train": 1, "val": 1})
    assert list(rows_of(report)) == [
        "images/D004-2021/UU-S1-24_4-2.jpg",
        "images/D024047-2021/UU-S1-24_0-0.jpg",
    ]
    for chip in read_manifests([tmp_path / "chips" / "chips.csv"]):
        assert np.array_equal(chip.read_mask(), WANTED)


def test_folders_of_the_archives_are_read_too(tmp_path: Path) -> None:
    for kind, name, values in (("aerial", "IMG", colours(1, 5)), ("labels", "MSK", FLAIR_LAND)):
        write_tiff(tmp_path / "data" / "D070_2020" / kind / "Z9_UF" / f"{name}_047582.tif", values)
    (patch,) = find_patches(tmp_path / "data").patches
    assert (patch.domain, patch.name) == ("D070_2020", "D070_2020/Z9_UF_047582")


def test_the_tables_of_classes() -> None:
    flair, hub = class_table("FLAIR"), class_table("FLAIR-HUB")
    assert {value: int(flair[value]) for value in (0, 1, 2, 13, 18, 19, 20)} == {
        0: -1, 1: 1, 2: 0, 13: 2, 18: 3, 19: 0, 20: -1,
    }  # fmt: skip
    assert {value: int(hub[value]) for value in (0, 1, 2, 3, 18, 19, 255)} == {
        0: 1, 1: 3, 2: 2, 3: 0, 18: 0, 19: -1, 255: -1,
    }  # fmt: skip
    assert (int((flair >= 0).sum()), int((hub >= 0).sum())) == (19, 19)


def test_a_second_run_keeps_what_is_there(flair: Path, tmp_path: Path) -> None:
    out = tmp_path / "chips"
    first = flair_chips(flair, out)
    text = (out / "chips.csv").read_text()
    (out / "chips.csv").unlink()
    (out / "masks/D033_2021/Z1_NN_000012.png").unlink()  # as after an interruption between both files
    short = out / "images/D004_2021/Z1_NN_000826.jpg"
    short.write_bytes(short.read_bytes()[:-9])  # as after a copy to a full disk
    image = out / "images/D033_2021/Z1_NN_000011.jpg"
    before = image.stat().st_mtime_ns
    second = flair_chips(flair, out)
    assert (first.kept, second.kept) == (0, 2)
    assert image.stat().st_mtime_ns == before
    assert (out / "chips.csv").read_text() == text


def test_a_dry_run_counts_and_writes_nothing(flair: Path, tmp_path: Path) -> None:
    (flair / "flair_labels_train/D033_2021/Z1_NN/msk/MSK_000012.tif").unlink()
    report = flair_chips(flair, tmp_path / "chips", dry_run=True)
    assert (report.manifest, report.unlabelled) == (None, 1)
    assert report.chips == {"train": 1, "val": 1, "test": 1}
    assert not (tmp_path / "chips").exists()


def test_without_an_official_domain_some_are_drawn() -> None:
    domains = [f"D{number:03d}_2020" for number in (6, 7, 8, 9, 13, 16, 17, 21, 23, 30)]
    splits = split_domains(domains, val_share=0.2, seed=7)
    assert sorted(splits.values()) == ["train"] * 8 + ["val"] * 2
    assert splits == split_domains(domains[::-1], val_share=0.2, seed=7)
    assert splits != split_domains(domains, val_share=0.2, seed=8)
    assert split_domains(["D006_2020", "D012_2019"], val_share=0.2, seed=7) == {
        "D006_2020": "train",
        "D012_2019": "test",
    }


def unknown_class(folder: Path) -> None:
    add_patch(folder, "D033_2021", 11, mask=HUB_LAND)


def other_size(folder: Path) -> None:
    add_patch(folder, "D033_2021", 11, mask=FLAIR_LAND[:, :256])


def cut_short(folder: Path) -> None:
    path = folder / "flair_aerial_train/D033_2021/Z1_NN/img/IMG_000011.tif"
    path.write_bytes(path.read_bytes()[:-2000])


def two_bands(folder: Path) -> None:
    write_tiff(folder / "flair_aerial_train/D033_2021/Z1_NN/img/IMG_000011.tif", colours(1, 2))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unknown_class, r"MSK_000011\.tif: holds the value 0, which is no class of this edition"),
        (other_size, r"MSK_000011\.tif: is 512 x 256 pixels, its image IMG_000011\.tif is 512 x 512"),
        (cut_short, r"IMG_000011\.tif: is cut short"),
        (two_bands, r"IMG_000011\.tif: has 2 bands of uint8, 3 of 8 bits are needed"),
    ],
)
def test_a_patch_that_does_not_hold_is_named(
    flair: Path, tmp_path: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(flair)
    with pytest.raises(RasterError, match=message):
        flair_chips(flair, tmp_path / "chips")
    assert not (tmp_path / "chips" / "chips.csv").exists()


def nothing(folder: Path) -> None:
    for path in folder.rglob("MSK_*.tif"):
        path.unlink()


def both(folder: Path) -> None:
    add_hub_patch(folder, "D004-2021", "4-2")


def loose(folder: Path) -> None:
    (folder / "flair_aerial_train/D033_2021/Z1_NN/img/IMG_000011.tif").rename(folder / "IMG_000011.tif")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (nothing, r"flair: holds no patch of FLAIR with its mask \(4 images, 0 masks\)"),
        (both, "flair: holds both FLAIR and FLAIR-HUB"),
        (loose, r"IMG_000011\.tif: lies in no folder of the form .*; keep the folders as IGN packed them"),
        (lambda folder: folder.rename(folder.with_name("gone")), "flair: is no folder"),
    ],
)
def test_a_folder_that_is_not_flair_is_refused(
    flair: Path, spoil: Callable[[Path], None], message: str
) -> None:
    spoil(flair)
    with pytest.raises(InputError, match=message):
        find_patches(flair)


def test_the_recipe_draws_from_these_chips(flair: Path, tmp_path: Path, root: Path) -> None:
    flair_chips(flair, tmp_path / "chips")
    recipe = Recipe.read(root / "configs" / "recipes" / "flair.yaml")
    chips = [chip for chip in read_manifests([tmp_path / "chips" / "chips.csv"]) if chip.split == "train"]
    samples = [TrainingChips(chips, recipe)[key] for key in range(3)]
    assert {sample.image.shape for sample in samples} == {(3, 512, 512)}
    assert all(torch.equal(sample.label_weight, torch.ones(3, 512, 512)) for sample in samples)
    assert torch.stack([sample.target.amax((1, 2)) for sample in samples]).amax(0).tolist() == [1, 1, 1]
