"""Training chips with exact masks, cut from many small made-up places."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rasterio.features import rasterize

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.errors import SettingsError
from vigibati.configs.paths import StrPath
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.synth.plan.commune import plan_commune
from vigibati.datasets.synth.plan.ground_plan import GroundPlan
from vigibati.datasets.synth.rendering.acquisition import any_look
from vigibati.datasets.synth.rendering.canvas import Frame
from vigibati.datasets.synth.rendering.render import Scene

_COLUMNS = ("path", "mask", "source", "split", "gsd_m", "width", "height", "building_share")
_PER_SIDE = 3  # a plan gives at most three by three chips
_QUALITY = 90
_YEAR = 2024
_ENOUGH = 0.02  # share of building pixels from which a chip is always kept
_EMPTY_KEPT = 0.25  # share of the others that is kept, so that the model sees open land too
_VALIDATION = 4  # one plan in ten, by its last digit: no place is in both splits


@dataclass(frozen=True, slots=True)
class _Chip:
    pixels: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    plan: int

    @property
    def building_share(self) -> float:
        return float((self.mask == 1).mean())


def synth_chips(
    *,
    seed: int = 7,
    count: int,
    chip_px: int = 512,
    gsd_m: float = 0.2,
    out: StrPath,
    progress: Progress = SILENT,
) -> Path:
    """Write chips of made-up villages under all kinds of light, and their masks.

    A mask shows roofs as seen from above whatever tree hides them: 0 background,
    1 building, 2 pool.

    Args:
        seed: Decides everything; equal seeds give equal chips.
        count: Number of chips.
        chip_px: Side of a chip.
        gsd_m: Size of a pixel on the ground.
        out: Folder for ``chips.csv``, ``images/`` and ``masks/``.
        progress: Listener; the stage counts chips.

    Returns:
        The path of ``chips.csv``, written last.

    Raises:
        SettingsError: The count or the size of the chips is out of range.
        OutputError: The folder cannot be written to.
    """
    side_m = _PER_SIDE * chip_px * gsd_m
    if count < 1:
        raise SettingsError("count", f"is {count}", "ask for at least one chip")
    if not 200 <= side_m <= 2000:  # noqa: PLR2004 - metres; the plan must hold a few streets
        raise SettingsError(
            "chip_px", f"a chip would be {side_m / 3:.0f} m wide", "choose between 67 and 667 m"
        )
    out, rows = Path(out), list[dict[str, object]]()
    with progress.stage("synthetic chips", count, "chips") as advance:
        for number, chip in zip(range(count), _chips(seed, chip_px, gsd_m), strict=False):
            rows.append(_written(chip, number, out, gsd_m))
            advance(1)
    table = out / "chips.csv"
    with whole_file(table) as temporary, temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table


def _chips(seed: int, chip_px: int, gsd_m: float) -> Iterator[_Chip]:
    size_km = math.ceil(_PER_SIDE * chip_px * gsd_m + 1) / 1000
    number = 0
    while True:
        place = int(np.random.default_rng([seed, number, 41]).integers(2**31))
        plan = plan_commune(seed=place, size_km=size_km)
        scene = Scene(plan, any_look(seed=place), year=_YEAR, gsd_m=gsd_m)
        rng = np.random.default_rng([seed, number, 43])
        whole = Frame(
            scene.frame.west, scene.frame.north, gsd_m, 0, 0, _PER_SIDE * chip_px, _PER_SIDE * chip_px
        )
        mask = plan_mask(plan, whole, year=_YEAR)
        pixels = scene.pixels(whole)
        for row in range(0, whole.height, chip_px):
            for col in range(0, whole.width, chip_px):
                part = slice(row, row + chip_px), slice(col, col + chip_px)
                chip = _Chip(pixels[part], mask[part], number)
                if rng.random() < _EMPTY_KEPT or chip.building_share >= _ENOUGH:
                    yield chip
        number += 1


def plan_mask(plan: GroundPlan, frame: Frame, *, year: int) -> NDArray[np.uint8]:
    """Return what stands in a year as classes: 0 background, 1 building, 2 pool, (H, W)."""
    pools = [(pool.outline, 2) for pool in plan.pools if pool.stands(year)]
    shapes = pools + [(building.outline, 1) for building in plan.standing(year)]
    size = (frame.height, frame.width)
    if not shapes:
        return np.zeros(size, dtype=np.uint8)
    return np.asarray(rasterize(shapes, out_shape=size, transform=frame.transform, dtype="uint8"))


def _written(chip: _Chip, number: int, out: Path, gsd_m: float) -> dict[str, object]:
    image, mask = f"images/s{number:05d}.jpg", f"masks/s{number:05d}.png"
    with whole_file(out / image) as temporary:
        Image.fromarray(chip.pixels).save(temporary, format="JPEG", quality=_QUALITY)
    with whole_file(out / mask) as temporary:
        Image.fromarray(chip.mask).save(temporary, format="PNG", optimize=True)
    height, width = chip.mask.shape
    values = (
        image,
        mask,
        "synthetic",
        "val" if chip.plan % 10 == _VALIDATION else "train",
        gsd_m,
        width,
        height,
    )
    return dict(zip(_COLUMNS, (*values, round(chip.building_share, 5)), strict=True))
