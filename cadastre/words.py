"""The words that planners read in QGIS, in French and English, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["fr", "en"]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One text in the two languages."""

    fr: str
    en: str

    def said_in(self, lang: Language) -> str:
        """Return the text in ``lang``."""
        return self.fr if lang == "fr" else self.en


CHOICES: Final[Mapping[str, Mapping[str, Phrase]]] = {
    "case_kind": {
        "new_building": Phrase("Bâtiment absent du cadastre", "Building not in the records"),
        "extension": Phrase("Extension absente du cadastre", "Extension not in the records"),
        "pool": Phrase("Piscine absente du cadastre", "Pool not in the records"),
        "not_seen": Phrase("Au cadastre, non vu sur l’image", "In the records, not seen in the image"),
    },
    "status": {
        "to_review": Phrase("À examiner", "To review"),
        "confirmed": Phrase("Confirmé", "Confirmed"),
        "recorded_elsewhere": Phrase("Déjà enregistré ailleurs", "Recorded elsewhere"),
        "authorised": Phrase("Autorisé (permis ou déclaration)", "Authorised (permit or declaration)"),
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

VERIFY: Final = Phrase("à vérifier par le service", "to be verified by the service")
"""Said of every rule of law whose source here is secondary."""

TITLES: Final[Mapping[str, Phrase]] = {
    "cases": Phrase("Cas à examiner", "Cases to review"),
    "footprints": Phrase("Contours vus sur l’image", "Outlines seen in the image"),
    "records": Phrase("Bâtiments du cadastre", "Buildings in the records"),
    "parcels": Phrase("Parcelles", "Parcels"),
}
"""Title of each layer."""

DESCRIPTIONS: Final[Mapping[str, Phrase]] = {
    "cases": Phrase(
        "Différences entre l’image et le cadastre, classées, à juger une par une par une personne. "
        "Une différence n’est pas une infraction.",
        "Differences between the image and the records, ranked, to be judged one by one by a person. "
        "A difference is not an offence.",
    ),
    "footprints": Phrase(
        "Contours de bâtiments et de piscines trouvés par le modèle sur l’orthophoto, sans relecture.",
        "Outlines of buildings and pools that the model found in the orthophoto, not reviewed.",
    ),
    "records": Phrase(
        "Bâtiments et piscines connus du cadastre, déplacés sur l’image du décalage estimé.",
        "Buildings and pools known to the cadastre, moved onto the image by the estimated offset.",
    ),
    "parcels": Phrase(
        "Parcelles du cadastre ; aucun nom de propriétaire.",
        "Parcels of the cadastre; no owner's name.",
    ),
}
"""What each layer holds, for the list of layers and for the metadata."""

TABS: Final[Mapping[str, Phrase]] = {
    "case": Phrase("Le cas", "The case"),
    "decision": Phrase("Votre décision", "Your decision"),
    "evidence": Phrase("Indices", "Evidence"),
    "context": Phrase("Situation", "Context"),
}
"""Headings of the form of a case."""

LEGEND: Final[Mapping[str, Phrase]] = {
    "settled": Phrase("Écarté ou réglé", "Dismissed or settled"),
}
"""Legend entries that are not choices."""
