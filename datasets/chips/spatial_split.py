"""Neighbours know each other: whole blocks of ground are learnt from, or measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vigibati.configs.errors import InputError


@dataclass(frozen=True, slots=True, order=True)
class Block:
    """A square of chips, counted from the upper left of an image."""

    row: int
    col: int


def split_blocks(chips: Mapping[Block, int], *, val_share: float, seed: int) -> Mapping[Block, str]:
    """Return the split of each block, "train" or "val".

    Blocks are drawn for measuring until the share of their chips is as near to ``val_share`` as the
    draw allows; at least one block is on each side.

    Args:
        chips: Number of chips by block.
        val_share: Share of chips to measure on.
        seed: Decides the order of the draw.

    Raises:
        InputError: There are no two blocks.
    """
    if len(chips) < 2:  # noqa: PLR2004 - one to learn from, one to measure on
        cause = f"chips lie in {len(chips)} block, so that no place is left to measure on"
        raise InputError("split", cause, "take smaller blocks or chips, or a larger image")
    blocks = sorted(chips)
    order = [blocks[index] for index in np.random.default_rng(seed).permutation(len(blocks))]
    drawn = np.cumsum([chips[block] for block in order])
    misses = np.abs(drawn[:-1] - val_share * drawn[-1])
    measured = set(order[: int(misses.argmin()) + 1])
    return {block: "val" if block in measured else "train" for block in blocks}
