"""Buildings and parcels from any vector file with one layer of polygons."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vigibati.cadastre.readers.files import read_polygons
from vigibati.cadastre.readers.layers import Layers, parcels_from, records_from
from vigibati.configs.errors import RecordsError

# Only parcels declare an area: taking them for buildings would hide every case on them.
_PARCEL_SIGNS: Final = frozenset({"contenance", "supf", "area_declared_m2"})


def read_vector_records(path: Path, *, declared_crs: str | None = None) -> Layers:
    """Read buildings; the kind comes from a column such as ``construction_legere`` or ``type``.

    Raises:
        RecordsError: The file cannot be read, or holds parcels.
    """
    layer = read_polygons(path, declared_crs=declared_crs)
    sign = next((name for name in layer.frame.columns if str(name).lower() in _PARCEL_SIGNS), None)
    if sign is not None:
        cause = f"seems to hold parcels, not buildings (column '{sign}')"
        raise RecordsError(path, cause, "give it with --parcels, and the buildings as records")
    prefix = f"{path.name.split('.')[0]}-"
    records = records_from(layer.frame, prefix=prefix, source=layer.driver)
    return Layers(records=records, parcels=None, sheets=None, source_format=layer.driver, paths=(path,))


def read_vector_parcels(path: Path, *, declared_crs: str | None = None) -> Layers:
    """Read parcels with their identifier and, where there is one, the declared area.

    Raises:
        RecordsError: The file cannot be read, or no column holds the identifier.
    """
    layer = read_polygons(path, declared_crs=declared_crs)
    parcels = parcels_from(layer.frame, path=path)
    return Layers(records=None, parcels=parcels, sheets=None, source_format=layer.driver, paths=(path,))
