from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vigibati.configs.errors import InputError
from vigibati.datasets.chips.chip_files import chip_line, write_chip, write_manifest
from vigibati.datasets.chips.manifest import read_manifests

PIXELS = np.random.default_rng(3).integers(0, 256, (40, 64, 3), dtype=np.uint8)
MASK = np.zeros((40, 64), dtype=np.uint8)
MASK[:10, :16] = 1
MASK[20:, 32:] = 2


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    write_chip(tmp_path, "place/a", PIXELS, MASK)
    line = chip_line(tmp_path, "place/a", source="town", split="train", gsd_m=0.2, place="block_0_0")
    return write_manifest(tmp_path, [line])


def rewrite(manifest: Path, **changes: str) -> Path:
    with manifest.open(encoding="utf-8", newline="") as handle:
        (row,) = csv.DictReader(handle)
    with manifest.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(row))
        writer.writeheader()
        writer.writerow({**row, **changes})
    return manifest


def test_a_chip_is_described_and_read_back(manifest: Path) -> None:
    (chip,) = read_manifests([manifest])
    assert (chip.source, chip.split, chip.gsd_m) == ("town", "train", 0.2)
    assert np.array_equal(chip.read_mask(), MASK)
    assert chip.read_image().shape == PIXELS.shape
    with manifest.open(encoding="utf-8", newline="") as handle:
        (row,) = csv.DictReader(handle)
    assert (row["width"], row["height"], row["place"]) == ("64", "40", "block_0_0")
    assert float(row["building_share"]) == 10 * 16 / (40 * 64)


def test_noise_survives_the_jpeg_within_a_few_steps(manifest: Path) -> None:
    (chip,) = read_manifests([manifest])
    assert np.abs(chip.read_image().astype(int) - PIXELS).mean() < 6


@pytest.mark.parametrize(
    ("name", "column"), [("images/place/a.jpg", "sha256"), ("masks/place/a.png", "mask_")]
)
def test_a_file_that_was_changed_is_named(manifest: Path, name: str, column: str) -> None:
    file = manifest.parent / name
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(
        InputError, match=rf"{file.name}: is not the file that chips\.csv .* {column}.*; restore"
    ):
        read_manifests([manifest])


def test_a_manifest_without_fingerprints_vouches_for_nothing(manifest: Path) -> None:
    file = manifest.parent / "images/place/a.jpg"
    file.write_bytes(file.read_bytes() + b"\0")
    assert len(read_manifests([rewrite(manifest, sha256="")])) == 1


def smaller(manifest: Path) -> None:
    Image.fromarray(MASK[:20]).save(manifest.parent / "masks/place/a.png")


def coloured(manifest: Path) -> None:
    Image.fromarray(PIXELS).save(manifest.parent / "masks/place/a.png")


def cut_short(manifest: Path) -> None:
    (manifest.parent / "masks/place/a.png").write_bytes(b"\x89PNG\r\n\x1a\n")


def black_and_white(manifest: Path) -> None:
    Image.fromarray(np.where(MASK > 0, 255, 0).astype(np.uint8)).save(manifest.parent / "masks/place/a.png")


def misspelt(manifest: Path) -> None:
    rewrite(manifest, split="valid")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (smaller, r"a\.png: is 64 x 20 pixels, its image a\.jpg is 64 x 40; give a mask of the size"),
        (coloured, r"a\.png: holds RGB values, one class index"),
        (cut_short, r"a\.png: cannot be read as an image"),
        (black_and_white, r"a\.png: holds the value 255, .* no class; write 0 for background, 1 for the"),
        (misspelt, r"chips\.csv: line 2: split 'valid' is unknown; write train, val or test"),
    ],
)
def test_chips_that_do_not_hold_are_refused(
    manifest: Path, spoil: Callable[[Path], None], message: str
) -> None:
    rewrite(manifest, mask_sha256="")
    spoil(manifest)
    with pytest.raises(InputError, match=message):
        read_manifests([manifest])


def test_classes_that_no_recipe_names_are_allowed(manifest: Path) -> None:
    Image.fromarray(np.where(MASK > 0, 254, 0).astype(np.uint8)).save(manifest.parent / "masks/place/a.png")
    (chip,) = read_manifests([rewrite(manifest, mask_sha256="")])
    assert chip.read_mask().max() == 254


def test_one_bit_is_white_too(manifest: Path) -> None:
    Image.fromarray(MASK > 0).save(manifest.parent / "masks/place/a.png")
    (chip,) = read_manifests([rewrite(manifest, mask_sha256="")])
    assert chip.read_mask().max() == 1


def test_a_spreadsheet_may_have_saved_it(manifest: Path) -> None:
    text = rewrite(manifest, source="Châteauneuf").read_text(encoding="utf-8")
    manifest.write_text(text, encoding="utf-8-sig")
    assert read_manifests([manifest])[0].source == "Châteauneuf"
    manifest.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"chips\.csv: line 2 is not UTF-8; save it as CSV in UTF-8"):
        read_manifests([manifest])


def test_pixels_that_end_early_are_one_clear_line(manifest: Path) -> None:
    file = manifest.parent / "images/place/a.jpg"
    file.write_bytes(file.read_bytes()[:-800])
    (chip,) = read_manifests([rewrite(manifest, sha256="")])
    with pytest.raises(InputError, match=r"a\.jpg: cannot be read as an image .*; restore it"):
        chip.read_image()
