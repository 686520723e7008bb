"""A territory as pieces to learn from: cut once, labelled again whenever more is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
import shapely
from numpy.typing import NDArray
from PIL import Image

from vigibati.configs.atomic_files import whole_file
from vigibati.configs.progress import SILENT, Progress
from vigibati.datasets.chips.chip_files import image_path, is_written, mask_path, write_chip
from vigibati.datasets.chips.manifest import TARGET_SCALE, WEIGHT_SCALE
from vigibati.datasets.chips.soft_labels import Evidence, burnt, soft_labels
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.datasets.grid import PixelGrid, Window, ground_of, side_by_side
from vigibati.datasets.orthophoto.orthophoto import Orthophoto

_LEAST_IMAGE = 0.5
# A piece of which less is known costs as much time as any other and teaches little.
_LEAST_KNOWN = 0.05


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the territory.

    Attributes:
        name: Of its files.
        window: Its pixels.
        image: The pixels as JPEG.
    """

    name: str
    window: Window
    image: Path


def choose_windows(
    grid: PixelGrid, cover: shapely.Geometry, *, chip_px: int, most: int, seed: int
) -> list[Window]:
    """Return windows side by side that touch a cover, row by row; a random part of them if there are many.

    Args:
        grid: Of the image.
        cover: In its CRS.
        chip_px: Side of a window.
        most: How many at most.
        seed: Decides which are taken.
    """
    windows = side_by_side(grid, chip_px)
    shapely.prepare(cover)
    wanted = np.flatnonzero(shapely.intersects(cover, ground_of(grid, windows)))
    if len(wanted) > most:
        wanted = np.sort(np.random.default_rng(seed).choice(wanted, most, replace=False))
    return [windows[number] for number in wanted]


def cut_pieces(
    ortho: Orthophoto, windows: Sequence[Window], out: Path, *, progress: Progress = SILENT
) -> list[Piece]:
    """Write the image of each window that shows enough, and an empty mask; what is there stays.

    Enough is half of the largest of them: what the edge of the image leaves of a narrow one is missing too.

    Args:
        ortho: The image.
        windows: As `choose_windows` gives them.
        out: Folder to fill.
        progress: Told of finished windows.

    Raises:
        RasterError: A block of the image is damaged.
        OutputError: The folder cannot be written to.
    """
    pieces, whole = [], max((window.width * window.height for window in windows), default=0)
    with progress.stage("cut", len(windows), "pieces") as advance:
        for window in windows:
            name = f"r{window.row:06d}_c{window.col:06d}"
            if not is_written(out, name):
                pixels = ortho.read(window)
                if pixels.valid.sum() < _LEAST_IMAGE * whole:
                    advance(1)
                    continue
                values = np.ascontiguousarray(pixels.values.transpose(1, 2, 0))
                write_chip(out, name, values, np.zeros(pixels.valid.shape, dtype=np.uint8))
            pieces.append(Piece(name, window, image_path(out, name)))
            advance(1)
    return pieces


def write_mask(out: Path, piece: Piece, grid: PixelGrid, outlines: Sequence[NDArray[np.object_]]) -> Path:
    """Write the classes of a piece as a mask; of several classes the first counts.

    Args:
        out: Folder to fill.
        piece: The piece.
        grid: Of the image.
        outlines: Of each class, in the CRS of the image.

    Raises:
        OutputError: The folder cannot be written to.
    """
    mask = np.zeros((piece.window.height, piece.window.width), dtype=np.uint8)
    for number, of_class in reversed(list(enumerate(outlines, start=1))):
        mask[burnt(grid, piece.window, of_class)] = number
    path = mask_path(out, piece.name)
    with whole_file(path) as part:
        Image.fromarray(mask).save(part, format="PNG")
    return path


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of a territory, in the CRS of the image.

    Attributes:
        evidence: Of each class of the model, in its order; None of a class that nobody records.
        known: (N,) polygons in which the evidence is complete.
        view: Probability raster of the model that keeps its own view of the classes without evidence.
        view_weight: How much that counts.
        taught: Whether a class with evidence is at least as likely as that model finds it.
    """

    evidence: Mapping[str, Evidence | None]
    known: NDArray[np.object_]
    view: Path
    view_weight: float
    taught: bool = False

    def write(self, out: Path, piece: Piece, grid: PixelGrid) -> Path | None:
        """Write the soft labels of a piece, a target and a weight of each class, one below the other.

        Args:
            out: Folder to fill.
            piece: The piece.
            grid: Of the image.

        Returns:
            The file; None, and nothing written, where hardly anything of the piece is known.

        Raises:
            OutputError: The folder cannot be written to.
        """
        known = burnt(grid, piece.window, self.known)
        view, shown = self._view(piece.window)
        known &= shown
        if known.mean() < _LEAST_KNOWN:
            return None
        planes = []
        for evidence, seen in zip(self.evidence.values(), view, strict=True):
            own = np.rint(seen / PROBABILITY_SCALE * TARGET_SCALE).astype(np.uint8)
            if evidence is None:
                target, weight = (
                    own,
                    np.full(seen.shape, round(self.view_weight * WEIGHT_SCALE), dtype=np.uint8),
                )
            else:
                target, weight = soft_labels(grid, piece.window, evidence)
                if self.taught:
                    # What a person decided weighs more than 1, and stays.
                    target = np.where(weight > WEIGHT_SCALE, target, np.maximum(target, own))
            planes += [target, np.where(known, weight, 0)]
        path = out / "soft" / f"{piece.name}.png"
        with whole_file(path) as part:
            Image.fromarray(np.concatenate(planes).astype(np.uint8)).save(
                part, format="PNG", compress_level=1
            )
        return path

    def _view(self, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        with rasterio.open(self.view) as raster:
            part = rasterio.windows.Window(window.col, window.row, window.width, window.height)
            values: NDArray[np.uint8] = raster.read(window=part)
        shown = values[0] != NO_IMAGE
        return np.where(shown, values, 0), shown
