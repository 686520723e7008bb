"""A format that is one layer of polygons with known columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from vigibati.cadastre.readers.column_mapping import listed, lower_columns, records_by
from vigibati.cadastre.readers.polygon_layer import PolygonLayer
from vigibati.cadastre.readers.reader_result import Layers
from vigibati.configs.errors import RecordsError
from vigibati.configs.records_mapping import RecordsMapping

# Only parcels declare an area, or are numbered by section: taken for buildings they would hide every case.
_PARCEL_SIGNS: Final = (
    {"contenance"}, {"supf"}, {"area_declared_m2"}, {"areavalue"}, {"idu", "section", "numero"},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TabularFormat:
    """What tells the format from others, and what its columns mean.

    Attributes:
        name: As ``--records-format`` gives it.
        needs: In words, the columns by which it is known, for the error.
        fits: Whether attributes, their names in lower case, are those of the format.
        mapping: What they mean.
    """

    name: str
    needs: str
    fits: Callable[[pd.DataFrame], bool]
    mapping: RecordsMapping


def read_tabular(layer: PolygonLayer, kind: TabularFormat) -> Layers:
    """Read the records of a layer in a format.

    Raises:
        RecordsError: The layer is not in this format.
    """
    columns = lower_columns(layer.frame)
    if not kind.fits(columns):
        cause = f"is not {kind.name}: it lacks {kind.needs} (columns: {listed(columns)})"
        raise RecordsError(layer.path, cause, "leave --records-format out, or give another file")
    return mapped(layer, kind.mapping, name=kind.name)


def mapped(layer: PolygonLayer, mapping: RecordsMapping, *, name: str) -> Layers:
    """Read the records of a layer as a mapping says; ``name`` is that of the format."""
    prefix = f"{layer.path.name.split('.')[0]}-"
    records, repairs = records_by(layer.frame, mapping, prefix=prefix, source=name)
    return Layers(
        records=records,
        parcels=None,
        sheets=None,
        source_format=name,
        paths=(layer.path,),
        crs=layer.frame.crs,
        crs_origin=layer.crs_origin,
        repairs=repairs,
    )


def refuse_parcels(layer: PolygonLayer) -> None:
    """Refuse parcels that were given as records.

    Raises:
        RecordsError: Columns are such as only parcels have.
    """
    columns = set(lower_columns(layer.frame))
    sign = next((names for names in _PARCEL_SIGNS if names <= columns), None)
    if sign is not None:
        named = ", ".join(f"'{name}'" for name in sorted(sign))
        cause = f"seems to hold parcels, not buildings (column {named})"
        raise RecordsError(layer.path, cause, "give it with --parcels, and the buildings as records")
