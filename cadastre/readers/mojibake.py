"""Text that was written in one encoding and read in another."""

from __future__ import annotations

import re
from typing import Final

_MOJIBAKE: Final = re.compile("[ÂÃâ]")


def readable(label: str) -> str:
    """Undo UTF-8 that was read as cp1252 or latin-1 ("bÃ¢ti"); a label that was right stays."""
    if not _MOJIBAKE.search(label):
        return label
    for encoding in ("cp1252", "latin-1"):
        try:
            return label.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return label
