"""BD TOPO of IGN, layer ``batiment``, with the long names of GeoPackage or the short ones of Shapefile.

GDAL cuts the long names to ten letters where it writes a Shapefile itself, as QGIS does on export.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from vigibati.cadastre.readers.tabular_format import TabularFormat
from vigibati.configs.records_mapping import RecordsMapping

_STATE: Final = {"en ruine": "skip", "détruit": "skip"}
_NATURE: Final = {"serre": "light"}
_LIGHT: Final = {"true": "light", "oui": "light", "false": "durable", "non": "durable"}


_KNOWN_BY: Final = (
    {"cleabs", "construction_legere"},
    {"cleabs", "constructi", "etat_de_l_"},
    {"leger", "prec_plani", "etat"},
)


def _fits(columns: pd.DataFrame) -> bool:
    return any(names <= set(columns) for names in _KNOWN_BY)


BDTOPO: Final = TabularFormat(
    name="bdtopo",
    needs="the columns cleabs and construction_legere (in a Shapefile: ETAT, LEGER and PREC_PLANI)",
    fits=_fits,
    mapping=RecordsMapping.model_validate(
        {
            "record_id": ("cleabs", "id"),
            # Ruins are none; what is planned or being built is known to the State, and stays a record.
            "kind": [
                {"column": column, "values": values}
                for columns, values in (
                    (("etat_de_l_objet", "etat_de_l_", "etat"), _STATE),
                    (("nature",), _NATURE),
                    (("construction_legere", "constructi", "leger"), _LIGHT),
                )
                for column in columns
            ],
            "created": ("date_creation", "date_creat"),
            "updated": ("date_modification", "date_modif", "date_maj"),
            "accuracy_m": ("precision_planimetrique", "precision_", "prec_plani"),
        }
    ),
)
