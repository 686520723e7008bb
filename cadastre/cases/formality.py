"""Which formality is usual for works of a size and place: a fact with its article, never a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from vigibati.cadastre.choices import CHOICES
from vigibati.cadastre.words import VERIFY, Language, Phrase
from vigibati.configs.legal import CaseKind, FormalityRule

_USUAL: Final = {
    "none": Phrase("d’ordinaire sans formalité", "usually no formality"),
    "declaration": Phrase("d’ordinaire une déclaration préalable", "usually a prior declaration"),
    "permit": Phrase("d’ordinaire un permis de construire", "usually a building permit"),
}
_OR: Final = Phrase(
    "selon la surface réelle : {low} ou {high}", "depending on the true area: {low} or {high}"
)


def formality_rows(
    cases: gpd.GeoDataFrame, area_m2: NDArray[np.float64], rules: Sequence[FormalityRule]
) -> NDArray[np.intp]:
    """Return the number of the first rule that fits each case if it had that area; -1 where none does.

    Args:
        cases: With ``kind``, ``zone_kind`` and ``protected``.
        area_m2: (N,) areas to try, in square metres.
        rules: In the order in which they are tried.
    """
    kind, zone = cases["kind"], cases["zone_kind"].astype("str").fillna("")
    protected = cases["protected"].notna().to_numpy()
    found = np.full(len(cases), -1, dtype=np.intp)
    for number, rule in enumerate(rules):
        fits = (found < 0) & kind.isin(rule.kinds).to_numpy()
        if rule.up_to_m2 is not None:
            fits &= area_m2 <= rule.up_to_m2
        if rule.zones:
            fits &= zone.str.startswith(rule.zones).to_numpy(dtype=bool)
        if rule.protected:
            fits &= protected
        found[fits] = number
    return found


def formality_facts(
    cases: gpd.GeoDataFrame, rules: Sequence[FormalityRule], *, lang: Language
) -> tuple[NDArray[np.object_], list[str | None]]:
    """Return the formality of each case by its area, and a sentence about it; None where no rule speaks.

    The sentence names the article, and both formalities where the bounds of the area straddle a limit.
    """

    @cache
    def said(row: int, low: int, high: int) -> str | None:
        if row < 0:
            return None
        rule = rules[row]
        source = f"{rule.article}, {VERIFY.said_in(lang)}" if rule.verify else rule.article
        text = f"{_USUAL[rule.formality].said_in(lang)} ({source})"
        names = [rules[each].formality if each >= 0 else None for each in (low, high)]
        if None in names or names[0] == names[1]:
            return text
        least, most = (CHOICES["formality"][str(name)].said_in(lang).lower() for name in names)
        return f"{text}, {_OR.said_in(lang).format(low=least, high=most)}"

    row, low, high = (
        formality_rows(cases, cases[name].to_numpy(dtype=float), rules)
        for name in ("area_m2", "area_low_m2", "area_high_m2")
    )
    names = np.array([*(rule.formality for rule in rules), None], dtype=object)
    return names[row], [said(*each) for each in zip(row.tolist(), low.tolist(), high.tolist(), strict=True)]


def limits_m2(kind: CaseKind, rules: Sequence[FormalityRule]) -> tuple[float, ...]:
    """Return the areas at which the formality of a kind may change, rising."""
    limits = {rule.up_to_m2 for rule in rules if kind in rule.kinds}
    return tuple(sorted(limit for limit in limits if limit is not None))
