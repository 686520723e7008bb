"""Pixels brought to another pixel size, with a result that does not depend on how they are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from vigibati.datasets.grid import Pixels


@dataclass(frozen=True, slots=True)
class Axis:
    """How one axis of the target lies on the same axis of the source.

    Attributes:
        scale: Source pixels per target pixel.
        offset: Source coordinate of the edge of target pixel 0.
        size: Number of source pixels.
    """

    scale: float
    offset: float
    size: int

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return the source pixels that the target pixels from ``start`` to ``stop`` draw on."""
        reach = max(self.scale, 1.0)
        first = self.offset + (start + 0.5) * self.scale - 0.5 - reach
        last = self.offset + (stop - 0.5) * self.scale - 0.5 + reach
        return max(0, int(np.floor(first))), min(self.size, int(np.ceil(last)) + 1)

    def weights(self, start: int, stop: int) -> csr_array[np.float32]:
        """Return the (target, source) weights for the same pixels and their span.

        A triangle as wide as the coarser of both pixels: bilinear towards finer pixels, an
        antialiased average towards coarser ones, as in Pillow's ``BILINEAR``. Weights are computed
        from absolute positions, so that a pixel's value is the same in every window.
        """
        first, last = self.span(start, stop)
        reach = max(self.scale, 1.0)
        centres = self.offset + (np.arange(start, stop) + 0.5) * self.scale - 0.5
        taps = np.floor(centres - reach).astype(np.int64)[:, None] + np.arange(int(2 * reach) + 3)
        weights = np.maximum(0.0, 1.0 - np.abs(taps - centres[:, None]) / reach)
        weights /= weights.sum(axis=1, keepdims=True)
        used = (weights > 0) & (taps >= first) & (taps < last)
        rows = np.broadcast_to(np.arange(stop - start)[:, None], taps.shape)
        entries = (weights[used].astype(np.float32), (rows[used], taps[used] - first))
        return csr_array(entries, shape=(stop - start, max(0, last - first)))


def resample(source: Pixels, *, down: csr_array[np.float32], across: csr_array[np.float32]) -> Pixels:
    """Weigh the valid source pixels under every target pixel.

    Args:
        source: Pixels of the spans of both axes.
        down: Weights of the rows, (target rows, source rows).
        across: Weights of the columns, (target columns, source columns).

    Returns:
        Target pixels; valid where at least half of the weight lies on an image.
    """
    cover = _weigh(source.valid.astype(np.float32), down, across)
    valid = cover >= 0.5  # noqa: PLR2004 - half
    values = np.zeros((len(source.values), *valid.shape), dtype=np.uint8)
    for band, pixels in zip(values, source.values, strict=True):
        weighed = _weigh(np.where(source.valid, pixels, 0).astype(np.float32), down, across)
        band[valid] = np.rint(weighed[valid] / cover[valid]).astype(np.uint8)
    return Pixels(values, valid)


def _weigh(
    pixels: NDArray[np.float32], down: csr_array[np.float32], across: csr_array[np.float32]
) -> NDArray[np.float32]:
    rows = down @ pixels
    return np.ascontiguousarray((across @ rows.T).T)
