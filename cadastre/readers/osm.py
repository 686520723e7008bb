"""Polygons of OpenStreetMap, whatever tool cut them out: Overpass, osmium, QuickOSM, osmnx, ogr2ogr."""

from __future__ import annotations

from typing import Final

import pandas as pd

from vigibati.cadastre.readers.tabular_format import TabularFormat
from vigibati.configs.records_mapping import RecordsMapping

_IDS: Final = ("@id", "full_id", "osm_id", "osm_way_id", "osmid", "id")
_LIGHT: Final = (
    "shed", "garage", "garages", "carport", "hut", "cabin", "greenhouse", "roof", "tent", "container",
    "static_caravan", "kiosk", "canopy", "boathouse", "sty", "cowshed", "hangar",
)  # fmt: skip
_NONE: Final = ("no", "ruins", "collapsed", "demolished", "destroyed", "razed", "proposed")


def _fits(columns: pd.DataFrame) -> bool:
    if "building" not in columns:
        return False
    # A town may have a column of that name too: OSM's has ids beside it, or says "yes".
    return bool(set(_IDS[:-1]) & set(columns)) or bool((columns["building"] == "yes").any())


OSM: Final = TabularFormat(
    name="osm",
    needs="the column building, with an id of OpenStreetMap beside it or the value yes",
    fits=_fits,
    mapping=RecordsMapping.model_validate(
        {
            "record_id": _IDS,
            "kind": [
                {"column": "leisure", "values": {"swimming_pool": "pool"}},
                {"column": "amenity", "values": {"swimming_pool": "pool"}},
                {
                    "column": "building",
                    "values": dict.fromkeys(_NONE, "skip")
                    | dict.fromkeys(_LIGHT, "light")
                    | {"yes": "unknown", "construction": "unknown", "*": "durable"},
                },
            ],
            # What has no tag of a building is land use, water, or the like.
            "other_kind": "skip",
            "updated": ("@timestamp", "osm_timestamp", "timestamp"),
        }
    ),
)
