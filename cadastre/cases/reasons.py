"""Why a case is on the list, in plain words; facts only, never a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.choices import AUTHORISED
from vigibati.cadastre.words import Language, Phrase

REASON_COLUMNS: Final = (
    "kind",
    "area_m2",
    "area_low_m2",
    "area_high_m2",
    "tolerance_m",
    "p_building",
    "p_case",
    "zone",
    "risk_zone",
    "protected",
    "permit",
    "status",
    "parcel_id",
)
"""Columns of a case that its reasons are made of, the kind first."""

_AREA: Final = Phrase("{area:.0f} m² (de {low:.0f} à {high:.0f})", "{area:.0f} m² ({low:.0f} to {high:.0f})")
_STRADDLES: Final = Phrase(
    "la surface peut être de part et d’autre de {bound:g} m²",
    "the area may lie on either side of {bound:g} m²",
)
_LOOSE: Final = Phrase(
    "cadastre calé à {tolerance:.1f} m près seulement", "records placed to {tolerance:.1f} m only"
)
_UNSURE: Final = Phrase(
    "le modèle n’en est sûr qu’à {percent:.0f} %", "the model is only {percent:.0f} % sure"
)
_OFTEN: Final = Phrase(
    "parmi les cas semblables de cette liste, environ {percent:.0f} % seraient réels",
    "of the cases like it on this list about {percent:.0f} % may be real",
)
_ZONE: Final = Phrase("zone {zone}", "zone {zone}")
_PARCEL: Final = Phrase("parcelle {parcel}", "parcel {parcel}")
_RISK: Final = Phrase("zone de risque {name}", "risk zone {name}")
_PROTECTED: Final = Phrase("secteur protégé {name}", "protected sector {name}")
_PERMIT: Final = Phrase("autorisation sur la parcelle : {permit}", "permission on the parcel: {permit}")
_EXPLAINED: Final = Phrase(
    ", comptée comme explication tant que personne n’en décide autrement",
    ", taken as the explanation until a person decides otherwise",
)
_LOOSE_FROM_M: Final = 1.5
_UNSURE_BELOW: Final = 0.7


def reason(case: Mapping[str, Any], *, bounds_m2: Sequence[float], lang: Language) -> str:
    """Return one line such as ``Bâtiment de 84 m² (de 60 à 108) absent du cadastre ; zone A ; parcelle …``.

    Args:
        case: ``REASON_COLUMNS`` of a row of the enriched cases; ``usual`` and ``time``: sentences on the
            usual formality and on the time to act, or None.
        bounds_m2: Areas that matter for this kind; the line says when its own may lie on both sides of one.
        lang: Language of the line.
    """
    area, low, high = (case[name] for name in ("area_m2", "area_low_m2", "area_high_m2"))
    size = _AREA.said_in(lang).format(area=area, low=low, high=high)
    said = [CASE_KIND_SPECS[case["kind"]].sentence.said_in(lang).format(area=size)]
    crossed = [bound for bound in bounds_m2 if low < bound < high]
    if crossed:
        nearest = min(crossed, key=lambda bound: abs(bound - area))
        said.append(_STRADDLES.said_in(lang).format(bound=nearest))
    if case["tolerance_m"] >= _LOOSE_FROM_M:
        said.append(_LOOSE.said_in(lang).format(tolerance=case["tolerance_m"]))
    if case["p_building"] < _UNSURE_BELOW:
        said.append(_UNSURE.said_in(lang).format(percent=100 * case["p_building"]))
    elif case["p_case"] < _UNSURE_BELOW:
        said.append(_OFTEN.said_in(lang).format(percent=100 * case["p_case"]))
    said += [case[name] for name in ("usual", "time") if case[name] is not None]
    said += _places(case, lang)
    return (" ; " if lang == "fr" else "; ").join(said)


def _places(case: Mapping[str, Any], lang: Language) -> list[str]:
    said = []
    if pd.notna(case["permit"]):
        explained = _EXPLAINED.said_in(lang) if case["status"] == AUTHORISED else ""
        said.append(_PERMIT.said_in(lang).format(permit=case["permit"]) + explained)
    if pd.notna(case["zone"]):
        said.append(_ZONE.said_in(lang).format(zone=case["zone"]))
    for name, phrase in (("risk_zone", _RISK), ("protected", _PROTECTED)):
        if pd.notna(case[name]):
            said.append(phrase.said_in(lang).format(name=case[name]))
    if pd.notna(case["parcel_id"]):
        said.append(_PARCEL.said_in(lang).format(parcel=case["parcel_id"]))
    return said
