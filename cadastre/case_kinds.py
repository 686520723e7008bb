"""The kinds of case: one entry each, from which come its number, class, colours and words everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vigibati.cadastre.words import Phrase
from vigibati.configs.legal import CaseKind


@dataclass(frozen=True, slots=True)
class CaseKindSpec:
    """What is fixed for all cases of one kind.

    Attributes:
        letter: Beginning of their numbers; no two kinds have the same.
        class_name: Class of the model that the thing is of.
        evidence: What their outlines are: a footprint seen in the image, or a record that is not.
        colour: In QGIS and in the quicklook, as ``#rrggbb``.
        label: In legends and lists of choices.
        sentence: First words of their reasons; ``{area}`` is put in.
    """

    letter: str
    class_name: Literal["building", "pool"]
    evidence: Literal["footprint", "record"]
    colour: str
    label: Phrase
    sentence: Phrase


CASE_KIND_SPECS: Final[Mapping[CaseKind, CaseKindSpec]] = {
    "new_building": CaseKindSpec(
        letter="N",
        class_name="building",
        evidence="footprint",
        colour="#e31a1c",
        label=Phrase("Bâtiment absent du cadastre", "Building not in the records"),
        sentence=Phrase("Bâtiment de {area} absent du cadastre", "Building of {area} not in the records"),
    ),
    "extension": CaseKindSpec(
        letter="E",
        class_name="building",
        evidence="footprint",
        colour="#ff7f00",
        label=Phrase("Extension absente du cadastre", "Extension not in the records"),
        sentence=Phrase("Extension de {area} absente du cadastre", "Extension of {area} not in the records"),
    ),
    "pool": CaseKindSpec(
        letter="P",
        class_name="pool",
        evidence="footprint",
        colour="#0070ff",
        label=Phrase("Piscine absente du cadastre", "Pool not in the records"),
        sentence=Phrase("Piscine de {area} absente du cadastre", "Pool of {area} not in the records"),
    ),
    "not_seen": CaseKindSpec(
        letter="V",
        class_name="building",
        evidence="record",
        colour="#8c3cbe",
        label=Phrase("Au cadastre, non vu sur l’image", "In the records, not seen in the image"),
        sentence=Phrase(
            "Bâtiment de {area} au cadastre, non vu sur l’image", "Recorded building of {area} not seen"
        ),
    ),
}
"""By kind, in the order of legends and lists of choices."""

RECORD_KINDS: Final = frozenset(kind for kind, spec in CASE_KIND_SPECS.items() if spec.evidence == "record")
"""Kinds whose cases are records: of the thing itself the image shows nothing."""
