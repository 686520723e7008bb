"""What a machine sees of a result, and how numbers are shown."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping

import numpy as np


def as_json(report: object) -> str:
    """Return a report as indented JSON that every parser reads.

    Dataclasses become objects, paths and dates text, numpy's numbers plain ones; a number that is not
    finite becomes null, because JSON has no word for it, and others show twelve digits, behind which
    binary fractions leave a trail such as 2.2499999999999996.
    """
    return json.dumps(_plain(report), indent=2, ensure_ascii=False, allow_nan=False, default=str)


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
