"""Pages with blocks of figures.

A block lies between ``<!-- figures:NAME -->`` and ``<!-- /figures:NAME -->``; what stands there is
made from ``checkpoints/`` and ``benchmarks/results/``, never typed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from adaptation import adapt_block
from alternatives import architectures_block, outlines_block
from case_lists import demo_block, nairobi_block, withheld_block
from comparison_truth import comparison_truth_block
from costs import energy_block, performance_block
from peer_tools import peers_block
from shipped_model import calibration_block, model_block

_BLOCK: Final = re.compile(r"(<!-- figures:([a-z-]+) -->\n).*?(<!-- /figures:\2 -->)", re.DOTALL)
_MARK: Final = re.compile(r"<!-- /?figures:[^>]*-->")

BLOCKS: Final[dict[str, Callable[[Path], str]]] = {
    "model": model_block,
    "calibration": calibration_block,
    "withheld": withheld_block,
    "demo": demo_block,
    "energy": energy_block,
    "outlines": outlines_block,
    "architectures": architectures_block,
    "peers": peers_block,
    "performance": performance_block,
    "comparison-truth": comparison_truth_block,
    "nairobi": nairobi_block,
    "adapt": adapt_block,
}
"""What can stand between two marks, by name; each is made from the results below a root."""


def pages(root: Path) -> Iterator[Path]:
    """Yield the pages that may hold blocks."""
    yield root / "README.md"
    yield from sorted((root / "docs").rglob("*.md"))


def rebuilt(page: Path, root: Path) -> str:
    """Return a page with every block made anew.

    Raises:
        ValueError: A mark is not closed, or names a block that does not exist.
    """
    text = page.read_text(encoding="utf-8")
    marks, blocks = _MARK.findall(text), _BLOCK.findall(text)
    if len(marks) != 2 * len(blocks):
        raise ValueError(f"{page}: a figures mark is not closed: {marks}")
    for _, name, _ in blocks:
        if name not in BLOCKS:
            raise ValueError(f"{page}: no figures '{name}'; there are {', '.join(BLOCKS)}")
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](root)}\n{found[3]}", text)
