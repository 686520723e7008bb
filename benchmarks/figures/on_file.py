"""What the measurements left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

_ABSENT: Final = "*Not measured yet: `{path}` is not there.*"
_OTHER_WEIGHTS: Final = "*Measured with other weights (`{found}…`) than the shipped ones (`{shipped}…`).*"
_SHORT: Final = 12

VERDICTS: Final = ("real", "unclear", "not_real")
"""What a person can say of a case in ``benchmarks/reviews``, in the order of the tables."""


def read(root: Path, path: str) -> tuple[Any, str]:
    """Return a result, or None and the words that say that it is missing."""
    file = root / path
    if not file.is_file():
        return None, _ABSENT.format(path=path)
    return json.loads(file.read_text(encoding="utf-8")), ""


def weights_note(root: Path, found: str) -> str:
    """Return a warning where a result comes from other weights than the shipped ones, else nothing."""
    contract, absent = read(root, "checkpoints/contract.json")
    if contract is None:
        return absent
    shipped = contract["weights_sha256"]
    return "" if found == shipped else _OTHER_WEIGHTS.format(found=found[:_SHORT], shipped=shipped[:_SHORT])
