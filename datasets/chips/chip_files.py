"""Chips on disk: an image, its mask, and the line of the manifest that vouches for both."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vigibati.configs.atomic_files import sha256_file, whole_file

# A data set of a country is hundreds of gigabytes as PNG. What is lost here, with colour at full
# resolution, is little beside what orthophotos lost before: they are delivered as JPEG 2000 or JPEG.
_JPEG_QUALITY = 95
_JPEG_END = b"\xff\xd9"
_PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True, slots=True)
class ChipLine:
    """One line of a manifest; the fields are its columns.

    Attributes:
        path: Image, relative to the manifest.
        mask: Mask, relative to the manifest.
        source: Name that recipes know the place by.
        split: "train", "val" or "test".
        gsd_m: Metres on the ground per pixel.
        width: Columns of the image.
        height: Rows of the image.
        place: What was kept on one side of the split: a block, a domain.
        building_share: Share of pixels of the first class.
        sha256: Of the image file.
        mask_sha256: Of the mask file.
    """

    path: str
    mask: str
    source: str
    split: str
    gsd_m: float
    width: int
    height: int
    place: str
    building_share: float
    sha256: str
    mask_sha256: str


def image_path(out: Path, name: str) -> Path:
    """Return where the image of a chip lies."""
    return out / "images" / f"{name}.jpg"


def mask_path(out: Path, name: str) -> Path:
    """Return where the mask of a chip lies."""
    return out / "masks" / f"{name}.png"


def write_chip(out: Path, name: str, pixels: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    """Write the image and the mask of a chip, each whole or not at all, the mask last.

    Args:
        out: Folder of the manifest.
        name: Path of the chip without suffix, such as "D004_2021/Z1_NN_000001".
        pixels: (H, W, 3), red-green-blue.
        mask: (H, W), class indices, 0 = background.

    Raises:
        OutputError: The folder cannot be written to.
    """
    with whole_file(image_path(out, name)) as part:
        Image.fromarray(pixels).save(part, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    with whole_file(mask_path(out, name)) as part:
        Image.fromarray(mask).save(part, format="PNG", optimize=True)


def is_written(out: Path, name: str) -> bool:
    """Whether the image and the mask of a chip are there to their last byte."""
    return _ends_with(image_path(out, name), _JPEG_END) and _ends_with(mask_path(out, name), _PNG_END)


def _ends_with(path: Path, end: bytes) -> bool:
    if not path.is_file() or path.stat().st_size < len(end):
        return False
    with path.open("rb") as handle:
        handle.seek(-len(end), os.SEEK_END)
        return handle.read() == end


def chip_line(out: Path, name: str, *, source: str, split: str, gsd_m: float, place: str) -> ChipLine:
    """Describe a chip as it lies on disk."""
    image, mask = image_path(out, name), mask_path(out, name)
    with Image.open(mask) as picture:
        classes = np.asarray(picture)
    height, width = classes.shape
    return ChipLine(
        path=image.relative_to(out).as_posix(),
        mask=mask.relative_to(out).as_posix(),
        source=source,
        split=split,
        gsd_m=gsd_m,
        width=width,
        height=height,
        place=place,
        building_share=round(float((classes == 1).mean()), 5),
        sha256=sha256_file(image),
        mask_sha256=sha256_file(mask),
    )


def write_manifest(out: Path, lines: Sequence[ChipLine]) -> Path:
    """Write ``chips.csv``, which makes the chips a data set; to be called last.

    Returns:
        Its path.

    Raises:
        OutputError: The folder cannot be written to.
    """
    path = out / "chips.csv"
    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, [field.name for field in fields(ChipLine)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(line) for line in lines)
    return path
