"""What the identifier of a parcel tells: its commune, its sheet, and how some lists shorten it."""

from __future__ import annotations

import re
from typing import Literal

import pandas as pd

from vigibati.configs.territory import ParcelNames


def parcel_part(ids: pd.Series[str], part: Literal["commune", "sheet"], names: ParcelNames) -> pd.Series[str]:
    """Return a part of each identifier; null where it has another form, or the form no such part.

    Args:
        ids: Identifiers of parcels.
        part: Group of the pattern.
        names: How identifiers are made in the territory.
    """
    whole = re.compile(names.pattern)
    matches = map(whole.fullmatch, ids.fillna(""))
    told = [match[part] if match and part in whole.groupindex else None for match in matches]
    return pd.Series(told, index=ids.index, dtype="str")


def without_prefix(ids: pd.Series[str], names: ParcelNames) -> pd.Series[str]:
    """Return identifiers as lists write them that leave the prefix out; those of another form stay."""
    if names.short_pattern is None:
        return ids

    def shortened(match: re.Match[str]) -> str:
        start, end = match.span("prefix")
        return match.string[:start] + match.string[end:]

    return ids.str.replace(re.compile(rf"^(?:{names.pattern})\Z"), shortened, regex=True)
