"""An orthophoto and the outlines of what stands there, cut into chips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from vigibati.configs.atomic_files import check_writable
from vigibati.configs.errors import InputError, SettingsError
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.chips.chip_files import (
    ChipLine,
    chip_line,
    image_path,
    mask_path,
    write_chip,
    write_manifest,
)
from vigibati.datasets.chips.class_masks import ClassOutlines, class_mask, class_outlines
from vigibati.datasets.chips.near_duplicates import NearDuplicate, difference_hash, near_duplicates
from vigibati.datasets.chips.spatial_split import Block, split_blocks
from vigibati.datasets.grid import PixelGrid, Window, ground_of, side_by_side
from vigibati.datasets.orthophoto.orthophoto import Orthophoto

# A chip that is mostly black teaches the edge of the image, not what stands on the ground.
_LEAST_IMAGE = 0.5
# Sheets and parcels are drawn one by one: between neighbours a gap of centimetres means nothing.
_GAP_M = 1.0
# Below this a chip shows less than one house at 0.2 m per pixel.
_SMALLEST_PX = 64


@dataclass(frozen=True, slots=True)
class Cutting:
    """How an orthophoto is cut.

    Attributes:
        source: Name of the place in the manifest; recipes know it by this name.
        chip_px: Side of a chip.
        block_chips: Side of a block in chips; a block is in one split as a whole.
        val_share: Share of chips to measure on.
        seed: Decides which blocks those are.

    Raises:
        SettingsError: Chips are smaller than 64 pixels, blocks hold none, or the share is none.
    """

    source: str = "own"
    chip_px: int = 512
    block_chips: int = 4
    val_share: float = 0.2
    seed: int = 7

    def __post_init__(self) -> None:
        if self.chip_px < _SMALLEST_PX:
            raise SettingsError("--chip-px", f"is {self.chip_px}", f"use {_SMALLEST_PX} or more")
        if self.block_chips < 1:
            raise SettingsError("--block-chips", f"is {self.block_chips}", "use 1 or more")
        if not 0 < self.val_share < 1:
            raise SettingsError("--val-share", f"is {self.val_share}", "use a share between 0 and 1")


@dataclass(frozen=True, slots=True)
class CutReport:
    """What was cut.

    Attributes:
        manifest: The manifest.
        class_names: Class of index 1, 2, … of the masks.
        gsd_m: Metres on the ground per pixel.
        chips: Number of chips by split.
        blocks: Number of blocks by split.
        without_image: Chips left out because over half of them is no image.
        outside_cover: Chips left out because nobody knows all that stands on their ground.
        near_duplicates: Chips to measure on that were dropped because one to learn from shows the same.
    """

    manifest: Path
    class_names: tuple[str, ...]
    gsd_m: float
    chips: Mapping[str, int]
    blocks: Mapping[str, int]
    without_image: int
    outside_cover: int
    near_duplicates: tuple[NearDuplicate, ...]


def cut_chips(
    ortho: Orthophoto,
    outlines: Mapping[str, gpd.GeoDataFrame],
    out: Path,
    *,
    cover: shapely.Geometry | None = None,
    cutting: Cutting = Cutting(),
    progress: Progress = SILENT,
) -> CutReport:
    """Cut an orthophoto into chips side by side, with a mask of the outlines on each.

    A pixel is of a class where its centre lies in an outline; where classes overlap, the first one
    counts. Chips do not overlap and none straddles two blocks, so that no pixel is in both splits; a
    chip to measure on that repeats one to learn from all the same is dropped. Chips are read one after
    the other, row by row, so that memory does not grow with the image.

    Args:
        ortho: Open orthophoto, at the ground size wanted.
        outlines: Polygons by class, in the image's CRS; index 1 is the first class.
        out: Folder to fill; ``chips.csv`` is written last.
        cover: Region, in the image's CRS, in which everything of these classes is outlined; None for
            all of the image. Chips that reach beyond are left out: ground without outlines is unknown
            there, not empty.
        cutting: Sizes and split.
        progress: Listener; the stage counts chips.

    Raises:
        InputError: Outlines in another CRS or not on the image, no two blocks to split, or no chip to
            measure on that is not a near duplicate.
        RasterError: A block of the image is damaged.
        OutputError: ``out`` cannot be written to.
    """
    shapes = class_outlines(ortho.grid, outlines)
    windows = side_by_side(ortho.grid, cutting.chip_px)
    known = _within(ortho.grid, windows, cover)
    _check_overlap(ortho.grid, shapes, known)
    # Refuses what cannot be split before the pixels are read; blocks without an image go later.
    _split(known, cutting)
    check_writable(out / "chips.csv")
    pieces: list[_Piece] = []
    with progress.stage("chips", len(known), "chips") as advance:
        for window in known:
            piece = _cut(ortho, window, shapes, out, cutting)
            if piece is not None:
                pieces.append(piece)
            advance(1)
    splits = _split([piece.window for piece in pieces], cutting)
    lines, repeated = _without_repetitions(pieces, splits, out, cutting)
    return CutReport(
        manifest=write_manifest(out, lines),
        class_names=tuple(outlines),
        gsd_m=ortho.grid.gsd_m,
        chips=Counter(line.split for line in lines),
        blocks=Counter(splits.values()),
        without_image=len(known) - len(pieces),
        outside_cover=len(windows) - len(known),
        near_duplicates=repeated,
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chip that was written: its line waits for the split."""

    window: Window
    name: str
    line: ChipLine
    bits: int


def _within(grid: PixelGrid, windows: Sequence[Window], cover: shapely.Geometry | None) -> list[Window]:
    if cover is None:
        return list(windows)
    gap = _GAP_M / grid.ground_scale
    # A centimetre is given away, so that rounding takes no chip that ends where the cover does.
    grown = shapely.buffer(cover, gap, join_style="mitre")
    closed = shapely.buffer(grown, -0.99 * gap, join_style="mitre")
    shapely.prepare(closed)
    inside = shapely.covers(closed, ground_of(grid, windows))
    known = [window for window, within in zip(windows, inside, strict=True) if within]
    if not known:
        raise InputError(
            "footprints",
            "no chip of the image lies wholly where they are known to be complete",
            "check that they are of this place, take smaller chips, or say that they are complete all over "
            "the image (--whole-image)",
        )
    return known


def _check_overlap(grid: PixelGrid, shapes: ClassOutlines, windows: Sequence[Window]) -> None:
    if shapes.tree.query(ground_of(grid, windows), predicate="intersects").size:
        return
    edges: NDArray[np.float64] = shapely.total_bounds(shapes.outlines)
    here, there = (", ".join(f"{edge:.0f}" for edge in bounds) for bounds in (grid.bounds, edges))
    cause = f"none of them lies on a chip of the image (image {here}; footprints {there}; {grid.crs.name})"
    raise InputError("footprints", cause, "give those of this place, and check that their CRS is right")


def _block(window: Window, cutting: Cutting) -> Block:
    side = cutting.chip_px * cutting.block_chips
    return Block(window.row // side, window.col // side)


def _split(windows: Sequence[Window], cutting: Cutting) -> Mapping[Block, str]:
    counts = Counter(_block(window, cutting) for window in windows)
    return split_blocks(counts, val_share=cutting.val_share, seed=cutting.seed)


def _cut(
    ortho: Orthophoto, window: Window, shapes: ClassOutlines, out: Path, cutting: Cutting
) -> _Piece | None:
    pixels = ortho.read(window)
    # An image's edge leaves narrow strips; they count as what is missing of a chip.
    if pixels.valid.sum() < _LEAST_IMAGE * cutting.chip_px**2:
        return None
    mask = class_mask(ortho.grid, window, shapes)
    mask[~pixels.valid] = 0
    image = np.ascontiguousarray(pixels.values.transpose(1, 2, 0))
    name = f"r{window.row // cutting.chip_px:04d}_c{window.col // cutting.chip_px:04d}"
    write_chip(out, name, image, mask)
    block = _block(window, cutting)
    line = chip_line(
        out,
        name,
        source=cutting.source,
        split="train",
        gsd_m=round(ortho.grid.gsd_m, 4),
        place=f"block_{block.row}_{block.col}",
    )
    return _Piece(window, name, line, difference_hash(image))


def _without_repetitions(
    pieces: Sequence[_Piece], splits: Mapping[Block, str], out: Path, cutting: Cutting
) -> tuple[list[ChipLine], tuple[NearDuplicate, ...]]:
    hashes: dict[str, dict[str, int]] = {"train": {}, "val": {}}
    for piece in pieces:
        hashes[splits[_block(piece.window, cutting)]][piece.name] = piece.bits
    repeated = near_duplicates(**hashes)
    dropped = {found.val for found in repeated}
    if len(dropped) == len(hashes["val"]):
        first = repeated[0]
        cause = f"all {len(dropped)} chips to measure on repeat one to learn from ({first.val} {first.train})"
        raise InputError("split", cause, "take another seed, or an image that does not repeat itself")
    for name in dropped:
        image_path(out, name).unlink()
        mask_path(out, name).unlink()
    lines = [
        replace(piece.line, split=splits[_block(piece.window, cutting)])
        for piece in pieces
        if piece.name not in dropped
    ]
    return lines, repeated
