"""What a machine sees of a result, where it may be written, and how numbers are shown."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vigibati.configs.atomic_files import check_writable
from vigibati.configs.errors import OutputError


def as_json(report: object) -> str:
    """Return a report as indented JSON that every parser reads.

    Dataclasses become objects, paths and dates text, numpy's numbers plain ones; a number that is not
    finite becomes null, because JSON has no word for it, and others show twelve digits, behind which
    binary fractions leave a trail such as 2.2499999999999996.
    """
    return json.dumps(_plain(report), indent=2, ensure_ascii=False, allow_nan=False, default=str)


def check_json_place(out: Path) -> None:
    """Refuse a place that cannot take a result, before the work for it is done.

    Raises:
        OutputError: The file cannot be written there, or one that is no earlier result would be lost.
    """
    check_writable(out)
    if not out.exists():
        return
    try:
        earlier = json.loads(out.read_text(encoding="utf-8"))
    except ValueError:
        earlier = None
    if not isinstance(earlier, dict):
        raise OutputError(out, "exists and is no result in JSON", "give another name to --out")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return float(f"{value:.12g}") if math.isfinite(value) else None
    return value


def three_digits(value: float) -> str:
    """Return a number with three digits, or all of those before the point: never with an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004 -- from there on it has three
