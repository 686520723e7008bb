from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from rasterio.features import geometry_mask
from shapely.geometry import Polygon, box

from vigibati.configs.errors import InputError, SettingsError
from vigibati.datasets.chips.cut import CutReport, Cutting, cut_chips
from vigibati.datasets.chips.manifest import read_manifests
from vigibati.datasets.chips.spatial_split import Block, split_blocks
from vigibati.datasets.orthophoto.orthophoto import open_ortho

LEFT, TOP, GSD_M = 842_000.0, 6_519_000.0, 0.2
WIDTH, HEIGHT, CHIP = 320, 224, 64  # five chips across, three and a half down
CUTTING = Cutting(source="town", chip_px=CHIP, block_chips=2, val_share=0.3, seed=1)


def ground(col: float, row: float, width: float, height: float) -> Polygon:
    left, top = LEFT + col * GSD_M, TOP - row * GSD_M
    return box(left, top - height * GSD_M, left + width * GSD_M, top)


def layer(*places: Polygon, crs: str = "EPSG:2154") -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=list(places), crs=crs)


HOUSES = layer(ground(10, 20, 30, 18), ground(60, 50, 20, 20), ground(200, 100, 40, 40), ground(3, 200, 9, 9))
POOLS = layer(ground(70, 60, 30, 6), ground(250, 10, 8, 5))
OUTLINES = {"building": HOUSES, "pool": POOLS}


def pixels() -> np.ndarray[Any, np.dtype[np.uint8]]:
    rng = np.random.default_rng(5)
    coarse = rng.integers(30, 226, (3, HEIGHT // 8, WIDTH // 8), dtype=np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def made(values: np.ndarray[Any, np.dtype[np.uint8]], name: str = "ortho.tif") -> Path:
        profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "photometric": "rgb", "crs": "EPSG:2154"}
        transform = Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP)
        height, width = values.shape[1:]
        path = tmp_path / name
        with rasterio.open(path, "w", width=width, height=height, transform=transform, **profile) as raster:
            raster.write(values)
        return path

    return made


def cut(path: Path, out: Path, outlines: Mapping[str, gpd.GeoDataFrame] = OUTLINES, **more: Any) -> CutReport:
    with open_ortho([path]) as ortho:
        return cut_chips(ortho, outlines, out, **{"cutting": CUTTING, **more})


def rows_of(report: CutReport) -> list[dict[str, str]]:
    with report.manifest.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_chips_lie_side_by_side_and_their_masks_are_those_of_rasterio(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    values = pixels()
    report = cut(write(values), tmp_path / "chips")
    assert report.class_names == ("building", "pool")
    assert (report.gsd_m, report.without_image, report.outside_cover) == (0.2, 0, 0)
    assert sum(report.chips.values()) == 20  # the lower row is half a chip high, and just enough
    transform = Affine(GSD_M, 0, LEFT, 0, -GSD_M, TOP)
    house, pool = (
        geometry_mask(table.geometry, (HEIGHT, WIDTH), transform, invert=True) for table in OUTLINES.values()
    )
    wanted = np.where(house, 1, np.where(pool, 2, 0))
    found, seen = np.full((HEIGHT, WIDTH), 9), np.zeros((3, HEIGHT, WIDTH))
    for row in rows_of(report):
        down, across = (int(part[1:]) * CHIP for part in Path(row["path"]).stem.split("_"))
        place = slice(down, down + int(row["height"])), slice(across, across + int(row["width"]))
        found[place] = np.asarray(Image.open(report.manifest.parent / row["mask"]))
        seen[:, *place] = np.asarray(Image.open(report.manifest.parent / row["path"])).transpose(2, 0, 1)
    assert np.array_equal(found, wanted)
    assert np.abs(seen - values).mean() < 3


def test_no_block_is_in_both_splits(write: Callable[..., Path], tmp_path: Path) -> None:
    report = cut(write(pixels()), tmp_path / "chips")
    splits: dict[str, set[str]] = {}
    for row in rows_of(report):
        down, across = (int(part[1:]) // 2 for part in Path(row["path"]).stem.split("_"))
        assert row["place"] == f"block_{down}_{across}"
        splits.setdefault(row["place"], set()).add(row["split"])
    assert {frozenset(split) for split in splits.values()} == {frozenset({"train"}), frozenset({"val"})}
    assert Counter(split for (split,) in splits.values()) == report.blocks
    assert {chip.source for chip in read_manifests([report.manifest])} == {"town"}


def test_the_same_call_gives_the_same_files_and_another_seed_another_split(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    path = write(pixels())
    texts = [
        cut(path, tmp_path / str(number), cutting=Cutting("town", CHIP, 1, 0.3, seed)).manifest.read_text()
        for number, seed in enumerate((1, 1, 2))
    ]
    assert texts[0] == texts[1] != texts[2]


def test_where_there_is_no_image_there_is_no_chip_and_no_class(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    values = pixels()
    values[:, :, :64] = 0  # cells of 64 pixels that are wholly black are no image
    values[:, 64:128, 64:128] = 0
    values[:, 64:128, 192:256] = 0  # the upper part of a house
    report = cut(write(values), tmp_path / "chips", cutting=Cutting("town", 128, 1, 0.3, 1))
    rows = {Path(row["path"]).stem: row for row in rows_of(report)}
    # A quarter of the first is left, three eighths of the one below and of the lower right one.
    assert set(rows) == {"r0000_c0001", "r0000_c0002", "r0001_c0001"}
    assert report.without_image == 3
    mask = np.asarray(Image.open(report.manifest.parent / rows["r0000_c0001"]["mask"]))
    assert set(np.unique(mask)) == {0, 2}


def test_chips_that_reach_beyond_the_cover_are_left_out(write: Callable[..., Path], tmp_path: Path) -> None:
    # Two sheets with a gap of half a metre between them: no gap in what is known.
    sheets = ground(0, 0, 100, HEIGHT).union(ground(102.5, 0, 90, HEIGHT))
    report = cut(write(pixels()), tmp_path / "chips", cover=sheets)
    assert {Path(row["path"]).stem[6:] for row in rows_of(report)} == {"c0000", "c0001", "c0002"}
    assert report.outside_cover == 8


def test_a_picture_that_comes_again_is_not_measured_on(write: Callable[..., Path], tmp_path: Path) -> None:
    values = pixels()
    values[:, 64:128, 256:] = values[:, :64, :64]
    chips = {Block(row, col): 1 for row in range(4) for col in range(5)}
    first, again = Block(0, 0), Block(1, 4)
    seed = next(
        seed
        for seed in range(20)
        if (splits := split_blocks(chips, val_share=0.3, seed=seed))[first] != splits[again]
    )
    report = cut(write(values), tmp_path / "chips", cutting=Cutting("town", CHIP, 1, 0.3, seed))
    (pair,) = report.near_duplicates
    assert {pair.val, pair.train} == {"r0000_c0000", "r0001_c0004"}
    names = [Path(row["path"]).stem for row in rows_of(report)]
    assert pair.train in names
    assert pair.val not in names
    assert not (tmp_path / "chips" / "images" / f"{pair.val}.jpg").exists()
    assert sum(report.chips.values()) == 19


def test_an_image_that_repeats_itself_all_over_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    values = np.tile(pixels()[:, :64, :64], (1, 3, 5))
    with pytest.raises(InputError, match=r"split: all \d+ chips to measure on repeat one to learn from"):
        cut(write(values), tmp_path / "chips")
    assert not (tmp_path / "chips" / "chips.csv").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"chip_px": 63}, "--chip-px: is 63; use 64 or more"),
        ({"block_chips": 0}, "--block-chips: is 0; use 1 or more"),
        ({"val_share": 1.0}, r"--val-share: is 1\.0; use a share between 0 and 1"),
    ],
)
def test_a_way_of_cutting_that_cuts_nothing_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Cutting(**wrong)


@pytest.mark.parametrize(
    ("outlines", "changes", "message"),
    [
        (
            {"building": HOUSES.to_crs(3943)},
            {},
            "class 'building': outlines are in EPSG:3943, the image is in",
        ),
        ({"building": layer(ground(9000, 0, 10, 10))}, {}, "footprints: none of them lies on a chip"),
        (
            OUTLINES,
            {"cover": ground(10, 10, 50, 50)},
            "no chip of the image lies wholly where they are known",
        ),
        (OUTLINES, {"cutting": Cutting("town", CHIP, 9)}, "split: chips lie in 1 block"),
    ],
)
def test_what_cannot_be_cut_is_refused_before_anything_is_written(
    write: Callable[..., Path],
    tmp_path: Path,
    outlines: Mapping[str, gpd.GeoDataFrame],
    changes: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        cut(write(pixels()), tmp_path / "chips", outlines, **changes)
    assert not (tmp_path / "chips").exists()


BLOCKS = st.dictionaries(
    st.builds(Block, st.integers(0, 9), st.integers(0, 9)), st.integers(1, 16), min_size=2, max_size=40
)


@given(BLOCKS, st.floats(0.01, 0.9), st.integers(0, 2**31))
def test_blocks_are_split_near_to_the_share(chips: dict[Block, int], share: float, seed: int) -> None:
    splits = split_blocks(chips, val_share=share, seed=seed)
    assert set(splits) == set(chips)
    assert set(splits.values()) == {"train", "val"}
    measured = sum(count for block, count in chips.items() if splits[block] == "val")
    # One block more or less would be no nearer, but for what both sides need.
    bound = max(chips.values())
    total = sum(chips.values())
    assert abs(measured - share * total) <= bound or list(splits.values()).count("train") == 1


def test_a_split_needs_two_blocks() -> None:
    with pytest.raises(InputError, match="split: chips lie in 1 block"):
        split_blocks({Block(0, 0): 9}, val_share=0.2, seed=1)
