"""Chip manifests: which image goes with which mask, at which ground size."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vigibati.configs.errors import InputError
from vigibati.configs.files import sha256_file

_COLUMNS = ("path", "mask", "source", "split", "gsd_m")


@dataclass(frozen=True, slots=True)
class Chip:
    """One labelled image.

    ``mask`` is an image of the same size whose pixel is the index of a class: 0 = background,
    1 = first class (building), 2 = second class (pool), and so on.
    """

    image: Path
    mask: Path
    source: str
    split: str
    gsd_m: float

    def read_image(self) -> NDArray[np.uint8]:
        """Return the pixels, shape (H, W, 3), uint8, red-green-blue."""
        with Image.open(self.image) as picture:
            return np.asarray(picture.convert("RGB"))

    def read_mask(self) -> NDArray[np.uint8]:
        """Return the class index of each pixel, shape (H, W), uint8."""
        with Image.open(self.mask) as picture:
            return np.asarray(picture).astype(np.uint8)


def read_manifests(paths: Sequence[Path]) -> tuple[Chip, ...]:
    """Read chip manifests (CSV); paths in them are relative to the manifest.

    Raises:
        InputError: A manifest or a chip it names is missing, or a column is.
    """
    return tuple(chip for path in paths for chip in _read_one(path))


def _read_one(path: Path) -> list[Chip]:
    if not path.is_file():
        raise InputError(
            path, "there is no such chip manifest", "give a CSV file with the columns " + ", ".join(_COLUMNS)
        )
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError(
                path, f"columns {missing} are missing", "give the columns " + ", ".join(_COLUMNS)
            )
        chips = [_chip(path, line, row) for line, row in enumerate(reader, start=2)]
    if not chips:
        raise InputError(path, "names no chip", "give a manifest with at least one row")
    for chip in chips:
        for file in (chip.image, chip.mask):
            if not file.is_file():
                raise InputError(
                    path, f"names {file.name}, which is not there", "copy the chips beside the manifest"
                )
    return chips


def _chip(path: Path, line: int, row: dict[str, str | None]) -> Chip:
    values = {name: row[name] or "" for name in _COLUMNS}
    empty = [name for name, value in values.items() if not value]
    if empty:
        raise InputError(path, f"line {line} leaves {', '.join(empty)} empty", "fill it or remove the line")
    try:
        gsd_m = float(values["gsd_m"])
    except ValueError:
        gsd_m = math.nan
    if not 0 < gsd_m < math.inf:
        cause = f"line {line}: gsd_m '{values['gsd_m']}' is no size in metres"
        raise InputError(path, cause, "give metres per pixel, such as 0.2")
    folder = path.parent
    return Chip(folder / values["path"], folder / values["mask"], values["source"], values["split"], gsd_m)


def manifest_sha256(chips: Sequence[Chip]) -> str:
    """Return one fingerprint of all chips: their pixels, masks, sources, splits and ground sizes."""
    digest = hashlib.sha256()
    for chip in chips:
        line = (sha256_file(chip.image), sha256_file(chip.mask), chip.source, chip.split, repr(chip.gsd_m))
        digest.update("\n".join(line).encode())
    return digest.hexdigest()
