"""IGN's FLAIR as it is unpacked: which patches there are, what their masks mean, who measures.

Sources, looked at in November 2026:

- classes and folders of FLAIR #1 and #2: README, ``csv_full/*.csv`` and ``py_module/utils.py`` of
  github.com/IGNF/FLAIR-1; 1-based, patches ``IMG_000826.tif`` and ``MSK_000826.tif`` of 512 x 512
  pixels of 0.2 m, bands red, green, blue, near infrared, elevation, 8 bits;
- classes of FLAIR-HUB: README and ``configs/train/config_supervision.yaml`` of
  github.com/IGNF/FLAIR-HUB; 0-based and in another order. Its folders
  (``D038-2021_AERIAL_RGBI/UU-S1-24/D038-2021_AERIAL_RGBI_UU-S1-24_4-2.tif``, labels in
  ``D038-2021_AERIAL_LABEL-COSIA``): card of the data set, huggingface.co/datasets/IGNF/FLAIR-HUB,
  and readers of it published by others;
- validation and test domains: *Data splits* of the card huggingface.co/datasets/IGNF/FLAIR
  (Garioud et al. 2023, arXiv:2310.13336) and the first fold of FLAIR-HUB as its readers give it, which
  agree on the validation; the test domains are those of both challenges and of that fold together.
  The lists in ``csv_full`` of FLAIR-1 divide otherwise and are not followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from vigibati.configs.errors import InputError

Edition = Literal["FLAIR", "FLAIR-HUB"]

CLASS_NAMES = ("building", "pool", "greenhouse")
"""Classes that masks are turned into: index 1, 2, 3."""

_FLAIR_CLASSES = MappingProxyType({1: 1, 13: 2, 18: 3})
_HUB_CLASSES = MappingProxyType({0: 1, 2: 2, 1: 3})

_VALIDATION = frozenset({"D004", "D014", "D029", "D031", "D058", "D066", "D067", "D077"})
_TEST = frozenset(
    {"D012", "D015", "D022", "D026", "D036", "D061", "D064", "D068"}
    | {"D069", "D071", "D073", "D075", "D076", "D083", "D084", "D085"}
)

_FLAIR_FILE = re.compile(r"(?P<kind>IMG|MSK)_(?P<patch>\d+)\.tif")
_HUB_FILE = re.compile(
    r"D\d+(-\d{4})?_AERIAL_(?P<kind>RGBI|LABEL-COSIA)_(?P<area>.+)_(?P<patch>\d+-\d+)\.tif"
)
_FLAIR_DOMAIN = re.compile(r"(?P<domain>D\d{3,6}_\d{4})")
_HUB_DOMAIN = re.compile(r"(?P<domain>D\d{3,6}-\d{4})_AERIAL_(RGBI|LABEL-COSIA)")
_FLAIR_AREA = re.compile(r"(?P<area>Z\d+_\w+)")
# FLAIR-HUB holds millions of files that are of no use here.
_PASSED_OVER = re.compile(r"D\d+(-\d+X?)?_(SENTINEL|SPOT|DEM|AERIAL-RLT|ALL_LABEL).*|sen")


@dataclass(frozen=True, slots=True)
class FlairPatch:
    """One labelled patch.

    Attributes:
        image: GeoTIFF; its first three bands are red, green and blue.
        mask: GeoTIFF of one band.
        domain: Département and year, such as "D004_2021".
        name: Path of the chip that it becomes, without suffix.
    """

    image: Path
    mask: Path
    domain: str
    name: str


@dataclass(frozen=True, slots=True)
class FlairFolder:
    """What a folder holds.

    Attributes:
        edition: FLAIR (#1 and #2) or FLAIR-HUB; their masks number the classes differently.
        patches: Patches with an image and a mask, in the order of their names.
        unlabelled: Images without a mask.
    """

    edition: Edition
    patches: tuple[FlairPatch, ...]
    unlabelled: int


def find_patches(folder: Path) -> FlairFolder:
    """List the patches of FLAIR or FLAIR-HUB, however deep their domains lie in a folder.

    Raises:
        InputError: There is no such folder, it holds no patch with a mask, or it holds both editions.
    """
    if not folder.is_dir():
        raise InputError(folder, "is no folder", "give the folder that FLAIR was unpacked into")
    images: dict[tuple[Edition, str, str], Path] = {}
    masks: dict[tuple[Edition, str, str], Path] = {}
    for edition, kind, domain, name, file in _files(folder):
        # The test sets of both challenges share domains: the same patch may lie there twice.
        (images if kind in {"IMG", "RGBI"} else masks).setdefault((edition, domain, name), file)
    editions = sorted({edition for edition, _, _ in images})
    if len(editions) > 1:
        cause = "holds both FLAIR and FLAIR-HUB, which show the same places"
        raise InputError(folder, cause, "give the folder of one of them")
    patches = tuple(
        FlairPatch(images[key], masks[key], key[1], f"{key[1]}/{key[2]}")
        for key in sorted(images)
        if key in masks
    )
    if not patches:
        cause = f"holds no patch of FLAIR with its mask ({len(images)} images, {len(masks)} masks)"
        cure = "give the folder that holds both flair_aerial_train and flair_labels_train, or the domains"
        raise InputError(folder, cause, f"{cure} of FLAIR-HUB (D004-2021_AERIAL_RGBI, …_AERIAL_LABEL-COSIA)")
    return FlairFolder(editions[0], patches, len(images) - len(patches))


def class_table(edition: Edition) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Return our class for every value of a mask, (256,): 0 = background, -1 = not in the nomenclature."""
    first, classes = (1, _FLAIR_CLASSES) if edition == "FLAIR" else (0, _HUB_CLASSES)
    table = np.full(256, -1, dtype=np.int16)
    table[first : first + 19] = 0
    for value, index in classes.items():
        table[value] = index
    return table


def split_domains(domains: Collection[str], *, val_share: float, seed: int) -> Mapping[str, str]:
    """Return the split of each domain: whole départements apart, as IGN has them.

    Where none of the official validation domains is there, as in the toy data, domains to measure on are
    drawn from those to learn from.

    Args:
        domains: Such as "D004_2021".
        val_share: Share of domains that is drawn, where it has to be.
        seed: Decides the draw.
    """
    splits = {domain: _official(domain) for domain in sorted(domains)}
    learnt = [domain for domain, split in splits.items() if split == "train"]
    if "val" not in splits.values() and len(learnt) > 1:
        count = min(max(1, round(val_share * len(learnt))), len(learnt) - 1)
        for index in np.random.default_rng(seed).permutation(len(learnt))[:count]:
            splits[learnt[index]] = "val"
    return splits


def has_official_validation(domains: Collection[str]) -> bool:
    """Whether a domain is there that IGN measures on."""
    return any(_official(domain) == "val" for domain in domains)


def _official(domain: str) -> str:
    place = re.split("[_-]", domain)[0]
    if place in _VALIDATION:
        return "val"
    return "test" if place in _TEST else "train"


def _files(folder: Path) -> Iterator[tuple[Edition, str, str, str, Path]]:
    """Yield edition, kind, domain, name within the domain, and file."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _PASSED_OVER.fullmatch(name))
        for name in sorted(names):
            file = Path(place) / name
            if match := _FLAIR_FILE.fullmatch(name):
                area = _part(file, _FLAIR_AREA)["area"]
                domain = _part(file, _FLAIR_DOMAIN)["domain"]
                yield "FLAIR", match["kind"], domain, f"{area}_{match['patch']}", file
            elif match := _HUB_FILE.fullmatch(name):
                domain = _part(file, _HUB_DOMAIN)["domain"]
                yield "FLAIR-HUB", match["kind"], domain, f"{match['area']}_{match['patch']}", file


def _part(file: Path, pattern: re.Pattern[str]) -> re.Match[str]:
    for part in reversed(file.absolute().parent.parts):
        if match := pattern.fullmatch(part):
            return match
    cause = f"lies in no folder of the form {pattern.pattern}, so that its place is not known"
    raise InputError(file, cause, "keep the folders as IGN packed them")
