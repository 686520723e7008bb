"""FLAIR turned into chips that training reads without GDAL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from vigibati.configs.atomic_files import check_writable
from vigibati.configs.errors import RasterError
from vigibati.configs.paths import StrPath
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.chips.chip_files import chip_line, is_written, write_chip, write_manifest
from vigibati.datasets.chips.flair import (
    CLASS_NAMES,
    Edition,
    FlairPatch,
    class_table,
    find_patches,
    has_official_validation,
    split_domains,
)
from vigibati.datasets.orthophoto.safe_open import open_raster, shielded

_GSD_M = 0.2


@dataclass(frozen=True, slots=True)
class FlairReport:
    """What was made of a FLAIR folder.

    Attributes:
        manifest: The manifest; None where nothing was to be written.
        edition: FLAIR or FLAIR-HUB.
        class_names: Class of index 1, 2, 3 of the masks.
        split: Who measures: IGN's own validation domains, or domains that were drawn.
        chips: Number of chips by split.
        domains: Domains by split.
        kept: Chips that were there from an earlier run.
        unlabelled: Images without a mask, passed over.
    """

    manifest: Path | None
    edition: Edition
    class_names: tuple[str, ...]
    split: Literal["official", "drawn"]
    chips: Mapping[str, int]
    domains: Mapping[str, tuple[str, ...]]
    kept: int
    unlabelled: int


def flair_chips(
    folder: StrPath,
    out: StrPath,
    *,
    source: str = "flair",
    val_share: float = 0.2,
    seed: int = 7,
    dry_run: bool = False,
    progress: Progress = SILENT,
) -> FlairReport:
    """Turn the patches of a FLAIR folder into JPEG chips, masks of our classes and a manifest.

    Only red, green and blue are kept. A run that was cut short goes on where it stopped: a chip is
    there whole or not at all. One patch is held in memory at a time, and the names of all.

    Args:
        folder: Where FLAIR or FLAIR-HUB was unpacked.
        out: Folder to fill; ``chips.csv`` is written last.
        source: Name of the source in the manifest.
        val_share: Share of domains to measure on, where the folder holds no official one.
        seed: Decides that draw.
        dry_run: Count, and write nothing.
        progress: Listener; the stage counts chips.

    Raises:
        InputError: The folder holds no labelled patch of FLAIR.
        RasterError: A patch is damaged, or its mask holds a value that is no class.
        OutputError: ``out`` cannot be written to.
    """
    folder, out = Path(folder), Path(out)
    found = find_patches(folder)
    splits = split_domains({patch.domain for patch in found.patches}, val_share=val_share, seed=seed)
    check_writable(out / "chips.csv")
    lines, kept = [], 0
    table = class_table(found.edition)
    with progress.stage("chips", len(found.patches), "chips") as advance:
        for patch in () if dry_run else found.patches:
            if is_written(out, patch.name):
                kept += 1
            else:
                _convert(patch, out, table)
            split = splits[patch.domain]
            line = chip_line(out, patch.name, source=source, split=split, gsd_m=_GSD_M, place=patch.domain)
            lines.append(line)
            advance(1)
    return FlairReport(
        manifest=None if dry_run else write_manifest(out, lines),
        edition=found.edition,
        class_names=CLASS_NAMES,
        split="official" if has_official_validation(splits) else "drawn",
        chips=Counter(splits[patch.domain] for patch in found.patches),
        domains={
            split: tuple(domain for domain in splits if splits[domain] == split)
            for split in ("train", "val", "test")
        },
        kept=kept,
        unlabelled=found.unlabelled,
    )


def _convert(patch: FlairPatch, out: Path, table: NDArray[np.int16]) -> None:
    pixels = _read(patch.image, bands=3)
    values = _read(patch.mask, bands=1)[0]
    if pixels.shape[1:] != values.shape:
        cause = f"is {_size(values)} pixels, its image {patch.image.name} is {_size(pixels)}"
        raise RasterError(patch.mask, cause, "unpack both again")
    classes = table[values]
    if (classes < 0).any():
        cause = f"holds the value {values[classes < 0][0]}, which is no class of this edition of FLAIR"
        raise RasterError(patch.mask, cause, "unpack it again, or leave the patch out")
    write_chip(out, patch.name, np.ascontiguousarray(pixels.transpose(1, 2, 0)), classes.astype(np.uint8))


def _read(path: Path, *, bands: int) -> NDArray[np.uint8]:
    """Read the first bands of a file of 8 bits, (B, H, W)."""
    with open_raster(path) as dataset:
        if dataset.count < bands or dataset.dtypes[0] != "uint8":
            cause = f"has {dataset.count} bands of {dataset.dtypes[0]}, {bands} of 8 bits are needed"
            raise RasterError(path, cause, "unpack it again")
        try:
            with shielded():
                values: NDArray[np.uint8] = dataset.read(list(range(1, bands + 1)))
        except RasterioError as error:
            cause = f"is damaged ({error.__cause__ or error})"
            raise RasterError(path, cause, "unpack it again") from error
    return values


def _size(values: NDArray[Any]) -> str:
    height, width = values.shape[-2:]
    return f"{width} x {height}"
