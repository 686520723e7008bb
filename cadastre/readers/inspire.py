"""INSPIRE Buildings (BU) as in Spain: buildings, their parts, other constructions."""

from __future__ import annotations

from typing import Final

import pandas as pd

from vigibati.cadastre.readers.tabular_format import TabularFormat
from vigibati.configs.records_mapping import RecordsMapping

_OF_BUILDINGS: Final = {"conditionofconstruction", "constructionnature", "numberoffloorsaboveground"}


def _fits(columns: pd.DataFrame) -> bool:
    return "beginlifespanversion" in columns and bool(_OF_BUILDINGS & set(columns))


INSPIRE: Final = TabularFormat(
    name="inspire",
    needs="the column beginLifespanVersion, or one that only buildings have, such as conditionOfConstruction",
    fits=_fits,
    mapping=RecordsMapping.model_validate(
        {
            "record_id": ("gml_id", "localid", "inspireid_localid"),
            "kind": [
                {"column": "conditionOfConstruction", "values": {"ruin": "skip", "demolished": "skip"}},
                # The Catastro's "other constructions" are its pools.
                {"column": "constructionNature", "values": {"openAirPool": "pool"}},
            ],
            "created": ("beginLifespanVersion",),
            "accuracy_m": ("horizontalGeometryEstimatedAccuracy",),
        }
    ),
)
"""The cadastre of Spain does not tell durable from light; dates of the version are those of the drawing."""
