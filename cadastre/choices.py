"""The lists of allowed values that planners choose from in QGIS, in French and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vigibati.cadastre.case_kinds import CASE_KIND_SPECS
from vigibati.cadastre.words import Phrase

OPEN: Final = "to_review"
"""Verdict while nobody has judged a case."""

AUTHORISED: Final = "authorised"
"""Verdict of a person, and what a permit on the parcel alone turns an open case to."""

STANDS: Final[Mapping[str, bool | None]] = {
    OPEN: None,
    "confirmed": True,
    "recorded_elsewhere": True,
    AUTHORISED: True,
    "not_a_building": False,
    "exempt": True,
    "unclear": None,
}
"""Whether each verdict says that the thing stands; None says nothing, so that the case stays open."""

UNTOUCHED: Final[Mapping[str, str]] = {
    "status": OPEN,
    "control": "none",
    "comment": "",
    "decided_by": "",
    "decided_at": "",
}
"""Columns of a decision, and what each holds, beside null, until a person touches the case."""

CHOICES: Final[Mapping[str, Mapping[str, Phrase]]] = {
    "case_kind": {kind: spec.label for kind, spec in CASE_KIND_SPECS.items()},
    "status": {
        OPEN: Phrase("À examiner", "To review"),
        "confirmed": Phrase("Confirmé", "Confirmed"),
        "recorded_elsewhere": Phrase("Déjà enregistré ailleurs", "Recorded elsewhere"),
        AUTHORISED: Phrase("Autorisé (permis ou déclaration)", "Authorised (permit or declaration)"),
        "not_a_building": Phrase("Pas une construction", "Not a building"),
        "exempt": Phrase("Dispensé de formalité", "Exempt from formalities"),
        "unclear": Phrase("Impossible à dire d’après l’image", "Cannot be told from the image"),
    },
    "control": {
        "none": Phrase("Aucune suite pour l’instant", "Nothing yet"),
        "to_visit": Phrase("À visiter", "To visit"),
        "letter_sent": Phrase("Courrier envoyé", "Letter sent"),
        "visited": Phrase("Visité", "Visited"),
        "report_drawn": Phrase("Procès-verbal dressé", "Report drawn up"),
        "regularised": Phrase("Régularisé", "Regularised"),
        "restored": Phrase("Remis en état", "Restored"),
    },
    "formality": {
        "none": Phrase("Sans formalité", "No formality"),
        "declaration": Phrase("Déclaration préalable", "Prior declaration"),
        "permit": Phrase("Permis de construire", "Building permit"),
    },
    "record_kind": {
        "durable": Phrase("Bâtiment en dur", "Durable building"),
        "light": Phrase("Construction légère", "Light construction"),
        "pool": Phrase("Piscine", "Pool"),
        "unknown": Phrase("Nature inconnue", "Unknown kind"),
    },
    "footprint_kind": {
        "building": Phrase("Bâtiment", "Building"),
        "pool": Phrase("Piscine", "Pool"),
    },
}
"""Stored value → what is shown, by name of the list of choices."""
