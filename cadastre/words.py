"""A text in two languages, and the titles and headings that planners read in QGIS."""

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
