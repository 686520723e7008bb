"""Chip manifests: which image goes with which mask, at which ground size."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from vigibati.configs.atomic_files import sha256_file
from vigibati.configs.errors import InputError

TARGET_SCALE: Final = 200
"""Value of a target of 1 in soft labels."""
WEIGHT_SCALE: Final = 50
"""Value of a weight of 1 in soft labels."""

_COLUMNS = ("path", "mask", "source", "split", "gsd_m")
# What a manifest may say of the files it names: checked wherever it is said.
_FINGERPRINTS = ("sha256", "mask_sha256")
_SPLITS = ("train", "val", "test")
# One plane of whole numbers: bilevel, grey, palette indices.
_MASK_MODES = ("1", "L", "P")
_WHITE = 255


@dataclass(frozen=True, slots=True)
class Chip:
    """One labelled image.

    ``mask`` is an image of the same size whose pixel is the index of a class: 0 = background,
    1 = first class (building), 2 = second class (pool), and so on. Where there are ``soft`` labels,
    these are learnt from instead: a grey image with a target and a weight of each class, one below
    the other, in units of `TARGET_SCALE` and `WEIGHT_SCALE`.
    """

    image: Path
    mask: Path
    source: str
    split: str
    gsd_m: float
    soft: Path | None = None

    def read_image(self) -> NDArray[np.uint8]:
        """Return the pixels, shape (H, W, 3), uint8, red-green-blue.

        Raises:
            InputError: The file is damaged.
        """
        with _opened(self.image) as picture:
            return np.asarray(picture.convert("RGB"))

    def read_mask(self) -> NDArray[np.uint8]:
        """Return the class index of each pixel, shape (H, W), uint8.

        Raises:
            InputError: The file is damaged.
        """
        return _read_grey(self.mask)

    def read_soft(self) -> NDArray[np.uint8]:
        """Return target and weight of each class in turn, shape (2 * classes, H, W), uint8.

        Raises:
            InputError: The chip has no soft labels, or the file is damaged.
        """
        if self.soft is None:
            raise InputError(self.image, "has no soft labels", "give them to the chip")
        with _opened(self.image) as picture:
            height = picture.height
        planes = _read_grey(self.soft)
        return planes.reshape(-1, height, planes.shape[1])


def read_manifests(paths: Sequence[Path]) -> tuple[Chip, ...]:
    """Read chip manifests (CSV); paths in them are relative to the manifest.

    Every file is looked at here, before any training begins: a reading process could only tell of it
    in the midst of a run. Where a manifest has the columns ``sha256`` and ``mask_sha256``, each file
    that has one is read once and must still have it.

    Raises:
        InputError: A manifest or a chip it names is missing, or a column is; a file is no image, is
            not the one that the manifest was written for, or a mask does not fit its image or is drawn in
            black and white.
    """
    return tuple(chip for path in paths for chip in _read_one(path))


def _read_one(path: Path) -> list[Chip]:
    if not path.is_file():
        raise InputError(
            path, "there is no such chip manifest", "give a CSV file with the columns " + ", ".join(_COLUMNS)
        )
    reader = csv.DictReader(io.StringIO(_text(path), newline=""))
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(path, f"columns {missing} are missing", "give the columns " + ", ".join(_COLUMNS))
    rows = [(_chip(path, line, row), row) for line, row in enumerate(reader, start=2)]
    if not rows:
        raise InputError(path, "names no chip", "give a manifest with at least one row")
    for chip, row in rows:
        _check_files(path, chip, row)
    return [chip for chip, _ in rows]


def _text(path: Path) -> str:
    try:
        # Spreadsheets put a mark before the text, which would become part of the first column's name.
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(path, f"line {line} is not UTF-8", "save it as CSV in UTF-8") from error


def _check_files(path: Path, chip: Chip, row: dict[str, str | None]) -> None:
    for file, column in zip((chip.image, chip.mask), _FINGERPRINTS, strict=True):
        if not file.is_file():
            raise InputError(
                path, f"names {file.name}, which is not there", "copy the chips beside the manifest"
            )
        said = row.get(column)
        if said and sha256_file(file) != said.lower():
            raise InputError(
                file,
                f"is not the file that {path.name} was written for: its SHA-256 differs from column {column}",
                "restore the file, or make the chips and their manifest again",
            )
    with _opened(chip.image) as picture, _opened(chip.mask) as mask:
        if mask.mode not in _MASK_MODES:
            raise InputError(
                chip.mask,
                f"holds {mask.mode} values, one class index of 8 bits per pixel is needed",
                "write it as an 8-bit grey PNG: 0 background, 1 the first class",
            )
        if mask.size != picture.size:
            across, down = mask.size
            width, height = picture.size
            cause = f"is {across} x {down} pixels, its image {chip.image.name} is {width} x {height}"
            raise InputError(chip.mask, cause, "give a mask of the size of its image")
        # Classes that no recipe names may be there, but nobody counts to the value for white.
        if mask.mode != "1" and mask.getextrema()[1] == _WHITE:
            cause = f"holds the value {_WHITE}, as pictures in black and white do, which is no class"
            raise InputError(
                chip.mask, cause, "write 0 for background, 1 for the first class, 2 for the second"
            )


def _read_grey(file: Path) -> NDArray[np.uint8]:
    with _opened(file) as picture:
        return np.asarray(picture).astype(np.uint8)


@contextmanager
def _opened(file: Path) -> Iterator[ImageFile]:
    try:
        with Image.open(file) as picture:
            yield picture
    # Pillow raises SyntaxError for broken chunks of a PNG.
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(
            file, f"cannot be read as an image ({error})", "restore it, or remove its line from the manifest"
        ) from error


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
    if values["split"] not in _SPLITS:
        cause = f"line {line}: split '{values['split']}' is unknown"
        raise InputError(path, cause, "write train, val or test")
    folder = path.parent
    return Chip(folder / values["path"], folder / values["mask"], values["source"], values["split"], gsd_m)


def manifest_sha256(chips: Sequence[Chip]) -> str:
    """Return one fingerprint of all chips: their pixels, labels, sources, splits and ground sizes."""
    digest = hashlib.sha256()
    for chip in chips:
        line = [sha256_file(chip.image), sha256_file(chip.mask), chip.source, chip.split, repr(chip.gsd_m)]
        if chip.soft is not None:
            line.append(sha256_file(chip.soft))
        digest.update("\n".join(line).encode())
    return digest.hexdigest()
