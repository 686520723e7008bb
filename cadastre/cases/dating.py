"""Since when a case is there, from what older orthophotos show at its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vigibati.cadastre.case_kinds import RECORD_KINDS
from vigibati.cadastre.words import VERIFY, Language, Phrase
from vigibati.configs.legal import DeadlineRule
from vigibati.configs.method import VintageRules

_BETWEEN: Final = Phrase("apparu entre {last} et {first}", "appeared between {last} and {first}")
_SINCE: Final = Phrase("déjà là en {first}", "already there in {first}")
_AFTER: Final = Phrase("pas encore là en {last}", "not there yet in {last}")
_ACTIONS: Final = {
    "criminal": Phrase("action pénale : {years} ans", "criminal action: {years} years"),
    "civil": Phrase("action civile : {years} ans", "civil action: {years} years"),
}
_UNTIL_BETWEEN: Final = Phrase("soit entre {low} et {high}", "that is between {low} and {high}")
_UNTIL_LATEST: Final = Phrase("soit {high} au plus tard", "that is {high} at the latest")
_UNTIL_EARLIEST: Final = Phrase("soit {low} au plus tôt", "that is {low} at the earliest")
_COUNTED: Final = Phrase(
    "si l’achèvement date de là, ce que l’image ne dit pas", "if it was completed then, which no image says"
)


def date_cases(
    cases: gpd.GeoDataFrame, presence: pd.DataFrame, *, image_year: int | None, rules: VintageRules
) -> gpd.GeoDataFrame:
    """Say of each case which image shows it first, and which last did not.

    Where it is seen, then not, then seen again, only what follows the last absence counts: what stands
    now was built after it.

    Args:
        cases: With ``kind``; what is no longer seen in the image is not dated.
        presence: One row per case on the same index, one column per year (int): probability that it is
            there, 0-1, NaN where that image does not show the place.
        image_year: Year of the image that the cases were found in; None where it is not known.
        rules: From and below which probability it is there or not.

    Returns:
        A copy with ``first_seen`` and ``last_not_seen`` (years, null where not known).
    """
    years = np.array(sorted(presence.columns), dtype=np.int64)
    chance = presence[years].to_numpy(dtype=float, copy=True)
    chance[cases["kind"].isin(RECORD_KINDS).to_numpy()] = np.nan
    last = np.where(chance < rules.not_seen_below, years, -np.inf).max(axis=1, initial=-np.inf)
    seen_since = (chance >= rules.seen_from) & (years > last[:, np.newaxis])
    first = np.where(seen_since, years, np.inf).min(axis=1, initial=np.inf)
    if image_year is not None:
        first[np.isinf(first) & np.isfinite(last)] = image_year
    return cases.assign(first_seen=_as_years(first), last_not_seen=_as_years(last))


def elapsed(
    cases: gpd.GeoDataFrame, deadlines: Sequence[DeadlineRule], *, image_year: int | None
) -> NDArray[np.bool_]:
    """Return whether every delay, run from the image that shows a case first, had passed before the image."""
    if image_year is None or not deadlines or "first_seen" not in cases:
        return np.zeros(len(cases), dtype=np.bool_)
    longest = max(rule.years for rule in deadlines)
    first = cases["first_seen"].to_numpy(dtype=float, na_value=np.nan)
    passed: NDArray[np.bool_] = first + longest < image_year
    return passed


def time_facts(
    cases: gpd.GeoDataFrame, deadlines: Sequence[DeadlineRule], *, lang: Language
) -> list[str | None]:
    """Return per case a sentence on when it appeared and what follows for the time to act; None if not known.

    It states years and articles, and leaves it to the service whether they apply.
    """

    @cache
    def said(first: int | None, last: int | None) -> str | None:
        return _time_fact(first, last, deadlines, lang)

    if "first_seen" not in cases:
        return [None] * len(cases)
    first, last = (
        cases[name].astype("object").where(cases[name].notna(), None)
        for name in ("first_seen", "last_not_seen")
    )
    return [said(*pair) for pair in zip(first, last, strict=True)]


def _time_fact(
    first: int | None, last: int | None, deadlines: Sequence[DeadlineRule], lang: Language
) -> str | None:
    if first is None and last is None:
        return None
    if first is None:
        when, until = _AFTER, _UNTIL_EARLIEST
    elif last is None:
        when, until = _SINCE, _UNTIL_LATEST
    else:
        when, until = _BETWEEN, _UNTIL_BETWEEN
    said = [when.said_in(lang).format(first=first, last=last)]
    for rule in deadlines:
        low, high = (None if year is None else year + rule.years for year in (last, first))
        action = _ACTIONS[rule.action].said_in(lang).format(years=rule.years)
        said.append(f"{action} ({rule.article}), {until.said_in(lang).format(low=low, high=high)}")
    if deadlines:
        said.append(_COUNTED.said_in(lang))
    if any(rule.verify for rule in deadlines):
        said.append(VERIFY.said_in(lang))
    return ", ".join(said)


def _as_years(values: NDArray[np.float64]) -> pd.api.extensions.ExtensionArray:
    known = np.isfinite(values)
    years = pd.array(np.where(known, values, 0).astype(np.int32), dtype="Int32")
    years[~known] = pd.NA
    return years
