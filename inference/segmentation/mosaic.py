"""One raster of probabilities from several, each of which holds for a part of the ground."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.windows import Window
from rasterio.windows import transform as transform_of
from scipy.special import expit

from vigibati.configs.contract import ModelContract
from vigibati.datasets.encoding import NO_IMAGE, PROBABILITY_SCALE
from vigibati.inference.probabilities.object_calibration import object_logits
from vigibati.inference.segmentation.cog import check_raster_place, raster_tags, write_cog
from vigibati.inference.segmentation.tiling import BLOCK_PX

_PROFILE = {
    "driver": "GTiff",
    "tiled": True,
    "blockxsize": BLOCK_PX,
    "blockysize": BLOCK_PX,
    "compress": "deflate",
    "zlevel": 1,
    "interleave": "band",
    "bigtiff": "if_safer",
}


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A raster and the ground that it is taken for, in its CRS."""

    probabilities: Path
    ground: shapely.Geometry


def mosaic(patches: Sequence[Patch], contract: ModelContract, out: Path) -> None:
    """Put rasters of probabilities on one grid together; each pixel comes from one of them.

    A pixel comes from the patch in whose ground its centre lies, or else from one whose ground touches
    it, from the last of several, and has no image where there is none. What the contract calibrates is
    applied: its temperatures, to pixels that were written without one, and its lines of objects, as tags.

    Args:
        patches: Rasters of ``segment`` by models without calibration, all on the same grid.
        contract: Names the classes and thresholds, and holds the calibration if there is one.
        out: The COG; it appears whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    tables = [_table(each.temperature) for each in contract.calibrations or ()]
    check_raster_place(out)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}.") as folder:
        strips = Path(folder) / "strips.tif"
        with ExitStack() as stack:
            sources = [stack.enter_context(rasterio.open(patch.probabilities)) for patch in patches]
            target = stack.enter_context(rasterio.open(strips, "w", **(sources[0].profile | _PROFILE)))
            target.descriptions = contract.class_names
            target.update_tags(**raster_tags(contract))
            grounds = [patch.ground for patch in patches]
            for row in range(0, target.height, BLOCK_PX):
                window = Window(0, row, target.width, min(BLOCK_PX, target.height - row))
                target.write(_strip(sources, grounds, window, tables), window=window)
        write_cog(strips, out)


def _strip(
    sources: Sequence[Any],
    grounds: Sequence[shapely.Geometry],
    window: Window,
    tables: Sequence[NDArray[np.uint8]],
) -> NDArray[np.uint8]:
    """Return rows of the result, (bands, H, W)."""
    first = sources[0]
    shape = (window.height, window.width)
    owner = np.zeros(shape, dtype=np.uint8)
    numbered = [(ground, number) for number, ground in enumerate(grounds, start=1)]
    # Between neighbours in another CRS lie slivers far narrower than a pixel: what is touched comes first.
    for touched in (True, False):
        rasterize(numbered, out=owner, transform=transform_of(window, first.transform), all_touched=touched)
    strip = np.full((first.count, *shape), NO_IMAGE, dtype=np.uint8)
    for number, source in enumerate(sources, start=1):
        mine = owner == number
        if mine.any():
            strip[:, mine] = source.read(window=window)[:, mine]
    for band, table in zip(strip, tables, strict=False):
        band[:] = table[band]
    return strip


def _table(temperature: float) -> NDArray[np.uint8]:
    """Return what each stored value becomes when the logit behind it is divided by the temperature."""
    logits = object_logits(np.arange(PROBABILITY_SCALE + 1) / PROBABILITY_SCALE) / temperature
    values = np.rint(expit(logits) * PROBABILITY_SCALE)
    # What was as good as certain stays so: behind it the logit is not known.
    values[[0, PROBABILITY_SCALE]] = 0, PROBABILITY_SCALE
    return np.append(values, NO_IMAGE).astype(np.uint8)
