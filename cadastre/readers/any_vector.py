"""Any layer of polygons: its columns are mapped by the user, or known by the names that towns give them."""

from __future__ import annotations

from typing import Final

from vigibati.cadastre.readers.column_mapping import check_mapping
from vigibati.cadastre.readers.polygon_layer import PolygonLayer
from vigibati.cadastre.readers.reader_result import Layers, parcels_from
from vigibati.cadastre.readers.tabular_format import mapped, refuse_parcels
from vigibati.configs.records_mapping import RecordsMapping

# Codes of DUR (EDIGEO) and type (Etalab), and words met in files of towns.
_KINDS: Final = {
    **dict.fromkeys(("01", "dur", "durable", "bâti dur", "bati dur"), "durable"),
    **dict.fromkeys(("02", "léger", "leger", "light", "bâti léger", "bati leger"), "light"),
    **dict.fromkeys(("pool", "piscine", "swimming_pool"), "pool"),
}
_LIGHT: Final = {"true": "light", "false": "durable", "oui": "light", "non": "durable"}

USUAL_COLUMNS: Final = RecordsMapping.model_validate(
    {
        "record_id": ("record_id", "cleabs", "localid", "gml_id", "id", "osm_id"),
        "kind": [
            *({"column": name, "values": _LIGHT} for name in ("construction_legere", "leger")),
            *({"column": name, "values": _KINDS} for name in ("kind", "dur", "type", "nature", "leisure")),
        ],
        "created": ("created", "creat_date", "date_creation", "beginlifespanversion"),
        "updated": ("updated", "update_date", "date_modification"),
        "accuracy_m": ("accuracy_m", "precision_planimetrique", "horizontalgeometryestimatedaccuracy"),
    }
)
"""Names that are understood without a mapping, those of the French cadastre among them."""


def read_vector_records(layer: PolygonLayer, *, mapping: RecordsMapping | None = None) -> Layers:
    """Read buildings.

    Args:
        layer: The polygons.
        mapping: What the columns mean; USUAL_COLUMNS when None.

    Raises:
        RecordsError: The layer holds parcels, or lacks a column that the mapping names.
    """
    if mapping is None:
        refuse_parcels(layer)
        return mapped(layer, USUAL_COLUMNS, name=layer.driver)
    check_mapping(layer.frame, mapping, layer.path)
    return mapped(layer, mapping, name=layer.driver)


def read_vector_parcels(layer: PolygonLayer) -> Layers:
    """Read parcels with their identifier and, where there is one, the declared area.

    Raises:
        RecordsError: No column holds the identifier.
    """
    return Layers(
        records=None,
        parcels=parcels_from(layer.frame, path=layer.path),
        sheets=None,
        source_format=layer.driver,
        paths=(layer.path,),
        crs=layer.frame.crs,
        crs_origin=layer.crs_origin,
    )
