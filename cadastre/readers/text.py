"""Text whose encoding was taken for another on the way."""

from __future__ import annotations

import re
from typing import Final

_MOJIBAKE: Final = re.compile("[ÂÃâ]")


def readable(text: str) -> str:
    """Undo UTF-8 that was read as cp1252 or latin-1 ("bÃ¢ti"); a text that was right stays."""
    if not _MOJIBAKE.search(text):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text
