"""How figures are set out in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table, without a last end of line."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def joined(*parts: str) -> str:
    """Return the parts that say anything, as paragraphs."""
    return "\n\n".join(part for part in parts if part)


def rounded(value: float | None, places: int = 2) -> str:
    """Return a figure with its decimal places, or a dash where nothing could be measured."""
    return "–" if value is None else f"{value:.{places}f}"
